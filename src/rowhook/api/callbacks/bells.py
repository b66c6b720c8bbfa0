"""A bell for each open stream, rung when something was staged for its session."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from rowhook import postgres
from rowhook.supervisor import Supervisor

_CHANNEL = "rowhook_callback"
# While nobody hears for us.
_LOOK_S = 1.0


class Bells:
    """The open streams of this process. `stopped`: they end, for the process does."""

    def __init__(self) -> None:
        self.stopped = False
        self._hung: dict[str, set[asyncio.Event]] = defaultdict(set)

    @property
    def streams(self) -> int:
        """How many are open."""
        return sum(map(len, self._hung.values()))

    @contextmanager
    def hang(self, session: str) -> Iterator[asyncio.Event]:
        """A bell of one stream."""
        # As rowhook.stage names a session: a payload of NOTIFY is short.
        name = hashlib.md5(session.encode(), usedforsecurity=False).hexdigest()
        bell = asyncio.Event()
        self._hung[name].add(bell)
        try:
            yield bell
        finally:
            self._hung[name].discard(bell)
            if not self._hung[name]:
                del self._hung[name]

    def ring(self, name: str | None) -> None:
        """Wakes the streams of one session, or with None all."""
        names = list(self._hung) if name is None else [name]
        for one in names:
            for bell in self._hung.get(one, ()):
                bell.set()

    def stop(self) -> None:
        """Ends all streams; their pages come back to another process."""
        self.stopped = True
        self.ring(None)


@asynccontextmanager
async def ringing(dsn: str, tasks: Supervisor) -> AsyncIterator[Bells]:
    """Bells that are rung by NOTIFY, and every second while that cannot be heard."""
    bells = Bells()
    listener = postgres.Listener(dsn, _CHANNEL, bells.ring)
    tasks.start("callback listener", listener.run())
    tasks.start("callback poll", _look(bells, listener))
    try:
        yield bells
    finally:
        await tasks.end("callback listener", "callback poll")


async def _look(bells: Bells, listener: postgres.Listener) -> None:
    while True:
        await asyncio.sleep(_LOOK_S)
        if not listener.listening:
            bells.ring(None)
