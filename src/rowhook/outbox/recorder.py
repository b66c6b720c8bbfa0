"""Results on their way back to Postgres, in batches; kept and tried again while it is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Self

import msgspec
import structlog

from rowhook import postgres
from rowhook.delivery import Headers, Shown

log = structlog.get_logger()
_MOST = 128
_WITHIN_S = 0.02
_BACKOFF_S = (0.05, 0.1, 0.25, 0.5, 1.0)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One row for `rowhook.record`."""

    outbox_id: int
    token: int
    revision: int
    secrets_version: int
    outcome: str
    started_at: datetime
    duration_ms: float
    rendered_ms: float | None = None
    validated_ms: float | None = None
    status_code: int | None = None
    error: str | None = None
    retry_after_s: float | None = None
    request: Shown | None = None
    response_headers: Headers | None = None
    response_body: str | None = None


class Recorder:
    """Batches of at most 128 results or 20 ms. `settled` hears of each result once written.

    Entered, it works until it is left; leaving waits up to `patience_s` seconds for the rest.
    """

    def __init__(
        self, pool: postgres.Pool, settled: Callable[[Result, bool], None], patience_s: float = 20.0
    ) -> None:
        self.lost = 0
        self._pool = pool
        self._settled = settled
        self._patience_s = patience_s
        self._waiting: list[Result] = []
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def add(self, result: Result, *, last: bool = False) -> None:
        """Takes a result; never waits, never fails. After the `last` none is waited for."""
        self._waiting.append(result)
        self._arrived.set()
        if last or len(self._waiting) >= _MOST:
            self._full.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="recorder")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._arrived.set()
        self._full.set()
        if self._task is None:
            return
        done, _pending = await asyncio.wait({self._task}, timeout=self._patience_s)
        if not done:
            self._task.cancel()
            self.lost = len(self._waiting)
            log.error("results.lost", count=self.lost, consequence="sent again after the lease")

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            await self._arrived.wait()
            if not self._closing and len(self._waiting) < _MOST:
                await self._gather()
            batch = self._waiting[:_MOST]
            if batch:
                await self._until_written(batch)
            del self._waiting[: len(batch)]
            if not self._waiting:
                self._arrived.clear()
            if len(self._waiting) < _MOST:
                self._full.clear()
            if self._closing:
                self._arrived.set()

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(_WITHIN_S):
                await self._full.wait()
        except TimeoutError:
            return

    async def _until_written(self, batch: list[Result]) -> None:
        failures = 0
        while True:
            try:
                return await self._write(batch)
            except postgres.Failed as error:
                log.warning("results.waiting", count=len(self._waiting), error=type(error).__name__)
                await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1

    async def _write(self, batch: list[Result]) -> None:
        try:
            # failpoint recording
            counted = await postgres.record(self._pool, msgspec.json.encode(batch))
            # failpoint recorded
        except postgres.Unreachable:
            raise
        except postgres.Refused as error:
            await self._write_apart(batch, error)
            return
        for result in batch:
            self._settled(result, result.token in counted)

    async def _write_apart(self, batch: list[Result], error: Exception) -> None:
        if len(batch) > 1:
            for result in batch:
                await self._write([result])
            return
        # What was exchanged cannot be stored: the verdict still is.
        log.error("result.unstorable", delivery=batch[0].outbox_id, error=str(error))
        bare = msgspec.structs.replace(
            batch[0], request=None, response_headers=None, response_body=None
        )
        counted = await postgres.record(self._pool, msgspec.json.encode([bare]))
        self._settled(bare, bare.token in counted)
