"""A client for the event stream of a session's callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.support.calls import Api
from tests.support.certificates import trust
from tests.support.deadline import DEADLINE_S


@dataclass(slots=True)
class EventStream:
    """The received (id, data) of each message, and the names of other events.

    `cut_off`: the connection broke before the response was complete.
    """

    messages: list[tuple[str, str]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    comments: int = 0
    ended: bool = False
    cut_off: bool = False
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def bodies(self) -> list[str]:
        return [data for _, data in self.messages]

    async def wait_for_messages(self, count: int, *, within: float = DEADLINE_S) -> list[str]:
        """Waits until `count` messages have been received and returns their bodies."""
        async with asyncio.timeout(within), self.changed:
            await self.changed.wait_for(lambda: len(self.messages) >= count)
        return self.bodies

    async def wait_for_end(self, *, within: float = DEADLINE_S) -> None:
        async with asyncio.timeout(within), self.changed:
            await self.changed.wait_for(lambda: self.ended)

    async def read(self, lines: AsyncIterator[str]) -> None:
        """Reads an event stream (WHATWG HTML, 9.2.6)."""
        fields: dict[str, list[str]] = {}
        try:
            async for line in lines:
                if line:
                    name, _, value = line.partition(":")
                    fields.setdefault(name, []).append(value.removeprefix(" "))
                    continue
                await self._dispatch(fields)
                fields = {}
        except httpx.HTTPError:
            self.cut_off = True
        self.ended = True
        async with self.changed:
            self.changed.notify_all()

    async def _dispatch(self, fields: dict[str, list[str]]) -> None:
        if "event" in fields:
            self.events.append(fields["event"][0])
        elif "data" in fields:
            self.messages.append((fields["id"][0], "\n".join(fields["data"])))
        self.comments += "" in fields
        async with self.changed:
            self.changed.notify_all()


@asynccontextmanager
async def open_stream(
    api: Api, session: str, *, key: str, last_event_id: str | None = None, in_query: bool = False
) -> AsyncIterator[EventStream]:
    """Opens a stream, and closes it at the exit."""
    stream = EventStream()
    headers = {} if in_query else {"Authorization": f"Bearer {key}"}
    headers |= {"Last-Event-ID": last_event_id} if last_event_id and not in_query else {}
    params = {"token": key} if in_query else {}
    params |= {"last_event_id": last_event_id} if last_event_id and in_query else {}
    path = f"/v1/sessions/{session}/callbacks"
    async with (
        httpx.AsyncClient(verify=trust(), base_url=api.url, timeout=None) as client,  # noqa: S113  # the stream stays open
        client.stream("GET", path, headers=headers, params=params) as response,
    ):
        assert response.status_code == 200, await response.aread()
        reader = asyncio.create_task(stream.read(response.aiter_lines()))
        try:
            yield stream
        finally:
            reader.cancel()
            await asyncio.wait({reader})
