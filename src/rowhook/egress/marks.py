"""When the phases of one exchange passed. Only holds times; it measures and decides nothing."""

from __future__ import annotations

from contextvars import ContextVar
from time import monotonic

from rowhook.delivery import Timings


class ExchangeTimer:
    """The moments of one exchange (seconds of the monotonic clock), written as they pass.

    `refused` says that the guard turned a dial down: with several addresses the dialler folds
    their errors into one, and the reason would be lost. `dials` counts the protocols that began on
    a new connection: through a proxy's tunnel a second one speaks TLS to the target.
    """

    __slots__ = (
        "answered",
        "connected",
        "dials",
        "opened",
        "refused",
        "resolved",
        "resolving",
        "started",
    )

    def __init__(self) -> None:
        self.started = monotonic()
        self.resolving: float | None = None
        self.resolved: float | None = None
        self.connected: float | None = None
        self.opened: float | None = None
        self.answered: float | None = None
        self.refused = False
        self.dials = 0

    def timings(self, *, secure: bool) -> Timings:
        """Return the phases in milliseconds; a reused connection has no dns, connect or tls."""
        return Timings(
            dns=_between(self.resolving, self.resolved),
            connect=_between(self.resolved or self.started, self.connected),
            tls=_between(self.connected, self.opened) if secure else None,
            first_byte=_between(self.opened or self.started, self.answered),
            total=_between(self.started, monotonic()),
        )


def _between(begin: float | None, end: float | None) -> float | None:
    return None if begin is None or end is None else round((end - begin) * 1000, 3)


# The dialler, the resolver and the protocol are called by aiohttp without the request at hand.
current: ContextVar[ExchangeTimer | None] = ContextVar("current", default=None)
