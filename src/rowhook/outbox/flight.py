"""What this worker holds: claimed and not yet recorded, and which of it takes up a slot."""

from __future__ import annotations

import asyncio
import time

_GATHER_S = 0.005
# A request that waits for its receiver costs a connection, and no work: its slot goes to others.
_PARKED_AFTER_S = 0.25
_NEVER = float("inf")


class Flight:
    """The tokens that are ours, and the slots. One for each worker process.

    A slot is taken for the first quarter of a second of a request: so `slots` bound the work at
    hand, and receivers that hang take none. `most` bounds all requests on the wire.
    """

    def __init__(self, slots: int, most: int) -> None:
        self.slots = slots
        self.most = most
        self.held: dict[int, int] = {}
        self.sending = 0
        self._begun: set[int] = set()
        # In the order in which they were taken.
        self._young: dict[int, float] = {}
        self._wanted = 1
        self._there_is_room = asyncio.Event()

    @property
    def room(self) -> int:
        """Free slots."""
        old = time.monotonic() - _PARKED_AFTER_S
        while self._young and next(iter(self._young.values())) <= old:
            del self._young[next(iter(self._young))]
        return min(self.slots - len(self._young), self.most - self.sending)

    @property
    def quiet(self) -> bool:
        """Whether no result is to be expected soon."""
        return not self._young

    def take(self, token: int, outbox_id: int) -> None:
        """A claim is ours, and holds a slot."""
        self.held[token] = outbox_id
        self.sending += 1
        self._young[token] = time.monotonic()

    def begin(self, token: int) -> None:
        """From here on the request may have been sent."""
        self._begun.add(token)

    @property
    def not_begun(self) -> dict[int, int]:
        """What is held and was not sent: it can be given back."""
        return {token: row for token, row in self.held.items() if token not in self._begun}

    def land(self, token: int) -> None:
        """A request has ended: its slot is free, its result is not recorded yet."""
        self.sending -= 1
        self._young.pop(token, None)
        if self.room >= self._wanted:
            self._there_is_room.set()

    def drop(self, token: int) -> None:
        """A result was recorded, given back or taken away: the token is no longer ours."""
        self.held.pop(token, None)
        self._begun.discard(token)

    def stop_waiting(self) -> None:
        """Ends every wait for room: the worker is stopping."""
        self._wanted = 0
        self._there_is_room.set()

    async def wait_for_room(self, wanted: int) -> None:
        """Waits for a free slot, then up to 5 ms for `wanted` of them: fewer, larger claims."""
        if self.room >= wanted:
            return
        while self.room < 1 and self._wanted != 0:
            await self._wait(1, self._until_parked_s())
        await self._wait(wanted, _GATHER_S)

    def _until_parked_s(self) -> float | None:
        if self.sending >= self.most:
            return None
        oldest = next(iter(self._young.values()), _NEVER)
        return max(oldest + _PARKED_AFTER_S - time.monotonic(), 0.001)

    async def _wait(self, wanted: int, within_s: float | None) -> None:
        if self.room >= wanted or self._wanted == 0:
            return
        self._wanted = wanted
        self._there_is_room.clear()
        try:
            async with asyncio.timeout(within_s):
                await self._there_is_room.wait()
        except TimeoutError:
            return
