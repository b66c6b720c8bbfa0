"""One event stream to one page, from where it left off until it leaves, expires or is too slow."""

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
from rowhook.api.callbacks.bells import Bells

log = structlog.get_logger()
# Proxies close what is silent for a minute; it is also how often we look without being rung for.
HEARTBEAT_S = 15.0
# A page that takes nothing for so long is cut: it comes back and goes on where it left off.
STUCK_S = 30.0
_MOST = 100
_AWAY_S = 1.0
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_EVENT_ID = re.compile(r"([1-9][0-9]{0,18})(?:\.([1-9][0-9]{0,8}))?")
_NEWLINE = re.compile(r"\r\n|\r|\n")


def place_in(event_id: str | None) -> tuple[int, int] | None:
    """Delivery and staging of an `id:` of ours; None for anything else."""
    found = _EVENT_ID.fullmatch(event_id or "")
    if found is None or int(found[1]) > 2**63 - 1:
        return None
    return int(found[1]), int(found[2] or 1)


def message_of(callback: postgres.Callback) -> str:
    """The event of a callback. One that is sent again has another id: `17.2`."""
    again = f".{callback.staging}" if callback.staging > 1 else ""
    lines = "".join(f"data: {line}\n" for line in _NEWLINE.split(callback.body))
    return f"id: {callback.delivery}{again}\n{lines}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackStream:
    """An ASGI application. `until` is when its token expires, in seconds since 1970."""

    pool: postgres.ConnectionSource
    bells: Bells
    session: str
    last: tuple[int, int] | None
    until: float | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Writes until the page is gone."""
        del scope
        # Before the answer begins: while the database is away this is a 503.
        after = 0
        if self.last is not None:
            after = await postgres.callback_place(self.pool, self.session, *self.last)
            # Another process may have written them, and died before it could say so.
            await postgres.callbacks_written(self.pool, self.session, after)
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        writing = asyncio.create_task(self._write(send, after))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writing, leaving):
                task.cancel()
            await asyncio.wait({writing, leaving})
        if not writing.cancelled():
            _tell(writing.exception())

    async def _write(self, send: Send, after: int) -> None:
        await self._push(send, f"retry: {int(_AWAY_S * 1000)}\n\n")
        with self.bells.hang(self.session) as bell:
            async for written in self._batches(bell, after):
                text = "".join(map(message_of, written)) or ":\n\n"
                await self._push(send, text)
                if written:
                    await self._mark(written[-1].place)
        if self.until is not None and time.time() >= self.until:
            await self._push(send, "event: expired\ndata: {}\n\n")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _batches(self, bell: asyncio.Event, after: int) -> AsyncIterator[list[Any]]:
        """What is new, as it comes; nothing, as a heartbeat."""
        while not self.bells.stopped and self._left() > 0:
            bell.clear()
            found = await self._read(after)
            if found:
                after = found[-1].place
                yield found
            elif not await _rung(bell, min(HEARTBEAT_S, self._left())):
                yield []

    def _left(self) -> float:
        return HEARTBEAT_S if self.until is None else self.until - time.time()

    async def _read(self, after: int) -> list[postgres.Callback]:
        try:
            return await postgres.callback_page(self.pool, self.session, after, _MOST)
        except postgres.PostgresError:
            # The page keeps its stream while Postgres is away.
            await asyncio.sleep(_AWAY_S)
            return []

    async def _mark(self, through: int) -> None:
        while not self.bells.stopped:
            try:
                await postgres.callbacks_written(self.pool, self.session, through)
            except postgres.PostgresError:
                await asyncio.sleep(_AWAY_S)
            else:
                return

    async def _push(self, send: Send, text: str) -> None:
        body = {"type": "http.response.body", "body": text.encode(), "more_body": True}
        async with asyncio.timeout(STUCK_S):
            await send(body)  # type: ignore[arg-type]  # the message that ASGI defines


def _tell(error: BaseException | None) -> None:
    """Logs why a stream was cut: a page that is gone or too slow is no fault of ours."""
    if isinstance(error, OSError):
        log.info("callbacks.cut", error=type(error).__name__)
    elif error is not None:
        log.error("callbacks.failed", error=type(error).__name__, exc_info=error)


async def _rung(bell: asyncio.Event, within: float) -> bool:
    try:
        async with asyncio.timeout(max(within, 0)):
            await bell.wait()
    except TimeoutError:
        return False
    return True


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
