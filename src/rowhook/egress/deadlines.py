"""A timer wheel: the deadlines of many connections on one timer of the event loop.

A deadline is set and removed for each request and almost never passes, so both are one operation
on a set; a timer of the event loop would cost a heap operation and an allocation.
"""

from __future__ import annotations

import math
from asyncio import AbstractEventLoop, TimerHandle
from typing import Protocol

# A deadline passes up to two ticks late.
TICKS_PER_S = 20


class Expiring(Protocol):
    """What has at most one deadline at a time. `tick` belongs to `Deadlines`."""

    tick: int

    def expire(self) -> None:
        """React to the deadline, which has passed."""


class Deadlines:
    """The deadlines of an event loop, in its time."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._entries: dict[int, set[Expiring]] = {}
        self._timer: TimerHandle | None = None
        self._armed_for = math.inf

    def set(self, entry: Expiring, at: float) -> None:
        """Call `entry.expire` at the time `at`, unless `remove` is called before."""
        tick = int(at * TICKS_PER_S) + 1
        entry.tick = tick
        entries = self._entries.get(tick)
        if entries is None:
            entries = self._entries[tick] = set()
            if tick < self._armed_for:
                self._arm(tick)
        entries.add(entry)

    def remove(self, entry: Expiring) -> None:
        """Remove the deadline of `entry`, if it has one."""
        entries = self._entries.get(entry.tick)
        if entries is not None:
            entries.discard(entry)

    def close(self) -> None:
        """Forget all deadlines."""
        self._entries.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self, tick: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = tick
        self._timer = self._loop.call_at(tick / TICKS_PER_S, self._fire)

    def _fire(self) -> None:
        passed = max(int(self._loop.time() * TICKS_PER_S), self._armed_for)
        self._timer, self._armed_for = None, math.inf
        for tick in [tick for tick in self._entries if tick <= passed]:
            for entry in self._entries.pop(tick):
                entry.expire()
        self._entries = {tick: entries for tick, entries in self._entries.items() if entries}
        # Entries set by `expire` may have armed the timer already.
        if self._entries and (tick := min(self._entries)) < self._armed_for:
            self._arm(tick)
