"""`python -m rowhook`: the command line."""

from rowhook.cli import main

main()
