"""The connector, which checks the address of every new connection against the policy.

A pooled connection is not checked again.
"""

from __future__ import annotations

import functools
import socket
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx

from rowhook.egress.head import HeadFirstProtocol
from rowhook.egress.marks import current
from rowhook.egress.refusal import AddressForbidden
from rowhook.egress.resolve import GuardedResolver, Lookup

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from aiohappyeyeballs import AddrInfoType
    from aiohttp.client_proto import ResponseHandler

    from rowhook.egress.addresses import DialPolicy

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
