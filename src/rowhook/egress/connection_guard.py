"""Open connections only to permitted addresses, directly or through the proxy."""

from __future__ import annotations

import functools
import socket
import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
from yarl import URL

from rowhook.egress.errors import AddressForbidden
from rowhook.egress.policy import LOOPBACK
from rowhook.egress.resolver import GuardedResolver, Lookup
from rowhook.egress.response_head import HeadFirstProtocol
from rowhook.egress.timings import current

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from aiohappyeyeballs import AddrInfoType
    from aiohttp.client_proto import ResponseHandler

    from rowhook.egress.policy import DialPolicy


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


# Shorter than the keep-alive of common servers (5 s), because a request on a connection that the
# server is closing is a failed attempt; it is not sent again.
KEEPALIVE_S = 4.0
HAPPY_EYEBALLS_S = 0.25


def make_connector(
    policy: DialPolicy,
    *,
    limit: int,
    resolver: Lookup | None = None,
    trust: ssl.SSLContext | None = None,
    open_socket: Callable[[AddrInfoType], socket.socket] | None = None,
) -> aiohttp.TCPConnector:
    """Return a connector of at most `limit` connections that enforces `policy`.

    `resolver` (name to addresses) and `trust` replace the resolver and the certificates of the
    system, and `open_socket` creates the socket of an allowed address. Call it in the event loop.
    """
    return GuardedConnector(
        resolver=GuardedResolver(policy, resolver),
        use_dns_cache=False,
        limit=limit,
        keepalive_timeout=KEEPALIVE_S,
        happy_eyeballs_delay=HAPPY_EYEBALLS_S,
        ssl=trust or make_trust(),
        socket_factory=functools.partial(_open_guarded, policy, open_socket or _open),
    )


def make_trust() -> ssl.SSLContext:
    """Return a context for TLS 1.2 or newer that verifies with the system's certificates.

    OpenSSL reads `SSL_CERT_FILE` and `SSL_CERT_DIR`; httpx's certificates are the fallback.
    """
    paths = ssl.get_default_verify_paths()
    has_store = paths.cafile is not None or paths.capath is not None
    context = ssl.create_default_context() if has_store else httpx.create_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


class GuardedConnector(aiohttp.TCPConnector):
    """aiohttp's connector with the protocol of this package; it owns its resolver."""

    def __init__(self, *, resolver: GuardedResolver, **options: Any) -> None:
        super().__init__(resolver=resolver, **options)
        self._resolver_owner = True
        self._factory = functools.partial(_make_protocol, loop=self._loop)


def _make_protocol(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return HeadFirstProtocol(loop)


def _open_guarded(
    policy: DialPolicy, open_socket: Callable[[AddrInfoType], socket.socket], info: AddrInfoType
) -> socket.socket:
    if not policy.permits(str(info[4][0])):
        timer = current.get()
        if timer is not None:
            timer.refused = True
        raise AddressForbidden
    return open_socket(info)


def _open(info: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = info
    return socket.socket(family=family, type=kind, proto=protocol)
