"""The egress proxy: its address, its credentials, and the tunnel to a target (RFC 9110 9.3.6)."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

import httptools
import httpx

from rowhook.egress import errors
from rowhook.egress.connection import MAX_HEAD_BYTES, ResponseInvalid
from rowhook.egress.policy import LOOPBACK
from rowhook.egress.request_encoder import encode
from rowhook.egress.target_url import bracketed

if TYPE_CHECKING:
    from rowhook.egress.target_url import Target
    from rowhook.model import Headers

# Outside a tunnel, only a proxy responds with this status (RFC 9110 section 15.5.8).
PROXY_AUTHENTICATION_REQUIRED = 407


class ProxyPolicy:
    """Allows only connections to the proxy at `url`, in any network.

    `url` is an http URL without a path; user and password are sent as Basic credentials (RFC 7617).
    """

    def __init__(self, url: str) -> None:
        parsed = httpx.URL(url)
        self.host = parsed.host
        self.port = parsed.port or 80
        self.headers: Headers = ()
        if parsed.userinfo:
            credentials = b64encode(f"{parsed.username}:{parsed.password}".encode()).decode()
            self.headers = (("Proxy-Authorization", f"Basic {credentials}"),)
        self._addresses = {literal} if (literal := _literal(self.host)) else set[str]()

    def permits(self, address: str) -> bool:
        """Return whether `address` belongs to the proxy, by its URL or name resolution."""
        return _literal(address) in self._addresses

    def admits(self, host: str, addresses: Sequence[str]) -> bool:
        """Store the proxy's addresses. Other names are not allowed."""
        if host != self.host:
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


class Tunnel(asyncio.Protocol):
    """A connection to the proxy that asks for a tunnel; TLS to the target begins after `opened`."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._bytes = 0
        self.transport: asyncio.Transport | None = None

    async def open(self, target: Target, proxy: ProxyPolicy) -> None:
        """Send CONNECT and wait for its success. Raises Failure, ResponseInvalid."""
        if self.transport is None:
            raise ResponseInvalid
        authority = f"{bracketed(target.host)}:{target.port}"
        self.transport.write(encode("CONNECT", authority, authority, proxy.headers, None))
        status = await self._status
        if status > 299:  # noqa: PLR2004  # RFC 9110 section 9.3.6: any 2xx is a success
            raise errors.proxy_response(status)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, on which TLS begins later."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse the response to CONNECT."""
        self._bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return
        except httptools.HttpParserError:
            self._fail()
        if self._bytes > MAX_HEAD_BYTES:
            self._fail()

    def on_headers_complete(self) -> None:
        """Report the status; a success has no body."""
        status = self._parser.get_status_code()
        if status >= 200 and not self._status.done():  # noqa: PLR2004  # a final response
            self._status.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail if there was no response."""
        self._fail()

    def _fail(self) -> None:
        if not self._status.done():
            self._status.set_exception(ResponseInvalid())
            # Marks it as retrieved: a tunnel that ends before `open` has no reader.
            self._status.exception()
