"""The table of addresses: what is public, and what an installation allows besides. Never resolves.

Our own table because `ipaddress.is_global` lets NAT64, 6to4, multicast and a cloud's metadata pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Protocol

Network = IPv4Network | IPv6Network

# IANA's special-purpose registry, the multicast and reserved blocks, and Azure's host endpoint.
CLOSED_IPV4 = tuple(
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
# Global unicast is the only open block; these are its special-purpose corners.
OPEN_IPV6 = IPv6Network("2000::/3")
CLOSED_IPV6 = tuple(
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
    """What the dialler asks before each dial."""

    def permits(self, address: str) -> bool:
        """Say whether the literal `address` may be connected."""

    def admits(self, host: str, addresses: Sequence[str]) -> bool:
        """Say whether the name `host`, which has these addresses, may be connected."""

    def loopback(self) -> tuple[str, ...]:
        """Return what `localhost` stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressPolicy:
    """What this installation may dial: public addresses, and `allow_networks` besides.

    `allow_http` permits plain http to any name or address that passes the guard.
    """

    allow_networks: tuple[Network, ...] = ()
    allow_http: bool = False

    def permits(self, address: str) -> bool:
        """Say whether the literal `address` may be dialled; anything unreadable may not."""
        found = _read(address)
        return found is not None and (_is_open(found) or self._is_allowed(found))

    def admits(self, host: str, addresses: Sequence[str]) -> bool:
        """Say whether a name may be connected: only if every one of its addresses may be."""
        return all(map(self.permits, addresses))

    def allows(self, address: str) -> bool:
        """Say whether the literal `address` lies inside `allow_networks`."""
        found = _read(address)
        return found is not None and self._is_allowed(found)

    def loopback(self) -> tuple[str, ...]:
        """Return the loopback addresses that may be connected: what `localhost` stands for."""
        return tuple(address for address in LOOPBACK if self.permits(address))

    def _is_allowed(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.allow_networks)


def network_to_allow(address: str) -> str | None:
    """Return the CIDR that would open a loopback or private `address`, None for any other.

    Link-local, multicast and reserved addresses get no such advice: nobody's receiver lives there.
    """
    found = _read(address)
    if found is None:
        return None
    if found in IPV4_LOOPBACK:
        return str(IPV4_LOOPBACK)
    return f"{found}/{found.max_prefixlen}" if any(found in net for net in PRIVATE) else None


def _read(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address)
    except ValueError:
        return None
    # A zone makes the same digits mean another link; no global address needs one.
    return None if isinstance(found, IPv6Address) and found.scope_id is not None else found


def _is_open(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in net for net in CLOSED_IPV4)
    return address in OPEN_IPV6 and not any(address in net for net in CLOSED_IPV6)
