"""Writes results to PostgreSQL in batches, and keeps them while the server is unreachable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Self, TypeVar
from uuid import UUID

import msgspec
import structlog

from rowhook.db import connection_errors, engine
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import PostgresError, Unreachable
from rowhook.model import (
    Claim,
    DeliveryStatus,
    FramedRequest,
    Headers,
    Outcome,
    RedactedRequest,
    Request,
    RequestFrame,
    Verdict,
)
from rowhook.render.stored_frames import ResponseFrames
from rowhook.worker import failpoints

log = structlog.get_logger()
R = TypeVar("R", bound="Result")
_MAX_BATCH = 128
_MAX_WAIT_S = 0.02
_MAX_FRAMES = 2048
_BACKOFF_S = (0.05, 0.1, 0.25, 0.5, 1.0)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One element of the argument of `rowhook.record`.

    The request is either `frame` and `sent`, the values for the frame, or the complete `request`.
    The response headers are either `response_frame` and `received`, or `response_headers`.
    """

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
    request: RedactedRequest | None = None
    frame: UUID | None = None
    sent: tuple[str, ...] | None = None
    response_frame: UUID | None = None
    received: tuple[str, ...] | None = None
    response_headers: Headers | None = None
    response_body: str | None = None

    @classmethod
    def of(
        cls,
        claim: Claim,
        outcome: Outcome,
        started_at: datetime,
        request: Request | None = None,
        *,
        stores_exchange: bool = True,
    ) -> Self:
        """Returns the result of an attempt that began at `started_at`.

        `request` is the request that was sent, None if nothing was.
        """
        stages = outcome.stages if request is None else request.stages
        framed_request = None if request is None else request.framed_request
        result = cls(
            outbox_id=claim.outbox_id,
            token=claim.token,
            revision=claim.revision,
            secrets_version=claim.secrets_version,
            outcome=outcome.verdict,
            started_at=started_at,
            duration_ms=outcome.duration_ms,
            rendered_ms=stages.rendered,
            validated_ms=stages.validated,
            status_code=outcome.status_code,
            error=outcome.error,
            retry_after_s=outcome.retry_after_s,
            request=None if request is None or framed_request else request.redacted,
            frame=None if framed_request is None else framed_request.frame.digest,
            sent=None if framed_request is None else framed_request.values,
            response_headers=outcome.headers or None,
            response_body=outcome.body,
        )
        return result if stores_exchange else _without_exchange(result)


def _without_exchange(result: R) -> R:
    return msgspec.structs.replace(
        result,
        request=None,
        frame=None,
        sent=None,
        response_frame=None,
        received=None,
        response_headers=None,
        response_body=None,
    )


def fallback_forms(result: Result) -> Iterator[Result]:
    """Yields the result, then without request and response, then without its error text too."""
    yield result
    bare = _without_exchange(result)
    yield bare
    if bare.error is not None:
        yield msgspec.structs.replace(bare, error="The text of this error cannot be stored.")


