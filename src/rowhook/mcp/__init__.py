"""The ASGI application for `/mcp`: authentication, and 501 if the MCP SDK is not installed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

from rowhook.db.connection_pool import Pool
from rowhook.model import MAX_BODY_BYTES
from rowhook.services import access
from rowhook.services.access import Caller
from rowhook.services.context import KeyringContext

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
_NOT_INSTALLED = (
    b'{"type":"about:blank","title":"Not Implemented","status":501,"detail":"The MCP server needs'
    b" the package mcp. Install it with: pip install 'rowhook[mcp]'\"}"
)


@asynccontextmanager
async def open_mcp(
    pool: Pool, ctx: KeyringContext, admin_key: str | None
) -> AsyncIterator[AsgiApp]:
    """Runs the ASGI application for `/mcp`. It is stateless: any process answers any request."""
    if find_spec("mcp") is None:
        yield _not_installed
        return
    from rowhook.mcp.tools import tool_server  # noqa: PLC0415  # an extra, half a second to import

    def ctx_of(caller: Caller) -> KeyringContext:
        return ctx.for_actor(pool, caller.organization, caller.actor)

    server = tool_server(ctx_of)
    server.streamable_http_app(
        json_response=True, stateless_http=True, max_request_body_size=MAX_BODY_BYTES
    )
    async with server.session_manager.run():

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            scope["user"] = await access.authenticate(pool, _key(scope), admin_key)
            await server.session_manager.handle_request(scope, receive, send)

        yield application


def _key(scope: Scope) -> str | None:
    """The bearer token of a request (RFC 6750, 2.1)."""
    header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    scheme, _, key = header.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


async def _not_installed(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"application/problem+json")]
    await send({"type": "http.response.start", "status": 501, "headers": headers})
    await send({"type": "http.response.body", "body": _NOT_INSTALLED})
