"""Opens connections, only to permitted addresses: directly, or through the egress proxy.

The steps are name resolution, TCP with Happy Eyeballs (RFC 8305), the tunnel of a proxy and TLS.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING, cast

import httptools
import httpx
from aiohappyeyeballs import start_connection

from rowhook.egress import errors
from rowhook.egress.connection import MAX_HEAD_BYTES, ResponseInvalid
from rowhook.egress.errors import TargetForbidden
from rowhook.egress.exchange import encode
from rowhook.egress.policy import LOOPBACK, GuardedResolver
from rowhook.egress.target_url import bracketed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohappyeyeballs import AddrInfoType

    from rowhook.egress.connection import Connection
    from rowhook.egress.exchange import ExchangeTimer
    from rowhook.egress.policy import DialPolicy, Lookup
    from rowhook.egress.target_url import Target
    from rowhook.model import Headers

# Outside a tunnel, only a proxy responds with this status (RFC 9110 section 15.5.8).
PROXY_AUTHENTICATION_REQUIRED = 407
OpenSocket = Callable[["AddrInfoType"], socket.socket]
# Name resolution, TCP, the tunnel and TLS together.
CONNECT_S = 5.0
HAPPY_EYEBALLS_S = 0.25
# How long TLS may wait for the peer's part of a proper end.
_TLS_SHUTDOWN_S = 1.0


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
        """Returns whether `address` belongs to the proxy, by its URL or name resolution."""
        return _literal(address) in self._addresses

    def admits(self, host: str, addresses: Sequence[str]) -> bool:
        """Stores the proxy's addresses. Other names are not allowed."""
        if host != self.host:
            return False
        self._addresses.update(literal for text in addresses if (literal := _literal(text)))
        return True

    def loopback(self) -> tuple[str, ...]:
        """Returns the addresses of a proxy on `localhost`."""
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
        """Sends CONNECT and waits for its success. Raises Failure, ResponseInvalid."""
        if self.transport is None:
            raise ResponseInvalid
        authority = f"{bracketed(target.host)}:{target.port}"
        self.transport.write(encode("CONNECT", authority, authority, proxy.headers, None))
        status = await self._status
        if status > 299:  # noqa: PLR2004  # RFC 9110 section 9.3.6: any 2xx is a success
            raise errors.proxy_response(status)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport, on which TLS begins later."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parses the response to CONNECT."""
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
        """Reports the status; a success has no body."""
        status = self._parser.get_status_code()
        if status >= 200 and not self._status.done():  # noqa: PLR2004  # a final response
            self._status.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fails if there was no response."""
        self._fail()

    def _fail(self) -> None:
        if not self._status.done():
            self._status.set_exception(ResponseInvalid())
            # Marks it as retrieved: a tunnel that ends before `open` has no reader.
            self._status.exception()


def make_trust() -> ssl.SSLContext:
    """Returns a context for TLS 1.2 or newer that verifies with the system's certificates.

    OpenSSL reads `SSL_CERT_FILE` and `SSL_CERT_DIR`; httpx's certificates are the fallback.
    """
    paths = ssl.get_default_verify_paths()
    has_store = paths.cafile is not None or paths.capath is not None
    context = ssl.create_default_context() if has_store else httpx.create_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


class Dialer:
    """Connects to targets. With `proxy`, `policy` is that of the proxy.

    `resolver` (name to addresses) and `trust` replace the resolver and the certificates of the
    system, and `open_socket` creates the socket of an allowed address.
    """

    def __init__(
        self,
        policy: DialPolicy,
        *,
        proxy: ProxyPolicy | None = None,
        resolver: Lookup | None = None,
        trust: ssl.SSLContext | None = None,
        open_socket: OpenSocket | None = None,
    ) -> None:
        self._policy = policy
        self._proxy = proxy
        self._resolver = GuardedResolver(policy, resolver)
        self._trust = trust or make_trust()
        self._open_socket = open_socket or _open_socket

    async def connect(
        self, target: Target, connection: Connection, deadline: float, timer: ExchangeTimer
    ) -> None:
        """Connects `connection` for requests to `target`, until `deadline` in the loop's time.

        Raises Failure.
        """
        limit = min(deadline, asyncio.get_running_loop().time() + CONNECT_S)
        if self._proxy is None:
            await self._connect_directly(target, connection, limit, timer)
        else:
            await self._connect_through(self._proxy, target, connection, limit, timer)

    async def close(self) -> None:
        """Cancels the running lookups."""
        await self._resolver.close()

    async def _connect_directly(
        self, target: Target, connection: Connection, limit: float, timer: ExchangeTimer
    ) -> None:
        addresses = [target.host]
        if not target.is_literal:
            async with _step(
                limit, errors.timed_out("Resolving the host name"), errors.not_resolved
            ):
                addresses = await self._resolve(target.host, timer)
        async with _step(limit, errors.timed_out("The connection"), errors.not_connected):
            sock = await self._open(addresses, target.port, timer)
        handshake = errors.timed_out("The TLS handshake")
        async with _step(limit, handshake, errors.tls_failed):
            await self._adopt(sock, connection, target if target.scheme == "https" else None)
        timer.opened = monotonic()

    async def _connect_through(
        self,
        proxy: ProxyPolicy,
        target: Target,
        connection: Connection,
        limit: float,
        timer: ExchangeTimer,
    ) -> None:
        silence = errors.proxy_failed("The connection to the egress proxy timed out.")
        addresses = [proxy.host]
        if not self._policy.permits(proxy.host):
            async with _step(limit, silence, _proxy_not_resolved):
                addresses = await self._resolve(proxy.host, timer)
        async with _step(limit, silence, _proxy_not_connected):
            sock = await self._open(addresses, proxy.port, timer)
        if target.scheme == "https":
            await self._open_tunnel(proxy, target, connection, sock, limit)
        else:
            async with _step(limit, silence, _proxy_not_connected):
                await self._adopt(sock, connection, None)
        timer.opened = monotonic()

    async def _open_tunnel(
        self,
        proxy: ProxyPolicy,
        target: Target,
        connection: Connection,
        sock: socket.socket,
        limit: float,
    ) -> None:
        loop = asyncio.get_running_loop()
        silence = errors.proxy_failed("The egress proxy did not respond in time.")
        async with _step(limit, silence, _proxy_not_connected):
            transport, tunnel = await loop.create_connection(Tunnel, sock=sock)
        # So that aborting the connection ends the tunnel, too.
        connection.connection_made(transport)
        try:
            async with _step(limit, silence, _proxy_invalid):
                await tunnel.open(target, proxy)
            async with _step(limit, errors.timed_out("The TLS handshake"), errors.tls_failed):
                encrypted = await loop.start_tls(
                    transport,
                    connection,
                    self._trust,
                    server_hostname=target.host,
                    ssl_shutdown_timeout=_TLS_SHUTDOWN_S,
                )
        except BaseException:
            transport.abort()
            connection.connection_lost(None)
            await asyncio.sleep(0)  # the event loop closes it in its next iteration
            raise
        if encrypted is not None:
            connection.connection_made(encrypted)

    async def _resolve(self, host: str, timer: ExchangeTimer) -> list[str]:
        timer.resolving = monotonic()
        addresses = await self._resolver.resolve(host)
        timer.resolved = monotonic()
        return addresses

    async def _open(self, addresses: list[str], port: int, timer: ExchangeTimer) -> socket.socket:
        # Checked again here, because nothing else creates sockets.
        if not all(map(self._policy.permits, addresses)):
            raise TargetForbidden
        sock = await start_connection(
            [_address_info(address, port) for address in addresses],
            happy_eyeballs_delay=HAPPY_EYEBALLS_S,
            socket_factory=self._open_socket,
        )
        timer.connected = monotonic()
        return sock

    async def _adopt(self, sock: socket.socket, connection: Connection, tls: Target | None) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: connection,
                sock=sock,
                ssl=None if tls is None else self._trust,
                server_hostname=None if tls is None else tls.host,
                ssl_shutdown_timeout=None if tls is None else _TLS_SHUTDOWN_S,
            )
        except BaseException:
            sock.close()
            raise


@asynccontextmanager
async def _step(
    limit: float, on_timeout: errors.Failure, failure_of: Callable[[OSError], errors.Failure]
) -> AsyncIterator[None]:
    """Reports the errors of one step: `on_timeout` after `limit`, or `failure_of` its error."""
    try:
        async with asyncio.timeout_at(limit):
            yield
    except TimeoutError as error:
        # The system's own timeout is an OSError with a number.
        raise on_timeout if error.errno is None else failure_of(error) from error
    except TargetForbidden as error:
        raise errors.forbidden() from error
    except (OSError, ResponseInvalid, RuntimeError) as error:
        # uvloop raises RuntimeError for a socket that is closed during its use.
        raise failure_of(error if isinstance(error, OSError) else ConnectionError()) from error


def _proxy_not_resolved(error: OSError) -> errors.Failure:
    code = errors.resolver_code(error)
    return errors.proxy_failed(f"The egress proxy's name could not be resolved ({code}).")


def _proxy_not_connected(error: OSError) -> errors.Failure:
    return errors.proxy_failed(f"The connection to the egress proxy failed ({errors.code(error)}).")


def _proxy_invalid(_: OSError) -> errors.Failure:
    return errors.proxy_failed("The response of the egress proxy is not valid.")


def _address_info(address: str, port: int) -> AddrInfoType:
    is_ipv6 = ":" in address
    family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
    where = (address, port, 0, 0) if is_ipv6 else (address, port)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where


def _open_socket(info: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = info
    return socket.socket(family=family, type=kind, proto=protocol)
