"""Records the times of the phases of an exchange."""

from __future__ import annotations

from contextvars import ContextVar
from time import monotonic

from rowhook.model import Timings


class ExchangeTimer:
    """The times of one exchange, in seconds of the monotonic clock.

    `refused`: the policy rejected an address; with several addresses, aiohttp merges their errors
    and would lose this reason. `dials` counts the protocols on new connections; in the tunnel of a
    proxy, the second one is TLS to the target.
    """

    __slots__ = (
        "connected",
        "dials",
        "opened",
        "refused",
        "resolved",
        "resolving",
        "responded",
        "started",
    )

    def __init__(self) -> None:
        self.started = monotonic()
        self.resolving: float | None = None
        self.resolved: float | None = None
        self.connected: float | None = None
        self.opened: float | None = None
        self.responded: float | None = None
        self.refused = False
        self.dials = 0

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


# aiohttp calls the connector, the resolver and the protocol without the request.
current: ContextVar[ExchangeTimer | None] = ContextVar("current", default=None)
