"""The application factory: routes and their shared state."""

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
from rowhook.api.admission import (
    AuthMiddleware,
    caller_of,
    ctx_of,
    require_existing,
    require_scope,
)
from rowhook.api.front import RowhookApp
from rowhook.api.health import Readiness, check_pool, livez, readyz
from rowhook.api.metrics import Metrics, metrics
from rowhook.api.openapi import assets, openapi_config
from rowhook.api.problem import HANDLERS, http_problem
from rowhook.api.repeat import IdempotencyMiddleware, check_idempotency_key
from rowhook.operations import ServerContext

_MAX_BODY_BYTES = 1 << 20
ErrorHandler = Callable[[Request[Any, Any, Any], HTTPException], Response[Any]]


def application(
    server_ctx: ServerContext,
    *,
    mcp: ASGIApp | None = None,
    subscriptions: callbacks.Subscriptions | None = None,
    pages: Sequence[Router] = (),
    not_found_page: ErrorHandler | None = None,
) -> Litestar:
    """Build the application: the API, the MCP server at `/mcp`, and the dashboard's `pages`.

    `not_found_page` builds the page that a browser gets for an unknown path.
    """
    state = {
        "server_ctx": server_ctx,
        "subscriptions": subscriptions or callbacks.Subscriptions(),
        "metrics": Metrics(server_ctx.pool),
        "readiness": Readiness(server_ctx.direct_dsn),
    }
    return RowhookApp(
        route_handlers=[
            livez,
            readyz,
            metrics,
            callbacks.module,
            assets(),
            _versioned(),
            *_mcp_mount(mcp),
            *pages,
        ],
        state=State(state),
        exception_handlers={
            **HANDLERS,
            **(_not_found_handlers(not_found_page) if not_found_page else {}),
        },
        after_exception=[check_pool],
        request_max_body_size=_MAX_BODY_BYTES,
        openapi_config=openapi_config(),
        cors_config=_cors(server_ctx.cors_origins) if server_ctx.cors_origins else None,
        logging_config=None,
    )


def _not_found_handlers(page: ErrorHandler) -> ExceptionHandlersMap:
    def respond(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        accepts_html = "text/html" in request.headers.get("accept", "")
        is_api = f"{request.url.path}/".startswith("/v1/")
        return (page if accepts_html and not is_api else http_problem)(request, error)

    return {NotFoundException: respond, MethodNotAllowedException: respond}


def _mcp_mount(mcp: ASGIApp | None) -> list[ASGIRouteHandler]:
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
        middleware=[AuthMiddleware(), IdempotencyMiddleware()],
        guards=[require_existing, require_scope, check_idempotency_key],
        dependencies={
            "ctx": Provide(ctx_of, sync_to_thread=False),
            "caller": Provide(caller_of, sync_to_thread=False),
        },
        security=[{"key": []}],
    )


def _cors(origins: tuple[str, ...]) -> CORSConfig:
    """Allow pages of these origins to call the API. Cookies are not allowed: pages send a key."""
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match"],
        expose_headers=["ETag", "Idempotency-Replayed", "Retry-After"],
    )
