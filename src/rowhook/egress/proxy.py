"""The policy for an egress proxy, which is the only target of connections then."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from yarl import URL

from rowhook.egress.addresses import LOOPBACK


class ProxyPolicy:
    """Allows only connections to the proxy at `url`, in any network.

    `url` is an http URL without a path; user and password are sent as Basic credentials (RFC 7617).
    """

    def __init__(self, url: str) -> None:
        self.url = URL(url)
        self._host = self.url.raw_host or ""
        self._addresses = {literal} if (literal := _literal(self._host)) else set[str]()

    def permits(self, address: str) -> bool:
        """Return whether `address` belongs to the proxy, by its URL or name resolution."""
        return _literal(address) in self._addresses

    def admits(self, host: str, addresses: Sequence[str]) -> bool:
        """Store the proxy's addresses. Other names are not allowed."""
        if host != self._host:
            return False
        self._addresses.update(literal for text in addresses if (literal := _literal(text)))
        return True

    def loopback(self) -> tuple[str, ...]:
        """Return the addresses of a proxy on `localhost`."""
        return LOOPBACK


def _literal(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None
