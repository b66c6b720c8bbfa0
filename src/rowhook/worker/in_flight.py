"""The claims of this worker that are not recorded yet, and the slots that they occupy."""

from __future__ import annotations

import asyncio
import time

_GATHER_S = 0.005
# A request that waits for its receiver needs a connection but no CPU, so its slot is released.
_SLOT_TIME_S = 0.25
# After a result was recorded, others that follow within this time are recorded together.
_QUIET_S = 0.02
_NEVER = float("inf")


class InFlight:
    """The claims and slots of one worker process.

    A request occupies a slot for its first quarter of a second, so `slots` limits the CPU work and
    unresponsive receivers occupy none. `max_in_flight` limits all requests that are being sent.
    `claims` maps fencing tokens to outbox ids.
    """

    def __init__(self, slots: int, max_in_flight: int) -> None:
        self.slots = slots
        self.max_in_flight = max_in_flight
        self.claims: dict[int, int] = {}
        self.sending = 0
        self.are_results_awaited = False
        self.recorded = 0
        self._recorded_at = 0.0
        self._started: set[int] = set()
        # Token to time, oldest first.
        self._slot_taken_at: dict[int, float] = {}
        self._slots_needed = 1
        self._slots_freed = asyncio.Event()

    @property
    def free_slots(self) -> int:
        """The number of free slots."""
        expired = time.monotonic() - _SLOT_TIME_S
        while self._slot_taken_at and next(iter(self._slot_taken_at.values())) <= expired:
            del self._slot_taken_at[next(iter(self._slot_taken_at))]
        return min(self.slots - len(self._slot_taken_at), self.max_in_flight - self.sending)

    @property
    def is_quiet(self) -> bool:
        """Whether to record a result at once: few arrive, or a lane waits for a slot."""
        return not self._slot_taken_at and (
            self.are_results_awaited or time.monotonic() - self._recorded_at > _QUIET_S
        )

    def add(self, token: int, outbox_id: int) -> None:
        """Adds a claim, which occupies a slot."""
        self.claims[token] = outbox_id
        self.sending += 1
        self._slot_taken_at[token] = time.monotonic()

    def mark_started(self, token: int) -> None:
        """Notes that the request may have been sent from now on."""
        self._started.add(token)

    @property
    def not_started(self) -> dict[int, int]:
        """The claims whose request was not sent, which can be released."""
        return {token: row for token, row in self.claims.items() if token not in self._started}

    def release_slot(self, token: int) -> None:
        """Frees the slot of a request that has ended; its result is not recorded yet."""
        self.sending -= 1
        self._slot_taken_at.pop(token, None)
        if self.free_slots >= self._slots_needed:
            self._slots_freed.set()

    def remove(self, token: int) -> None:
        """Removes a claim that was recorded, released or lost."""
        self.recorded += 1
        self._recorded_at = time.monotonic()
        self.claims.pop(token, None)
        self._started.discard(token)

    def stop_waiting(self) -> None:
        """Ends every wait for slots, because the worker is stopping."""
        self._slots_needed = 0
        self._slots_freed.set()

    async def wait_for_slots(self, needed: int) -> None:
        """Waits for one free slot, then up to 5 ms for `needed`, so that claims are larger."""
        if self.free_slots >= needed:
            return
        while self.free_slots < 1 and self._slots_needed != 0:
            await self._wait(1, self._until_slot_expires_s())
        await self._wait(needed, _GATHER_S)

    def _until_slot_expires_s(self) -> float | None:
        if self.sending >= self.max_in_flight:
            return None
        oldest = next(iter(self._slot_taken_at.values()), _NEVER)
        return max(oldest + _SLOT_TIME_S - time.monotonic(), 0.001)

    async def _wait(self, needed: int, timeout_s: float | None) -> None:
        if self.free_slots >= needed or self._slots_needed == 0:
            return
        self._slots_needed = needed
        self._slots_freed.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._slots_freed.wait()
        except TimeoutError:
            return
