"""What this worker holds: claimed and not yet recorded, and how many requests are on the wire."""

from __future__ import annotations

import asyncio


class Flight:
    """The tokens that are ours, and the slots for sending. One for each worker process."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held: dict[int, int] = {}
        self._sending = 0
        self._freed = asyncio.Event()

    @property
    def sending(self) -> int:
        """Requests that hold a slot."""
        return self._sending

    @property
    def room(self) -> int:
        """Free slots."""
        return self.most - self._sending

    def take(self, token: int, outbox_id: int) -> None:
        """A claim is ours, and holds a slot until `land`."""
        self.held[token] = outbox_id
        self._sending += 1

    def land(self) -> None:
        """A request has ended: its slot is free, its result is not recorded yet."""
        self._sending -= 1
        self._freed.set()

    def drop(self, token: int) -> None:
        """A result was recorded, given back or taken away: the token is no longer ours."""
        self.held.pop(token, None)

    async def wait_for_room(self, shutdown: asyncio.Event) -> bool:
        """Waits until a slot is free; False once `shutdown` is set."""
        ended = asyncio.ensure_future(shutdown.wait())
        try:
            while self.room <= 0 and not shutdown.is_set():
                self._freed.clear()
                freed = asyncio.ensure_future(self._freed.wait())
                await asyncio.wait({ended, freed}, return_when=asyncio.FIRST_COMPLETED)
                freed.cancel()
        finally:
            ended.cancel()
        return not shutdown.is_set()
