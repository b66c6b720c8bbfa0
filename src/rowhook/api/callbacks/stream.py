"""The event stream of one page."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import structlog
from litestar.types import Receive, Scope, Send

from rowhook import postgres
from rowhook.api.callbacks.bells import Subscriptions

log = structlog.get_logger()
# Proxies close connections that are silent for a minute. Also the interval of polling.
HEARTBEAT_S = 15.0
# A page that reads nothing for this long is disconnected. It reconnects with Last-Event-ID.
SEND_TIMEOUT_S = 30.0
_BATCH_SIZE = 100
_RETRY_S = 1.0
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_EVENT_ID = re.compile(r"([1-9][0-9]{0,18})(?:\.([1-9][0-9]{0,8}))?")
_NEWLINE = re.compile(r"\r\n|\r|\n")


def parse_event_id(event_id: str | None) -> tuple[int, int] | None:
    """Parse an event id into the ids of delivery and staging; None if it is not valid."""
    match = _EVENT_ID.fullmatch(event_id or "")
    if match is None or int(match[1]) > 2**63 - 1:
        return None
    return int(match[1]), int(match[2] or 1)


def format_event(callback: postgres.Callback) -> str:
    """Format a callback as an event. One that is sent again has a new id, e.g. `17.2`."""
    suffix = f".{callback.staging}" if callback.staging > 1 else ""
    lines = "".join(f"data: {line}\n" for line in _NEWLINE.split(callback.body))
    return f"id: {callback.delivery}{suffix}\n{lines}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackStream:
    """An ASGI application. `until` is the Unix time at which the token expires."""

    pool: postgres.ConnectionSource
    subscriptions: Subscriptions
    session: str
    last: tuple[int, int] | None
    until: float | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write events until the page disconnects."""
        del scope
        # Before the response starts, so that an unreachable database is a 503.
        after = 0
        if self.last is not None:
            after = await postgres.callback_place(self.pool, self.session, *self.last)
            # Another process may have written them and crashed before it recorded that.
            await postgres.callbacks_written(self.pool, self.session, after)
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        write = asyncio.create_task(self._write(send, after))
        disconnect = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({write, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (write, disconnect):
                task.cancel()
            await asyncio.wait({write, disconnect})
        if not write.cancelled():
            _log_failure(write.exception())

    async def _write(self, send: Send, after: int) -> None:
        await self._push(send, f"retry: {int(_RETRY_S * 1000)}\n\n")
        with self.subscriptions.subscribe(self.session) as wakeup:
            async for batch in self._batches(wakeup, after):
                text = "".join(map(format_event, batch)) or ":\n\n"
                await self._push(send, text)
                if batch:
                    await self._record_written(batch[-1].place)
        if self.until is not None and time.time() >= self.until:
            await self._push(send, "event: expired\ndata: {}\n\n")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _batches(self, wakeup: asyncio.Event, after: int) -> AsyncIterator[list[Any]]:
        """Yield new callbacks as they arrive, and empty batches as heartbeats."""
        while not self.subscriptions.stopped and self._remaining_s() > 0:
            wakeup.clear()
            batch = await self._read(after)
            if batch:
                after = batch[-1].place
                yield batch
            elif not await _woken(wakeup, min(HEARTBEAT_S, self._remaining_s())):
                yield []

    def _remaining_s(self) -> float:
        return HEARTBEAT_S if self.until is None else self.until - time.time()

    async def _read(self, after: int) -> list[postgres.Callback]:
        try:
            return await postgres.callback_page(self.pool, self.session, after, _BATCH_SIZE)
        except postgres.PostgresError:
            # The stream stays open while the database cannot be reached.
            await asyncio.sleep(_RETRY_S)
            return []

    async def _record_written(self, through: int) -> None:
        while not self.subscriptions.stopped:
            try:
                await postgres.callbacks_written(self.pool, self.session, through)
            except postgres.PostgresError:
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _push(self, send: Send, text: str) -> None:
        body = {"type": "http.response.body", "body": text.encode(), "more_body": True}
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await send(body)  # type: ignore[arg-type]  # the message that ASGI defines


def _log_failure(error: BaseException | None) -> None:
    """Log why a stream ended: a disconnected or slow page at the level info."""
    if isinstance(error, OSError):
        log.info("callbacks.disconnected", error=type(error).__name__)
    elif error is not None:
        log.error("callbacks.failed", error=type(error).__name__, exc_info=error)


async def _woken(wakeup: asyncio.Event, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(max(timeout_s, 0)):
            await wakeup.wait()
    except TimeoutError:
        return False
    return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
