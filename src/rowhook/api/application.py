"""The application factory: routes and their shared state, nothing at import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Litestar, Request, Response, Router, asgi
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, ExceptionHandlersMap, Receive, Scope, Send

from rowhook.api import (
    agents,
    audit,
    callbacks,
    deliveries,
    events,
    failures,
    goals,
    keys,
    links,
    organizations,
    secrets,
    stats,
    system,
    trial,
    webhook_health,
    webhooks,
)
from rowhook.api.admission import Admission, caller_of, ctx_of, exists, permits
from rowhook.api.front import Front
from rowhook.api.health import Readiness, check_pool, livez, readyz
from rowhook.api.metrics import Measures, metrics
from rowhook.api.openapi import assets, described
from rowhook.api.problem import HANDLERS, http_problem
from rowhook.api.repeat import Repeats, well_keyed
from rowhook.operations import ServerContext

_MOST_BYTES = 1 << 20
Shown = Callable[[Request[Any, Any, Any], HTTPException], Response[Any]]


def application(
    server_ctx: ServerContext,
    *,
    mcp: ASGIApp | None = None,
    bells: callbacks.Bells | None = None,
    pages: Sequence[Router] = (),
    lost: Shown | None = None,
) -> Litestar:
    """The API over an open server context, with the MCP server at `/mcp` and `pages` beside it.

    `bells` ring for streams. `lost` is the page for a browser at a path that is none.
    """
    kept = {
        "server_ctx": server_ctx,
        "bells": bells or callbacks.Bells(),
        "measures": Measures(server_ctx.pool),
        "readiness": Readiness(server_ctx.direct_dsn),
    }
    return Front(
        route_handlers=[
            livez,
            readyz,
            metrics,
            callbacks.module,
            assets(),
            _versioned(),
            *_beside(mcp),
            *pages,
        ],
        state=State(kept),
        exception_handlers={**HANDLERS, **(_lost(lost) if lost else {})},
        after_exception=[check_pool],
        request_max_body_size=_MOST_BYTES,
        openapi_config=described(),
        cors_config=_cors(server_ctx.cors_origins) if server_ctx.cors_origins else None,
        logging_config=None,
    )


def _lost(shown: Shown) -> ExceptionHandlersMap:
    def answer(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        asks_for_a_page = "text/html" in request.headers.get("accept", "")
        of_the_api = f"{request.url.path}/".startswith("/v1/")
        return (shown if asks_for_a_page and not of_the_api else http_problem)(request, error)

    return {NotFoundException: answer, MethodNotAllowedException: answer}


def _beside(mcp: ASGIApp | None) -> list[ASGIRouteHandler]:
    if mcp is None:
        return []

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await mcp(scope, receive, send)

    return [asgi("/mcp", is_mount=True, copy_scope=True)(serve)]


def _versioned() -> Router:
    return Router(
        path="/v1",
        route_handlers=[
            webhooks.router(),
            webhook_health.router(),
            links.router(),
            organizations.router(),
            agents.router(),
            goals.router(),
            callbacks.router(),
            deliveries.router(),
            events.router(),
            failures.router(),
            secrets.router(),
            keys.router(),
            audit.router(),
            stats.router(),
            system.router(),
            trial.router(),
        ],
        middleware=[Admission(), Repeats()],
        guards=[exists, permits, well_keyed],
        dependencies={
            "ctx": Provide(ctx_of, sync_to_thread=False),
            "caller": Provide(caller_of, sync_to_thread=False),
        },
        security=[{"key": []}],
    )


def _cors(origins: tuple[str, ...]) -> CORSConfig:
    """Pages of these origins may call us. No cookies: a page shows its key."""
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match"],
        expose_headers=["ETag", "Idempotency-Replayed", "Retry-After"],
    )
