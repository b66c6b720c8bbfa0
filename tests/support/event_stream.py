"""A page of a session, as far as its event stream goes, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.support.calls import Api
from tests.support.deadline import DEADLINE_S


@dataclass(slots=True)
class Page:
    """What one stream has brought: (id, data) of each message, and the names of other events.

    `cut_off`: the connection broke before the answer was complete.
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

    async def has(self, count: int, *, within: float = DEADLINE_S) -> list[str]:
        """Waits until there are so many messages."""
        async with asyncio.timeout(within), self.changed:
            await self.changed.wait_for(lambda: len(self.messages) >= count)
        return self.bodies

    async def end(self, *, within: float = DEADLINE_S) -> None:
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
async def page(
    api: Api, session: str, *, key: str, last: str | None = None, in_query: bool = False
) -> AsyncIterator[Page]:
    """An open stream; closed at the exit."""
    found = Page()
    headers = {} if in_query else {"Authorization": f"Bearer {key}"}
    headers |= {"Last-Event-ID": last} if last and not in_query else {}
    params = {"token": key} if in_query else {}
    params |= {"last_event_id": last} if last and in_query else {}
    path = f"/v1/sessions/{session}/callbacks"
    async with (
        httpx.AsyncClient(base_url=api.url, timeout=None) as client,  # noqa: S113  # it stays open
        client.stream("GET", path, headers=headers, params=params) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        reading = asyncio.create_task(found.read(answer.aiter_lines()))
        try:
            yield found
        finally:
            reading.cancel()
            await asyncio.wait({reading})
