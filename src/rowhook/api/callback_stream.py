"""The event stream of a session: its callbacks, as the worker stages them."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from litestar.types import Receive, Scope, Send

from rowhook.db import callback_queries
from rowhook.db.callback_queries import Callback
from rowhook.db.listener import Listener
from rowhook.db.statements import ConnectionSource, PostgresError
from rowhook.server_sent_events import (
    HEADERS,
    HEARTBEAT,
    HEARTBEAT_S,
    MEDIA_TYPE,
    format_event,
    format_retry,
)
from rowhook.supervisor import Supervisor, cancel_and_wait, is_set_within

log = structlog.get_logger()
_CHANNEL = "rowhook_callback"
# The polling interval while LISTEN is down.
_POLL_S = 1.0
# A page that reads nothing for this long is disconnected. It reconnects with Last-Event-ID.
SEND_TIMEOUT_S = 30.0
_BATCH_SIZE = 100
_RETRY_S = 1.0
_HEADERS = [
    (b"content-type", f"{MEDIA_TYPE}; charset=utf-8".encode()),
    *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
]
_EVENT_ID = re.compile(r"([1-9][0-9]{0,18})(?:\.([1-9][0-9]{0,8}))?")


class Subscriptions:
    """The open streams of this process. `stopped` means that the process is stopping."""

    def __init__(self) -> None:
        self.stopped = False
        self._subscribers: dict[str, set[asyncio.Event]] = defaultdict(set)

    @property
    def streams(self) -> int:
        """The number of open streams."""
        return sum(map(len, self._subscribers.values()))

    @contextmanager
    def subscribe(self, session: str) -> Iterator[asyncio.Event]:
        """Subscribes one stream. The event is set when it should read."""
        # The name that rowhook.stage sends: the payload of NOTIFY is limited in length.
        name = hashlib.md5(session.encode(), usedforsecurity=False).hexdigest()
        wakeup = asyncio.Event()
        self._subscribers[name].add(wakeup)
        try:
            yield wakeup
        finally:
            self._subscribers[name].discard(wakeup)
            if not self._subscribers[name]:
                del self._subscribers[name]

    def notify(self, name: str | None) -> None:
        """Wakes the streams of one session, or all with None."""
        names = list(self._subscribers) if name is None else [name]
        for session in names:
            for wakeup in self._subscribers.get(session, ()):
                wakeup.set()

    def stop(self) -> None:
        """Ends all streams. Their pages reconnect to another process."""
        self.stopped = True
        self.notify(None)


@asynccontextmanager
async def listening(dsn: str, tasks: Supervisor) -> AsyncIterator[Subscriptions]:
    """Listens for NOTIFY, and wakes all streams every second while LISTEN is down."""
    subscriptions = Subscriptions()
    listener = Listener(dsn, _CHANNEL, subscriptions.notify)
    tasks.start("callback listener", listener.run())
    tasks.start("callback poll", _poll(subscriptions, listener))
    try:
        yield subscriptions
    finally:
        await tasks.end("callback listener", "callback poll")


async def _poll(subscriptions: Subscriptions, listener: Listener) -> None:
    while True:
        await listener.lost.wait()
        await asyncio.sleep(_POLL_S)
        subscriptions.notify(None)


def parse_event_id(event_id: str | None) -> tuple[int, int] | None:
    """Parses an event id into the ids of delivery and staging; None if it is not valid."""
    match = _EVENT_ID.fullmatch(event_id or "")
    if match is None or int(match[1]) > 2**63 - 1:
        return None
    return int(match[1]), int(match[2] or 1)


def _event(callback: Callback) -> str:
    """Formats a callback as an event. One that is sent again has a new id, e.g. `17.2`."""
    suffix = f".{callback.staging}" if callback.staging > 1 else ""
    return format_event(callback.body, event_id=f"{callback.delivery}{suffix}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackStream:
    """An ASGI application. `until` is the Unix time at which the token expires."""

    pool: ConnectionSource
    subscriptions: Subscriptions
    session: str
    last: tuple[int, int] | None
    until: float | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Writes events until the page disconnects."""
        del scope
        # Before the response starts, so that an unreachable database is a 503.
        after = 0
        if self.last is not None:
            after = await callback_queries.callback_place(self.pool, self.session, *self.last)
            # Another process may have written them and crashed before it recorded that.
            await callback_queries.callbacks_written(self.pool, self.session, after)
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        write = asyncio.create_task(self._write(send, after))
        disconnect = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({write, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_and_wait({write, disconnect})
        if not write.cancelled():
            _log_failure(write.exception())

    async def _write(self, send: Send, after: int) -> None:
        await self._push(send, format_retry(_RETRY_S))
        with self.subscriptions.subscribe(self.session) as wakeup:
            async for batch in self._batches(wakeup, after):
                text = "".join(map(_event, batch)) or HEARTBEAT
                await self._push(send, text)
                if batch:
                    await self._record_written(batch[-1].place)
        if self.until is not None and time.time() >= self.until:
            await self._push(send, format_event("{}", name="expired"))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _batches(self, wakeup: asyncio.Event, after: int) -> AsyncIterator[list[Any]]:
        """Yields new callbacks as they arrive, and empty batches as heartbeats."""
        while not self.subscriptions.stopped and self._remaining_s() > 0:
            wakeup.clear()
            batch = await self._read(after)
            if batch:
                after = batch[-1].place
                yield batch
            elif not await is_set_within(wakeup, min(HEARTBEAT_S, self._remaining_s())):
                yield []

    def _remaining_s(self) -> float:
        return HEARTBEAT_S if self.until is None else self.until - time.time()

    async def _read(self, after: int) -> list[Callback]:
        try:
            return await callback_queries.callback_page(self.pool, self.session, after, _BATCH_SIZE)
        except PostgresError:
            # The stream stays open while the database cannot be reached.
            await asyncio.sleep(_RETRY_S)
            return []

    async def _record_written(self, through: int) -> None:
        while not self.subscriptions.stopped:
            try:
                await callback_queries.callbacks_written(self.pool, self.session, through)
            except PostgresError:
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _push(self, send: Send, text: str) -> None:
        body = {"type": "http.response.body", "body": text.encode(), "more_body": True}
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await send(body)  # type: ignore[arg-type]  # the message that ASGI defines


def _log_failure(error: BaseException | None) -> None:
    """Logs why a stream ended: a disconnected or slow page at the level info."""
    if isinstance(error, OSError):
        log.info("callbacks.disconnected", error=type(error).__name__)
    elif error is not None:
        log.error("callbacks.failed", error=type(error).__name__, exc_info=error)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