class Recorder:
    """Records results in batches of at most 128, or 20 ms.

    `on_recorded` is called with each recorded result and the new status of its delivery, None if
    its token was no longer current.
    `on_given_up` is called with the token of a result that cannot be stored in any form; its claim
    counts as lost. `close` waits up to `close_timeout_s` seconds for the remaining results.
    """

    def __init__(
        self,
        pool: Pool,
        on_recorded: Callable[[Result, DeliveryStatus | None], None],
        on_given_up: Callable[[int], None],
        close_timeout_s: float = 20.0,
    ) -> None:
        self.lost = 0
        self._pool = pool
        self._connection = pool.keep_connection()
        self._on_recorded = on_recorded
        self._on_given_up = on_given_up
        self._close_timeout_s = close_timeout_s
        # By token, in the order of recording.
        self._waiting: dict[int, Result] = {}
        self._frames: dict[UUID, RequestFrame] = {}
        self._response_frames = ResponseFrames()
        self._arrived = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False

    @property
    def waiting(self) -> int:
        """How many results are not recorded yet."""
        return len(self._waiting)

    def add(
        self, result: Result, framed_request: FramedRequest | None = None, *, last: bool = False
    ) -> None:
        """Adds a result without waiting. `last`: no other result is expected soon.

        `framed_request` is the request of a result that references its frame.
        """
        if framed_request is not None:
            self._frames[framed_request.frame.digest] = framed_request.frame
            result = self._frame_response(result, framed_request.frame)
        self._waiting[result.token] = result
        self._arrived.set()
        if last or len(self._waiting) >= _MAX_BATCH:
            self._full.set()

    def _frame_response(self, result: Result, request: RequestFrame) -> Result:
        headers = result.response_headers
        framed = self._response_frames.split(request, headers) if headers else None
        if framed is None:
            return result
        self._frames[framed.frame.digest] = framed.frame
        return msgspec.structs.replace(
            result,
            response_frame=framed.frame.digest,
            received=framed.values,
            response_headers=None,
        )

    async def run(self) -> None:
        """Records the added results until `close`."""
        failures = 0
        while self._waiting or not self._closing:
            await self._arrived.wait()
            if not self._closing and len(self._waiting) < _MAX_BATCH:
                await self._gather()
            batch = list(islice(self._waiting.values(), _MAX_BATCH))
            if batch and not await self._try_to_write(batch):
                await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
                failures += 1
            else:
                failures = 0
            self._reset_events()

    async def close(self, running: asyncio.Task[None]) -> None:
        """Ends `running`, the task of `run`, and records the remaining results if it has failed."""
        self._closing = True
        self._arrived.set()
        self._full.set()
        try:
            async with asyncio.timeout(self._close_timeout_s):
                await asyncio.wait({running})
                await self._write_rest()
        except TimeoutError:
            running.cancel()
        self.lost = len(self._waiting)
        if self.lost:
            log.error("results.lost", count=self.lost, consequence="sent again after the lease")
        await self._connection.give_back()

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(_MAX_WAIT_S):
                await self._full.wait()
        except TimeoutError:
            return

    def _reset_events(self) -> None:
        if not self._waiting:
            self._arrived.clear()
        if len(self._waiting) < _MAX_BATCH:
            self._full.clear()
        if self._closing:
            self._arrived.set()

    async def _write_rest(self) -> None:
        remaining = list(self._waiting.values())
        while remaining:
            remaining = [result for result in remaining if await self._must_retry(result)]
            if remaining:
                await asyncio.sleep(_BACKOFF_S[0])

    async def _must_retry(self, result: Result) -> bool:
        """Returns whether to retry the result. An unexpected error must not block the others."""
        try:
            return not await self._try_to_write([result])
        except Exception:
            log.exception("result.recording_failed", delivery=result.outbox_id)
            return False

    async def _try_to_write(self, batch: list[Result]) -> bool:
        """Returns whether any result was recorded; rejected results remain queued."""
        try:
            await self._write(batch)
        except PostgresError as error:
            log.warning(
                "results.postponed",
                count=len(self._waiting),
                error=type(error).__name__,
                reason=connection_errors.reason(error),
            )
        return any(result.token not in self._waiting for result in batch)

    async def _write(self, batch: list[Result]) -> None:
        try:
            recorded = await self._record(batch)
        except Unreachable:
            raise
        except Exception:  # noqa: BLE001  # one bad result must not block the others
            errors = [error for result in batch if (error := await self._write_single(result))]
            if errors:
                raise errors[0] from None
        else:
            self._report_recorded(batch, recorded)

    async def _write_single(self, result: Result) -> PostgresError | None:
        """Records as much of a result as can be stored; returns the error if it must be retried."""
        errors: list[Exception] = []
        for form in fallback_forms(result):
            try:
                recorded = await self._record([form])
            except Unreachable:
                raise
            except Exception as error:  # noqa: BLE001  # it is logged or returned
                errors.append(error)
            else:
                self._report_recorded([form], recorded)
                if errors:
                    _log_fallback(result, errors[0])
                return None
        if not isinstance(errors[-1], PostgresError):
            await self._give_up(result, errors[-1])
            return None
        # Move it behind the other results.
        self._waiting[result.token] = self._waiting.pop(result.token)
        return errors[-1]

    async def _give_up(self, result: Result, error: Exception) -> None:
        """Counts the claim as lost, because retrying never succeeds; 5 lost claims are dead."""
        log.error(
            "result.recording_failed",
            delivery=result.outbox_id,
            error=type(error).__name__,
            consequence="counted as a claim without a result",
            exc_info=error,
        )
        await engine.abandon(self._pool, {result.token: result.outbox_id})
        self._waiting.pop(result.token)
        self._on_given_up(result.token)

    async def _record(self, batch: list[Result]) -> list[tuple[int, DeliveryStatus]]:
        failpoints.reach("recording")
        frames = [self._frames[digest] for digest in _frames_of(batch)]
        return await engine.record(
            self._connection,
            msgspec.json.encode(batch),
            msgspec.json.encode(frames),
            all_delivered=all(result.outcome == Verdict.DELIVERED for result in batch),
        )

    def _report_recorded(
        self, batch: list[Result], recorded: list[tuple[int, DeliveryStatus]]
    ) -> None:
        failpoints.reach("recorded")
        statuses = dict(recorded)
        for result in batch:
            self._waiting.pop(result.token, None)
            self._on_recorded(result, statuses.get(result.token))
        if len(self._frames) > _MAX_FRAMES:
            needed = _frames_of(self._waiting.values())
            self._frames = {key: frame for key, frame in self._frames.items() if key in needed}


def _frames_of(results: Iterable[Result]) -> set[UUID]:
    """Returns the digests of the frames that the results refer to."""
    digests = {digest for result in results for digest in (result.frame, result.response_frame)}
    return {digest for digest in digests if digest is not None}


def _log_fallback(result: Result, error: Exception) -> None:
    log.error(
        "result.recorded_without_exchange",
        delivery=result.outbox_id,
        error=type(error).__name__,
        reason=connection_errors.reason(error),
    )
