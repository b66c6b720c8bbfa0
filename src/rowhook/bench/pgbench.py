"""Runs of pgbench: commits per second, and with one writer the CPU time of its backend."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rowhook import migrate, postgres
from rowhook.bench.server import cpu_ns

_KILOBYTE = "abcdefgh" * 125
_READ_EVERY_S = 0.01
Reading = tuple[float, int]
Ended = asyncio.Task[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of a script measured. `cpu_us` per commit is None where it cannot be read."""

    commits_per_s: float
    cpu_us: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Pgbench against one database. `pool` is of a login that sees the sessions of `dsn`."""

    program: Path
    dsn: str
    pool: postgres.Pool

    async def run(
        self, script: str, table: str, *, writers: int, transactions: int, first: int = 0
    ) -> Run:
        """Runs a script of `sql/bench` on a table of `rowhook`, divided among the writers.

        Each row that a script updates has a number, counted from `first`. Statements are
        prepared, as the drivers of platforms do.
        """
        session = f"rowhook-bench-{secrets.token_hex(4)}"
        with TemporaryDirectory(prefix="rowhook-pgbench-") as folder:
            arguments = [
                "-n",
                "-M",
                "prepared",
                "-f",
                "-",
                "-c",
                str(writers),
                "-j",
                "1",
                "-t",
                str(max(1, transactions // writers)),
                "-D",
                f"writers={writers}",
                "-D",
                f"first={first}",
                "-D",
                "place=-1",
            ]
            if writers == 1:
                arguments += ["--log", "--log-prefix", f"{folder}/log"]
            async with self._started(session, arguments) as child:
                ended = asyncio.create_task(child.communicate(_script(script, table)))
                readings = await self._readings(ended, session) if writers == 1 else []
                out, error = await ended
            if child.returncode:
                raise RuntimeError(f"pgbench failed: {error.decode()[-400:]}")
            return Run(commits_per_s=_rate(out.decode()), cpu_us=_cpu_us(readings, Path(folder)))

    @asynccontextmanager
    async def _started(self, session: str, arguments: list[str]) -> AsyncIterator[Process]:
        """The process of pgbench, ended at the exit."""
        where, password = postgres.without_password(self.dsn)
        environment = os.environ | {"PGAPPNAME": session}
        # The arguments of a process are readable by every user of the machine.
        environment |= {"PGPASSWORD": password} if password else {}
        child = await asyncio.create_subprocess_exec(
            str(self.program),
            *arguments,
            where,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=environment,
        )
        try:
            yield child
        finally:
            if child.returncode is None:
                child.terminate()
            await child.wait()

    async def _readings(self, ended: Ended, session: str) -> list[Reading]:
        """The time and the backend's CPU in ns until then, read over and over during a run.

        Pgbench opens a first connection to look around, and writes over a second one.
        """
        _, database = postgres.login_and_database(self.dsn)
        readings: list[Reading] = []
        pid: int | None = None
        while not ended.done():
            used = cpu_ns(pid, database) if pid is not None else None
            if used is not None:
                readings.append((time.time(), used))
            else:
                query = "select rowhook.bench_backend(%s)"
                running = await postgres.value(self.pool, query, session)
                if running not in (None, pid):
                    pid = running
                    readings.clear()
            await asyncio.sleep(_READ_EVERY_S)
        return readings


def _script(name: str, table: str) -> bytes:
    """The text of a script. A prepared statement has no variables for names."""
    text = (migrate.sql_folder() / "bench" / name).read_text("utf-8")
    return text.replace(":table", table).replace(":kilobyte", _KILOBYTE).encode()


def _rate(out: str) -> float:
    for line in out.splitlines():
        if line.startswith("tps ="):
            return float(line.split()[2])
    raise RuntimeError(f"pgbench printed no rate: {out[-400:]}")


def _cpu_us(readings: list[Reading], folder: Path) -> float | None:
    """The CPU per commit. The first quarter of the run, which makes plans and caches, is left out.

    A line of the log ends with the transaction's end: seconds, then microseconds.
    """
    if not readings:
        return None
    (since, before), (until, after) = readings[len(readings) // 4], readings[-1]
    lines = [line.split() for path in folder.glob("log.*") for line in path.open()]
    commits = sum(since < int(line[4]) + int(line[5]) / 1e6 <= until for line in lines)
    return (after - before) / 1000 / commits if commits else None
