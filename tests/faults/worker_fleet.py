"""Worker processes, that a test starts, stops and kills."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from tests.support.deadline import DEADLINE_S

_ROOT = Path(__file__).parents[2]
_STARTED = re.compile(rb"worker\.started.*worker=([0-9a-f-]{36})")
_KILLED_AT = re.compile(rb"^failpoint\.killed_at (\w+)$", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class WorkerProcess:
    """A worker process. `dies_at` is the failpoint that kills it, None for none."""

    pid: int
    log: Path
    dies_at: str | None
    started_at: float = field(default_factory=time.monotonic)

    @property
    def worker(self) -> UUID | None:
        """Its id in the leases; None before it is logged."""
        match = _STARTED.search(self.log.read_bytes()) if self.log.exists() else None
        return UUID(match[1].decode()) if match else None

    @property
    def killed_at(self) -> str | None:
        """The failpoint that killed it; None if it runs, or ended for another reason."""
        match = _KILLED_AT.search(self.log.read_bytes()) if self.log.exists() else None
        return match[1].decode() if match else None

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


class Fleet:
    """Starts workers with these variables; see `fleet`."""

    def __init__(self, process: Process, folder: Path, environment: dict[str, str]) -> None:
        self.workers: list[WorkerProcess] = []
        self.logs: list[Path] = []
        self._process = process
        self._folder = folder
        self._environment = environment
        self._lock = asyncio.Lock()

    async def start(
        self, *, dies_at: str | None = None, after: int = 0, **more: str
    ) -> WorkerProcess:
        """Starts a worker. With `dies_at` it kills itself there, after `after` passes."""
        log = self._folder / f"worker-{len(self.logs)}.log"
        self.logs.append(log)
        point = f"{dies_at}:{after}" if dies_at else ""
        command = {"start": self._environment | more, "log": str(log), "dies_at": point}
        pid = await self._ask(command)
        worker = WorkerProcess(pid=pid, log=log, dies_at=dies_at)
        self.workers.append(worker)
        return worker

    async def ended(self, worker: WorkerProcess) -> int:
        """Waits for its end and returns the exit code, negative for a signal."""
        code: int | None = None
        async with asyncio.timeout(DEADLINE_S):
            while (code := await self.poll(worker)) is None:
                await asyncio.sleep(0.02)
        return code

    async def poll(self, worker: WorkerProcess) -> int | None:
        """Returns its exit code once; None while it runs."""
        code: int | None = await self._ask({"poll": worker.pid})
        if code is not None:
            self.workers.remove(worker)
        return code

    async def kill(self, worker: WorkerProcess) -> None:
        worker.signal(signal.SIGKILL)
        await self.ended(worker)

    async def drain(self) -> list[int]:
        """Sends SIGTERM to all workers and returns their exit codes."""
        for worker in self.workers:
            worker.signal(signal.SIGTERM)
        return [await self.ended(worker) for worker in list(self.workers)]

    async def _ask(self, command: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._lock:
            self._process.stdin.write(msgspec.json.encode(command) + b"\n")
            return msgspec.json.decode(await self._process.stdout.readline())

    def count_in_logs(self, text: bytes) -> int:
        """Counts the occurrences of a text in all logs."""
        return sum(log.read_bytes().count(text) for log in self.logs if log.exists())


@asynccontextmanager
async def fleet(folder: Path, **variables: str) -> AsyncIterator[Fleet]:
    """Runs a fleet and kills its processes at the exit."""
    environment = {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{_ROOT / 'src'}:{_ROOT}",
        "ROWHOOK_DATA_DIR": str(folder / "data"),
        "ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("worker_launcher.py")),
        env=environment | variables,
        stdin=PIPE,
        stdout=PIPE,
    )
    workers = Fleet(process, folder, variables)
    try:
        yield workers
    finally:
        for worker in workers.workers:
            worker.signal(signal.SIGKILL)
        for worker in list(workers.workers):
            await workers.ended(worker)
        process.kill()
        await process.wait()
