"""Results on their way back to Postgres, in batches; kept and tried again while it is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Self

import msgspec
import structlog

from rowhook import postgres
from rowhook.delivery import Claim, Headers, Outcome, Shown

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

    @classmethod
    def of(cls, claim: Claim, outcome: Outcome, started_at: datetime) -> Self:
        """The result of one try, which began at `started_at`."""
        return cls(
            outbox_id=claim.outbox_id,
            token=claim.token,
            revision=claim.revision,
            secrets_version=claim.secrets_version,
            outcome=outcome.verdict,
            started_at=started_at,
            duration_ms=outcome.duration_ms,
            rendered_ms=outcome.stages.rendered,
            validated_ms=outcome.stages.validated,
            status_code=outcome.status_code,
            error=outcome.error,
            retry_after_s=outcome.retry_after_s,
            request=outcome.shown,
            response_headers=outcome.headers or None,
            response_body=outcome.body,
        )


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
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False

    def add(self, result: Result, *, last: bool = False) -> None:
        """Takes a result; never waits, never fails. After the `last` none is waited for."""
        self._waiting[result.token] = result
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
        except postgres.Failed as error:
            log.warning(
                "results.waiting", count=len(self._waiting), error=type(error).__name__,
                reason=postgres.reason(error),
            )  # fmt: skip
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

    async def _write_alone(self, result: Result) -> postgres.Failed | None:
        """Records as much of one result as can be stored; why, if it must be tried again."""
        refusals: list[Exception] = []
        for form in _forms(result):
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
        if not isinstance(refusals[-1], postgres.Failed):
            await self._give_up(result, refusals[-1])
            return None
        # The others' turn comes first.
        self._waiting[result.token] = self._waiting.pop(result.token)
        return refusals[-1]

    async def _give_up(self, result: Result, error: Exception) -> None:
        """What cannot be sent to Postgres would fail for ever: after 5 lost claims it is dead."""
        log.error(
            "result.not_recorded", delivery=result.outbox_id, error=type(error).__name__,
            consequence="counted as a claim without a result", exc_info=error,
        )  # fmt: skip
        await postgres.lose(self._pool, {result.token: result.outbox_id})
        self._waiting.pop(result.token)
        self._dropped(result.token)

    async def _record(self, batch: list[Result]) -> list[int]:
        # failpoint recording
        return await postgres.record(self._pool, msgspec.json.encode(batch))

    def _settle(self, batch: list[Result], tokens: list[int]) -> None:
        # failpoint recorded
        counted = set(tokens)
        for result in batch:
            self._waiting.pop(result.token, None)
            self._settled(result, result.token in counted)


def _log_shortened(result: Result, refusal: Exception) -> None:
    log.error(
        "result.recorded_without_exchange", delivery=result.outbox_id,
        error=type(refusal).__name__, reason=postgres.reason(refusal),
    )  # fmt: skip


def _forms(result: Result) -> Iterator[Result]:
    """The result, the same without what was exchanged, and the verdict alone."""
    yield result
    bare = msgspec.structs.replace(result, request=None, response_headers=None, response_body=None)
    yield bare
    if bare.error is not None:
        yield msgspec.structs.replace(bare, error="The text of this error cannot be stored.")
