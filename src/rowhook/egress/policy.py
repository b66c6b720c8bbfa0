"""The addresses that are public, and those that an installation allows in addition.

`ipaddress.is_global` is not enough: it accepts NAT64, 6to4, multicast and cloud metadata addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Protocol

Network = IPv4Network | IPv6Network

# IANA's special-purpose registry, multicast and reserved blocks, and Azure's host endpoint.
FORBIDDEN_IPV4 = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Only global unicast is allowed, except for its special-purpose blocks.
GLOBAL_IPV6 = IPv6Network("2000::/3")
FORBIDDEN_IPV6 = tuple(
    IPv6Network(net)
    for net in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
IPV4_LOOPBACK = IPv4Network("127.0.0.0/8")
LOOPBACK = ("127.0.0.1", "::1")
PRIVATE: tuple[Network, ...] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("::1/128"),
    IPv6Network("fc00::/7"),
)


class DialPolicy(Protocol):
    """The decision whether a connection is allowed."""

    def permits(self, address: str) -> bool:
        """Return whether connecting to the literal `address` is allowed."""

    def admits(self, host: str, addresses: Sequence[str]) -> bool:
        """Return whether connecting to the name `host` with these addresses is allowed."""

    def loopback(self) -> tuple[str, ...]:
        """Return the addresses of `localhost`."""


# Compared by identity: it is part of the key of a cache that is read for each request.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EgressPolicy:
    """The targets that an installation allows: public addresses and `allow_networks`.

    `allow_http` allows plain http to every allowed name or address.
    """

    allow_networks: tuple[Network, ...] = ()
    allow_http: bool = False

    def permits(self, address: str) -> bool:
        """Return whether connecting to the literal `address` is allowed; an invalid one is not."""
        parsed = _parse(address)
        return parsed is not None and (_is_public(parsed) or self._is_allowed(parsed))

    def admits(self, host: str, addresses: Sequence[str]) -> bool:
        """Return whether connecting to a name is allowed: only if all its addresses are."""
        return all(map(self.permits, addresses))

    def allows(self, address: str) -> bool:
        """Return whether the literal `address` is in `allow_networks`."""
        parsed = _parse(address)
        return parsed is not None and self._is_allowed(parsed)

    def loopback(self) -> tuple[str, ...]:
        """Return the loopback addresses that are allowed."""
        return tuple(address for address in LOOPBACK if self.permits(address))

    def _is_allowed(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.allow_networks)


def network_to_allow(address: str) -> str | None:
    """Return the network that would allow a loopback or private `address`, else None.

    Link-local, multicast and reserved addresses are never receivers.
    """
    parsed = _parse(address)
    if parsed is None:
        return None
    if parsed in IPV4_LOOPBACK:
        return str(IPV4_LOOPBACK)
    return f"{parsed}/{parsed.max_prefixlen}" if any(parsed in net for net in PRIVATE) else None


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    # A zone changes the meaning of the address; public addresses have none.
    return None if isinstance(parsed, IPv6Address) and parsed.scope_id is not None else parsed


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in net for net in FORBIDDEN_IPV4)
    return address in GLOBAL_IPV6 and not any(address in net for net in FORBIDDEN_IPV6)
