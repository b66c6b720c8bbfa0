"""What is live on an open page: a piece of it, sent again whenever it has changed (SSE)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from litestar.response import Stream

from rowhook import postgres
from rowhook.operations import NotFound

_MOST = 200
# Then the browser comes again by itself, and its session is looked at.
_LIFE_S = 300.0
_BEAT_S = 15.0
# What takes long to make is made seldomer: a stream keeps the database busy a tenth of the time.
_REST = 9
_TIME = re.compile(r"(<time\b[^>]*>)[^<]*")
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}


Piece = Callable[[], Awaitable[str]]


class Live(NamedTuple):
    """A piece of a page, the event that brings it, and how often it is looked at."""

    name: str
    every_s: float
    piece: Piece


class Streams:
    """The open streams of this process. `stop` ends them: a stream never ends by itself."""

    def __init__(self) -> None:
        self._stopped = asyncio.Event()
        self._open = 0

    def stop(self) -> None:
        """Ends all; their pages come back to another process."""
        self._stopped.set()

    def of(self, name: str, every_s: float, piece: Piece) -> Stream:
        """An event stream: `piece` as the event `name`, looked at every `every_s` seconds."""
        return self.all_of(Live(name, every_s, piece))

    def all_of(self, *lives: Live) -> Stream:
        """Several pieces in one stream: a browser opens few connections to one place."""
        if self._open >= _MOST or self._stopped.is_set():
            # The page stays as it was loaded, and asks again later.
            return Stream(iter(()), status_code=503, media_type="text/event-stream")
        return Stream(self._pieces(lives), media_type="text/event-stream", headers=_HEADERS)

    async def _pieces(self, lives: tuple[Live, ...]) -> AsyncIterator[str]:
        self._open += 1
        try:
            yield f"retry: {int(min(one.every_s for one in lives) * 1000)}\n\n"
            async for name, text in self._changes(lives):
                yield _event(name, text) if text else ":\n\n"
        finally:
            self._open -= 1

    async def _changes(self, lives: tuple[Live, ...]) -> AsyncIterator[tuple[str, str]]:
        """Each new text with its name; an empty one where nothing was new for a while."""
        ends, told = time.monotonic() + _LIFE_S, time.monotonic()
        last, due = dict.fromkeys(lives, ""), dict.fromkeys(lives, 0.0)
        while not self._stopped.is_set() and time.monotonic() < ends:
            for one in [one for one in lives if due[one] <= time.monotonic()]:
                asked = time.monotonic()
                text = await _tried(one.piece, last[one])
                if text is None:
                    return
                is_new = _untimed(text) != _untimed(last[one])
                if is_new or time.monotonic() - told > _BEAT_S:
                    yield one.name, text if is_new else ""
                    last[one], told = text, time.monotonic()
                took = time.monotonic() - asked
                due[one] = time.monotonic() + max(one.every_s, took * _REST)
            await _wait(self._stopped, max(min(due.values()) - time.monotonic(), 0))


def _untimed(text: str) -> str:
    """Without the words of relative times: a page tells these on by itself."""
    return _TIME.sub(r"\1", text)


async def _tried(piece: Piece, last: str) -> str | None:
    """The piece; as it was where it is no longer kept; None where Postgres is away.

    Then the stream ends: the page says so, and comes again.
    """
    try:
        return await piece()
    except NotFound:
        return last
    except postgres.PostgresError:
        return None


async def _wait(stopped: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopped.wait()
    except TimeoutError:
        return


def _event(name: str, text: str) -> str:
    """One message (HTML Living Standard, 9.2.6)."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n"
