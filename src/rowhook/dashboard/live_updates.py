"""Live page fragments: each is sent again as a server-sent event whenever it has changed."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from litestar.response import Stream

from rowhook.db.statements import PostgresError
from rowhook.server_sent_events import (
    HEADERS,
    HEARTBEAT,
    HEARTBEAT_S,
    MEDIA_TYPE,
    format_event,
    format_retry,
)
from rowhook.services.context import NotFound
from rowhook.supervisor import is_set_within

_MAX_STREAMS = 200
# So that one organization cannot take the live updates of the others.
_MAX_STREAMS_PER_OWNER = 50
# Then the browser reconnects, and its session is checked again.
_LIFETIME_S = 300.0
# Throttles slow fragments, so that a stream keeps the database busy at most 10 % of the time.
_PAUSE_FACTOR = 9
_TIME = re.compile(r"(<time\b[^>]*>)[^<]*")
_HEADERS = {**HEADERS, "X-Content-Type-Options": "nosniff"}


Render = Callable[[], Awaitable[str]]


class LiveFragment(NamedTuple):
    """A page fragment, the name of its event, and how often it is rendered."""

    name: str
    interval_s: float
    render: Render


class Streams:
    """The open event streams of this process."""

    def __init__(self) -> None:
        self._stopped = asyncio.Event()
        self._open = Counter[str]()

    def stop(self) -> None:
        """Ends all streams. Their pages reconnect to another process."""
        self._stopped.set()

    def of(self, owner: str) -> OwnedStreams:
        """The streams of an organization, or of the operators."""
        return OwnedStreams(self, owner)

    def open(self, owner: str, *fragments: LiveFragment) -> Stream:
        """Streams several fragments over one connection: browsers limit connections per host."""
        is_full = self._open.total() >= _MAX_STREAMS or self._open[owner] >= _MAX_STREAMS_PER_OWNER
        if is_full or self._stopped.is_set():
            # The page stays as it was loaded, and retries later.
            return Stream(iter(()), status_code=503, media_type=MEDIA_TYPE)
        return Stream(self._events(owner, fragments), media_type=MEDIA_TYPE, headers=_HEADERS)

    async def _events(self, owner: str, fragments: tuple[LiveFragment, ...]) -> AsyncIterator[str]:
        self._open[owner] += 1
        try:
            retry_s = min(fragment.interval_s for fragment in fragments)
            yield format_retry(retry_s)
            async for name, text in self._changes(fragments):
                yield format_event(text, name=name) if text else HEARTBEAT
        finally:
            self._open[owner] -= 1
            self._open += Counter()  # drops owners without streams

    async def _changes(self, fragments: tuple[LiveFragment, ...]) -> AsyncIterator[tuple[str, str]]:
        """Yields (name, text) of each changed fragment; an empty text is a heartbeat."""
        ends, last_sent = time.monotonic() + _LIFETIME_S, time.monotonic()
        last_text, due = dict.fromkeys(fragments, ""), dict.fromkeys(fragments, 0.0)
        while not self._stopped.is_set() and time.monotonic() < ends:
            for fragment in [f for f in fragments if due[f] <= time.monotonic()]:
                started = time.monotonic()
                text = await _render(fragment.render, last_text[fragment])
                if text is None:
                    return
                has_changed = _without_times(text) != _without_times(last_text[fragment])
                if has_changed or time.monotonic() - last_sent > HEARTBEAT_S:
                    yield fragment.name, text if has_changed else ""
                    last_text[fragment], last_sent = text, time.monotonic()
                duration = time.monotonic() - started
                pause = max(fragment.interval_s, duration * _PAUSE_FACTOR)
                due[fragment] = time.monotonic() + pause
            await is_set_within(self._stopped, min(due.values()) - time.monotonic())


class OwnedStreams(NamedTuple):
    """The streams that one owner opens."""

    streams: Streams
    owner: str

    def fragment(self, name: str, interval_s: float, render: Render) -> Stream:
        """Streams one fragment as the event `name`."""
        return self.fragments(LiveFragment(name, interval_s, render))

    def fragments(self, *fragments: LiveFragment) -> Stream:
        """Streams several fragments over one connection."""
        return self.streams.open(self.owner, *fragments)


def _without_times(text: str) -> str:
    """Removes relative times, which the page updates itself."""
    return _TIME.sub(r"\1", text)


async def _render(render: Render, last_text: str) -> str | None:
    """Renders a fragment, or returns the last text if its subject is gone.

    None if the database fails: the stream then ends, and the page reports it and reconnects.
    """
    try:
        return await render()
    except NotFound:
        return last_text
    except PostgresError:
        return None
