"""Records the times of the phases of an exchange."""

from __future__ import annotations

from time import monotonic

from rowhook.model import Timings


class ExchangeTimer:
    """The times of one exchange, in seconds of the monotonic clock.

    `connected`: TCP was connected; `opened`: TLS too, if there is any.
    """

    __slots__ = ("connected", "opened", "resolved", "resolving", "responded", "started")

    def __init__(self) -> None:
        self.started = monotonic()
        self.resolving: float | None = None
        self.resolved: float | None = None
        self.connected: float | None = None
        self.opened: float | None = None
        self.responded: float | None = None

    def timings(self, *, secure: bool) -> Timings:
        """Return the phases in milliseconds; a reused connection has no dns, connect or tls."""
        return Timings(
            dns=_between(self.resolving, self.resolved),
            connect=_between(self.resolved or self.started, self.connected),
            tls=_between(self.connected, self.opened) if secure else None,
            first_byte=_between(self.opened or self.started, self.responded),
            total=_between(self.started, monotonic()),
        )


def _between(begin: float | None, end: float | None) -> float | None:
    return None if begin is None or end is None else round((end - begin) * 1000, 3)
