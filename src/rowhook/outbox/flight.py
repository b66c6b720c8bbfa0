"""What this worker holds: claimed and not yet recorded, and how many requests are on the wire."""

from __future__ import annotations

import asyncio

_GATHER_S = 0.005


class Flight:
    """The tokens that are ours, and the slots for sending. One for each worker process."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held: dict[int, int] = {}
        self.sending = 0
        self._wanted = 1
        self._there_is_room = asyncio.Event()

    @property
    def room(self) -> int:
        """Free slots."""
        return self.most - self.sending

    def take(self, token: int, outbox_id: int) -> None:
        """A claim is ours, and holds a slot until `land`."""
        self.held[token] = outbox_id
        self.sending += 1

    def land(self) -> None:
        """A request has ended: its slot is free, its result is not recorded yet."""
        self.sending -= 1
        if self.room >= self._wanted:
            self._there_is_room.set()

    def drop(self, token: int) -> None:
        """A result was recorded, given back or taken away: the token is no longer ours."""
        self.held.pop(token, None)

    def stop_waiting(self) -> None:
        """Ends every wait for room: the worker is stopping."""
        self._wanted = 0
        self._there_is_room.set()

    async def wait_for_room(self, wanted: int) -> None:
        """Waits for a free slot, then up to 5 ms for `wanted` of them: fewer, larger claims."""
        if self.room >= wanted:
            return
        await self._wait(1)
        try:
            async with asyncio.timeout(_GATHER_S):
                await self._wait(wanted)
        except TimeoutError:
            return

    async def _wait(self, wanted: int) -> None:
        if self.room >= wanted or self._wanted == 0:
            return
        self._wanted = wanted
        self._there_is_room.clear()
        await self._there_is_room.wait()
