"""Results on their way back to Postgres, in batches; kept and tried again while it is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import islice
from uuid import UUID

import msgspec
import structlog

from rowhook import postgres
from rowhook.delivery import Frame, Framed
from rowhook.outbox.result import Result, forms

log = structlog.get_logger()
_MOST = 128
_WITHIN_S = 0.02
_MOST_FRAMES = 2048
_BACKOFF_S = (0.05, 0.1, 0.25, 0.5, 1.0)


class Recorder:
    """Batches of at most 128 results or 20 ms. `settled` hears of each result once written.

    `run` works until `close`, which waits up to `patience_s` seconds for the rest. `dropped` gets
    the token of a result that cannot be sent to Postgres in any form: its claim counts as lost.
    """

    def __init__(
        self,
        pool: postgres.Pool,
        settled: Callable[[Result, bool], None],
        dropped: Callable[[int], None],
        patience_s: float = 20.0,
    ) -> None:
        self.lost = 0
        self._pool = pool
        self._settled = settled
        self._dropped = dropped
        self._patience_s = patience_s
        # By token, in the order in which they are to be written.
        self._waiting: dict[int, Result] = {}
        self._frames: dict[UUID, Frame] = {}
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False

    def add(self, result: Result, framed: Framed | None = None, *, last: bool = False) -> None:
        """Takes a result; never waits, never fails. After the `last` none is waited for.

        `framed` is the request, where the result names its frame.
        """
        self._waiting[result.token] = result
        if framed is not None:
            self._frames[framed.frame.digest] = framed.frame
        self._arrived.set()
        if last or len(self._waiting) >= _MOST:
            self._full.set()

    async def run(self) -> None:
        """Records what is added, until `close`."""
        failures = 0
        while self._waiting or not self._closing:
            await self._arrived.wait()
            if not self._closing and len(self._waiting) < _MOST:
                await self._gather()
            batch = list(islice(self._waiting.values(), _MOST))
            if batch and not await self._try_to_write(batch):
                await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1
            else:
                failures = 0
            self._reset_events()

    async def close(self, running: asyncio.Task[None]) -> None:
        """Ends `run`, which is that task, and writes what is left if it ended before its time."""
        self._closing = True
        self._arrived.set()
        self._full.set()
        try:
            async with asyncio.timeout(self._patience_s):
                await asyncio.wait({running})
                await self._write_rest()
        except TimeoutError:
            running.cancel()
        self.lost = len(self._waiting)
        if self.lost:
            log.error("results.lost", count=self.lost, consequence="sent again after the lease")

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(_WITHIN_S):
                await self._full.wait()
        except TimeoutError:
            return

    def _reset_events(self) -> None:
        if not self._waiting:
            self._arrived.clear()
        if len(self._waiting) < _MOST:
            self._full.clear()
        if self._closing:
            self._arrived.set()

    async def _write_rest(self) -> None:
        left = list(self._waiting.values())
        while left:
            left = [result for result in left if await self._is_left(result)]
            if left:
                await asyncio.sleep(_BACKOFF_S[0])

    async def _is_left(self, result: Result) -> bool:
        """Whether it is worth another try. What ended `run` must not keep the others back."""
        try:
            return not await self._try_to_write([result])
        except Exception:
            log.exception("result.not_recorded", delivery=result.outbox_id)
            return False

    async def _try_to_write(self, batch: list[Result]) -> bool:
        """Whether any of them was recorded; what Postgres refused stays for another turn."""
        try:
            await self._write(batch)
        except postgres.PostgresError as error:
            log.warning(
                "results.waiting",
                count=len(self._waiting),
                error=type(error).__name__,
                reason=postgres.reason(error),
            )
        return any(result.token not in self._waiting for result in batch)

    async def _write(self, batch: list[Result]) -> None:
        try:
            counted = await self._record(batch)
        except postgres.Unreachable:
            raise
        except Exception:  # noqa: BLE001  # whatever is wrong with one, the others are recorded
            refusals = [error for result in batch if (error := await self._write_alone(result))]
            if refusals:
                raise refusals[0] from None
        else:
            self._settle(batch, counted)

    async def _write_alone(self, result: Result) -> postgres.PostgresError | None:
        """Records as much of one result as can be stored; why, if it must be tried again."""
        refusals: list[Exception] = []
        for form in forms(result):
            try:
                counted = await self._record([form])
            except postgres.Unreachable:
                raise
            except Exception as error:  # noqa: BLE001  # it is logged, or handed on
                refusals.append(error)
            else:
                self._settle([form], counted)
                if refusals:
                    _log_shortened(result, refusals[0])
                return None
        if not isinstance(refusals[-1], postgres.PostgresError):
            await self._give_up(result, refusals[-1])
            return None
        # The others' turn comes first.
        self._waiting[result.token] = self._waiting.pop(result.token)
        return refusals[-1]

    async def _give_up(self, result: Result, error: Exception) -> None:
        """What cannot be sent to Postgres would fail for ever: after 5 lost claims it is dead."""
        log.error(
            "result.not_recorded",
            delivery=result.outbox_id,
            error=type(error).__name__,
            consequence="counted as a claim without a result",
            exc_info=error,
        )
        await postgres.abandon(self._pool, {result.token: result.outbox_id})
        self._waiting.pop(result.token)
        self._dropped(result.token)

    async def _record(self, batch: list[Result]) -> list[int]:
        # failpoint recording
        digests = {result.frame for result in batch if result.frame is not None}
        frames = [self._frames[digest] for digest in digests]
        return await postgres.record(
            self._pool, msgspec.json.encode(batch), msgspec.json.encode(frames)
        )

    def _settle(self, batch: list[Result], tokens: list[int]) -> None:
        # failpoint recorded
        counted = set(tokens)
        for result in batch:
            self._waiting.pop(result.token, None)
            self._settled(result, result.token in counted)
        if len(self._frames) > _MOST_FRAMES:
            needed = {result.frame for result in self._waiting.values()}
            self._frames = {key: frame for key, frame in self._frames.items() if key in needed}


def _log_shortened(result: Result, refusal: Exception) -> None:
    log.error(
        "result.recorded_without_exchange",
        delivery=result.outbox_id,
        error=type(refusal).__name__,
        reason=postgres.reason(refusal),
    )
