"""Decides to which addresses and names connections are allowed, and resolves names.

`ipaddress.is_global` is not enough: it accepts NAT64, 6to4, multicast and cloud metadata addresses.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Protocol

from rowhook.egress.errors import TargetForbidden

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
# A name's addresses, as literals.
Lookup = Callable[[str], Awaitable[Sequence[str]]]
# getaddrinfo cannot be cancelled; with unresponsive servers it blocks a thread for 10 s or more.
MAX_LOOKUPS = 64
# Per address family: a name with many dead addresses must not use up the time for connecting.
MAX_ADDRESSES = 2


class DialPolicy(Protocol):
    """The decision whether a connection is allowed."""

    def permits(self, address: str) -> bool:
        """Returns whether connecting to the literal `address` is allowed."""

    def admits(self, host: str, addresses: Sequence[str]) -> bool:
        """Returns whether connecting to the name `host` with these addresses is allowed."""

    def loopback(self) -> tuple[str, ...]:
        """Returns the addresses of `localhost`."""


# Compared by identity: it is part of the key of a cache that is read for each request.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EgressPolicy:
    """The targets that an installation allows: public addresses and `allow_networks`.

    `allow_http` allows plain http to every allowed name or address.
    """

    allow_networks: tuple[Network, ...] = ()
    allow_http: bool = False

    def permits(self, address: str) -> bool:
        """Returns whether connecting to the literal `address` is allowed; an invalid one is not."""
        parsed = _parse(address)
        return parsed is not None and (_is_public(parsed) or self._is_allowed(parsed))

    def admits(self, host: str, addresses: Sequence[str]) -> bool:
        """Returns whether connecting to a name is allowed: only if all its addresses are."""
        return all(map(self.permits, addresses))

    def allows(self, address: str) -> bool:
        """Returns whether the literal `address` is in `allow_networks`."""
        parsed = _parse(address)
        return parsed is not None and self._is_allowed(parsed)

    def loopback(self) -> tuple[str, ...]:
        """Returns the loopback addresses that are allowed."""
        return tuple(address for address in LOOPBACK if self.permits(address))

    def _is_allowed(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.allow_networks)


def network_to_allow(address: str) -> str | None:
    """Returns the network that would allow a loopback or private `address`, else None.

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


class GuardedResolver:
    """Resolves names with `lookup`, once per attempt and without a cache.

    A name is rejected unless `policy` allows all its addresses.
    """

    def __init__(self, policy: DialPolicy, lookup: Lookup | None = None) -> None:
        self._policy = policy
        self._lookup = lookup or ThreadedLookup()

    async def resolve(self, host: str) -> list[str]:
        """Returns addresses of a name. Raises TargetForbidden, or OSError if there is none."""
        # RFC 6761 section 6.3: localhost is not resolved.
        addresses = self._policy.loopback() if host == "localhost" else await self._lookup(host)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        if not self._policy.admits(host, addresses):
            raise TargetForbidden
        return _shorten(addresses)

    async def close(self) -> None:
        """Cancels the running lookups; their threads end by themselves."""
        if isinstance(self._lookup, ThreadedLookup):
            await self._lookup.close()


class ThreadedLookup:
    """The system's resolver, in daemon threads that do not delay the exit.

    Concurrent lookups of a name share one thread, so a name with unresponsive servers blocks only
    one thread.
    """

    def __init__(self, resolve: Callable[[str], list[str]] | None = None) -> None:
        self._resolve = resolve or _resolve_with_system
        self._free = asyncio.Semaphore(MAX_LOOKUPS)
        self._running: dict[str, asyncio.Task[list[str]]] = {}

    async def __call__(self, host: str) -> list[str]:
        """Returns the addresses of `host`. Raises OSError (gaierror)."""
        task = self._running.get(host)
        if task is None:
            task = self._running[host] = asyncio.create_task(self._look_up(host))
            task.add_done_callback(lambda finished: self._forget(host, finished))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is None or current.cancelling() or not task.cancelled():
                raise
        raise socket.gaierror(socket.EAI_FAIL, "the resolver was closed")

    async def close(self) -> None:
        """Cancels the running lookups."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _forget(self, host: str, task: asyncio.Task[list[str]]) -> None:
        del self._running[host]
        if not task.cancelled():
            task.exception()  # marks the error as retrieved, because the caller may be gone

    async def _look_up(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        result: asyncio.Future[list[str]] = loop.create_future()
        async with self._free:
            threading.Thread(
                target=_work, args=(self._resolve, host, loop, result), name="resolve", daemon=True
            ).start()
            return await result


def _work(
    resolve: Callable[[str], list[str]],
    host: str,
    loop: asyncio.AbstractEventLoop,
    result: asyncio.Future[list[str]],
) -> None:
    with suppress(RuntimeError):  # the loop was closed during the lookup
        try:
            addresses = resolve(host)
        except Exception as error:  # noqa: BLE001  # errors of a thread are not reported otherwise
            loop.call_soon_threadsafe(_settle, result, None, error)
        else:
            loop.call_soon_threadsafe(_settle, result, addresses, None)


def _settle(
    result: asyncio.Future[list[str]], addresses: list[str] | None, error: Exception | None
) -> None:
    if result.cancelled():
        return
    if isinstance(error, UnicodeError):
        result.set_exception(socket.gaierror(socket.EAI_NONAME, "not a name"))
    elif error is not None:
        result.set_exception(error)
    else:
        result.set_result(addresses or [])


def _resolve_with_system(host: str) -> list[str]:
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


def _shorten(addresses: Sequence[str]) -> list[str]:
    # Keeps the family of the first address first; the system has sorted them (RFC 6724).
    first_is_ipv6 = ":" in addresses[0]
    same = [address for address in addresses if (":" in address) == first_is_ipv6]
    other = [address for address in addresses if (":" in address) != first_is_ipv6]
    return same[:MAX_ADDRESSES] + other[:MAX_ADDRESSES]
