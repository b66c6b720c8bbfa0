"""Wakes the open streams of a session when a callback has been staged for it."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from rowhook import postgres
from rowhook.supervisor import Supervisor

_CHANNEL = "rowhook_callback"
# The polling interval while LISTEN is down.
_POLL_S = 1.0


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
        """Subscribe one stream. The event is set when it should read."""
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
        """Wake the streams of one session, or all with None."""
        names = list(self._subscribers) if name is None else [name]
        for session in names:
            for wakeup in self._subscribers.get(session, ()):
                wakeup.set()

    def stop(self) -> None:
        """End all streams. Their pages reconnect to another process."""
        self.stopped = True
        self.notify(None)


@asynccontextmanager
async def listening(dsn: str, tasks: Supervisor) -> AsyncIterator[Subscriptions]:
    """Listen for NOTIFY, and wake all streams every second while LISTEN is down."""
    subscriptions = Subscriptions()
    listener = postgres.Listener(dsn, _CHANNEL, subscriptions.notify)
    tasks.start("callback listener", listener.run())
    tasks.start("callback poll", _poll(subscriptions, listener))
    try:
        yield subscriptions
    finally:
        await tasks.end("callback listener", "callback poll")


async def _poll(subscriptions: Subscriptions, listener: postgres.Listener) -> None:
    while True:
        await asyncio.sleep(_POLL_S)
        if not listener.listening:
            subscriptions.notify(None)
