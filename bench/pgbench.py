"""Runs pgbench and measures commits per second and, with one writer, CPU time per commit."""

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

from bench.child_process import bound_command
from bench.measured_server import cpu_ns
from rowhook.db import statements
from rowhook.db.connection_pool import Pool

_SQL = Path(__file__).with_name("sql")
_KILOBYTE = "abcdefgh" * 125
_READ_EVERY_S = 0.01
Reading = tuple[float, int]
Communication = asyncio.Task[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The result of a run. `cpu_us` per commit is None if the CPU time is unavailable."""

    commits_per_s: float
    cpu_us: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Runs pgbench on one database. The login of `pool` must see the sessions of `dsn`."""

    program: Path
    dsn: str
    pool: Pool

    async def run(
        self, script: str, table: str, *, writers: int, transactions: int, first: int = 0
    ) -> Run:
        """Runs a script of `bench/sql` on a table of `rowhook` with several writers.

        The rows that a script updates are numbered from `first`. Statements are prepared.
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
            async with self._process(session, arguments) as child:
                communication = asyncio.create_task(child.communicate(_script(script, table)))
                readings = await self._read_cpu(communication, session) if writers == 1 else []
                out, error = await communication
            if child.returncode:
                raise RuntimeError(f"pgbench failed: {error.decode()[-400:]}")
            return Run(commits_per_s=_rate(out.decode()), cpu_us=_cpu_us(readings, Path(folder)))

    @asynccontextmanager
    async def _process(self, session: str, arguments: list[str]) -> AsyncIterator[Process]:
        """Starts pgbench; terminates it at exit."""
        dsn, password = statements.without_password(self.dsn)
        environment = os.environ | {"PGAPPNAME": session}
        # Process arguments are visible to every user of the machine.
        environment |= {"PGPASSWORD": password} if password else {}
        child = await asyncio.create_subprocess_exec(
            *bound_command(str(self.program), *arguments, dsn),
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

    async def _read_cpu(self, communication: Communication, session: str) -> list[Reading]:
        """Samples the time and the CPU time of the backend in ns during a run.

        pgbench inspects the database on a first connection and writes on a second one.
        """
        _, database = statements.login_and_database(self.dsn)
        readings: list[Reading] = []
        pid: int | None = None
        while not communication.done():
            used = cpu_ns(pid, database) if pid is not None else None
            if used is not None:
                readings.append((time.time(), used))
            else:
                query = "select rowhook.bench_backend(%s)"
                running = await statements.value(self.pool, query, session)
                if running not in (None, pid):
                    pid = running
                    readings.clear()
            await asyncio.sleep(_READ_EVERY_S)
        return readings


def _script(name: str, table: str) -> bytes:
    """Reads a script and inserts the table name, which cannot be a parameter."""
    text = (_SQL / name).read_text("utf-8")
    return text.replace(":table", table).replace(":kilobyte", _KILOBYTE).encode()


def _rate(out: str) -> float:
    for line in out.splitlines():
        if line.startswith("tps ="):
            return float(line.split()[2])
    raise RuntimeError(f"No rate in the output of pgbench: {out[-400:]}")


def _cpu_us(readings: list[Reading], folder: Path) -> float | None:
    """Returns the CPU time per commit, without the first quarter of the run (warm-up).

    A log line ends with the end of the transaction: seconds, then microseconds.
    """
    if not readings:
        return None
    (since, before), (until, after) = readings[len(readings) // 4], readings[-1]
    lines = [line.split() for path in folder.glob("log.*") for line in path.open()]
    commits = sum(since < int(line[4]) + int(line[5]) / 1e6 <= until for line in lines)
    return (after - before) / 1000 / commits if commits else None
