"""The way out through a proxy: the one place that is connected then. It resolves no target."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from yarl import URL

from rowhook.egress.addresses import LOOPBACK


class ProxyPolicy:
    """What may be connected where every request leaves through the proxy at `url`: that alone.

    Its address may lie in any network. `url` is http, without a path; user and password are sent
    as Basic credentials (RFC 7617).
    """

    def __init__(self, url: str) -> None:
        self.url = URL(url)
        self._host = self.url.raw_host or ""
        self._addresses = {known} if (known := _literal(self._host)) else set[str]()

    def permits(self, address: str) -> bool:
        """Say whether `address` is the proxy's: written in its URL, or an answer for its name."""
        return _literal(address) in self._addresses

    def admits(self, host: str, addresses: Sequence[str]) -> bool:
        """Learn the proxy's addresses. No other name may be connected, so none is resolved here."""
        if host != self._host:
            return False
        self._addresses.update(found for one in addresses if (found := _literal(one)))
        return True

    def loopback(self) -> tuple[str, ...]:
        """Return what `localhost` stands for: a proxy beside us."""
        return LOOPBACK


def _literal(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None
