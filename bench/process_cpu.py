"""CPU time and memory of processes of this machine, read from /proc (Linux)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rowhook.db import statements
from rowhook.db.connection_pool import Pool

_PROC = Path("/proc")
# Positions in /proc/<pid>/stat after the name of the program (proc_pid_stat(5)).
_PARENT, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 11, 12, 13, 14


class Cpu(NamedTuple):
    """CPU time in ns. `server` is None if the server is on another machine."""

    worker: int
    server: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuMeter:
    """Reads the CPU time of worker processes and of a server, each with its descendants."""

    workers: tuple[int, ...]
    server: int | None

    def read(self) -> Cpu:
        """Returns the CPU time that they have used so far."""
        return Cpu(
            worker=sum(tree_cpu_ns(pid) or 0 for pid in self.workers),
            server=None if self.server is None else tree_cpu_ns(self.server),
        )


def per_delivery_us(before: Cpu, after: Cpu, deliveries: int) -> dict[str, float | None]:
    """Returns the CPU µs that worker and server used for each delivery between two readings."""
    server = None
    if before.server is not None and after.server is not None:
        server = round((after.server - before.server) / deliveries / 1000, 1)
    return {
        "worker": round((after.worker - before.worker) / deliveries / 1000, 1),
        "server": server,
    }


async def server_pid(pool: Pool, database: str) -> int | None:
    """Returns the process of the server that `pool` uses; None if it is on another machine."""
    backend = int(await statements.value(pool, "select pg_backend_pid()"))
    try:
        title = (_PROC / str(backend) / "cmdline").read_bytes()
        if not title.startswith(b"postgres: ") or f" {database} ".encode() not in title:
            return None
        return int(_stat(backend)[_PARENT])
    except OSError:
        return None


def tree_cpu_ns(root: int) -> int | None:
    """Returns the CPU time of a process and its descendants, also of those that have ended.

    None if there is no such process.
    """
    parents = _parents()
    if root not in parents:
        return None
    tree = {root}
    # Processes are listed by number; a child may have a lower number than its parent.
    while added := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= added
    return sum(map(_process_ns, tree))


def _parents() -> dict[int, int]:
    parents = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int(_stat(int(entry.name))[_PARENT])
            except OSError:  # ended since it was listed
                continue
    return parents


def _stat(pid: int) -> list[str]:
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _process_ns(pid: int) -> int:
    """Returns the time of the threads of a process, and of its children that have ended."""
    try:
        stat = [int(field) for field in _stat(pid)[_USER : _CHILDREN_SYSTEM + 1]]
        threads = sum(
            int((task / "schedstat").read_text().split()[0])
            for task in (_PROC / str(pid) / "task").iterdir()
        )
    except OSError:
        return 0
    tick_ns = 10**9 // os.sysconf("SC_CLK_TCK")
    # schedstat is exact but omits threads that have ended; stat includes them and counts ticks.
    own = max(threads, sum(stat[: _CHILDREN_USER - _USER]) * tick_ns)
    return own + sum(stat[_CHILDREN_USER - _USER :]) * tick_ns


def resident_mb(pid: int, *, peak: bool = True) -> float:
    """Returns the peak or the present resident memory of a process in MB."""
    field = "VmHWM:" if peak else "VmRSS:"
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0
