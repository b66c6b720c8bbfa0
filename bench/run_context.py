"""The context of every measurement: the server, the receiver, the workers and the sizes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bench.process_cpu import CpuMeter
from bench.throughput import Report, Subject, bare_loop, drain, process, unique_prefix
from rowhook.cli.options import child_environment
from rowhook.cli.startup import Database
from rowhook.db.connection_pool import Pool
from rowhook.services.context import KeyringContext
from rowhook.settings import Settings

_WARM_UP = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """The database, a pool of its owner, the port of the receiver and the process of the server.

    `server` is None if the server is on another machine. `sizes` has the options of the command.
    """

    settings: Settings
    database: Database
    ctx: KeyringContext
    pool: Pool
    port: int
    server: int | None
    sizes: Mapping[str, Any]
    report: Report

    def environment(self) -> dict[str, str]:
        """Returns the environment of a child process that uses the database."""
        return child_environment(self.database.dsn, self.settings)

    @asynccontextmanager
    async def workers(self, count: int = 1) -> AsyncIterator[Subject]:
        """Runs workers that have delivered some rows already."""
        async with AsyncExitStack() as stack:
            pids = []
            for _ in range(count):
                worker = process("rowhook", "worker", environment=self.environment())
                pids.append((await stack.enter_async_context(worker)).pid)
            meter = CpuMeter(workers=tuple(pids), server=self.server)
            subject = Subject(pool=self.pool, port=self.port, meter=meter)
            await drain(subject, _WARM_UP * count, unique_prefix(), self.report)
            yield subject

    async def baseline_per_s(self) -> float:
        """Measures the requests per second of the aiohttp baseline."""
        run = await bare_loop("bench.baseline", self.port, self.sizes["deliveries"])
        return run.requests_per_s
