"""`python -m bench`, from a checkout: run the benchmarks."""

from bench.command import bench
from rowhook.cli import main

if __name__ == "__main__":
    main(command=bench, name="rowhook bench")
