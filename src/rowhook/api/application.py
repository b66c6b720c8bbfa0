"""The application factory: routes and their shared state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Litestar, Request, Response, Router, asgi
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, ExceptionHandlersMap, Receive, Scope, Send

from rowhook.api import (
    access_routes,
    callback_routes,
    delivery_routes,
    monitoring,
    platform_routes,
    webhook_routes,
)
from rowhook.api.auth import AuthMiddleware, caller_of, ctx_of, require_existing, require_scope
from rowhook.api.callback_stream import Subscriptions
from rowhook.api.idempotent_requests import IdempotencyMiddleware, check_idempotency_key
from rowhook.api.metrics import Metrics
from rowhook.api.middleware import RowhookApp
from rowhook.api.monitoring import livez, metrics, readyz
from rowhook.api.parameters import require_known_parameters
from rowhook.api.problems import HANDLERS, http_problem
from rowhook.api.routing import assets, openapi_config
from rowhook.migrate.runner import Readiness
from rowhook.model import MAX_BODY_BYTES
from rowhook.services.context import ServerContext

ErrorHandler = Callable[[Request[Any, Any, Any], HTTPException], Response[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The application of an open database."""

    app: Litestar
    end_streams: Callable[[], None]

    @property
    def server_ctx(self) -> ServerContext:
        """The context of its requests."""
        server_ctx: ServerContext = self.app.state.server_ctx
        return server_ctx


def application(
    server_ctx: ServerContext,
    *,
    mcp: ASGIApp | None = None,
    subscriptions: Subscriptions | None = None,
    pages: Sequence[Router] = (),
    not_found_page: ErrorHandler | None = None,
) -> Litestar:
    """Builds the application: the API, the MCP server at `/mcp`, and the dashboard's `pages`.

    `not_found_page` builds the page that a browser gets for an unknown path.
    """
    state = {
        "server_ctx": server_ctx,
        "subscriptions": subscriptions or Subscriptions(),
        "metrics": Metrics(server_ctx.pool, server_ctx.ctx.standby),
        "readiness": Readiness(server_ctx.direct_dsn),
    }
    return RowhookApp(
        route_handlers=[
            livez,
            readyz,
            metrics,
            callback_routes.module,
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
        request_max_body_size=MAX_BODY_BYTES,
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
            webhook_routes.webhook_router(),
            monitoring.health_router(),
            webhook_routes.link_router(),
            platform_routes.organization_router(),
            platform_routes.organization_settings_router(),
            platform_routes.agent_router(),
            platform_routes.goal_router(),
            callback_routes.router(),
            delivery_routes.delivery_router(),
            delivery_routes.event_router(),
            monitoring.failure_router(),
            access_routes.secret_router(),
            access_routes.key_router(),
            access_routes.audit_router(),
            access_routes.portal_router(),
            monitoring.stats_router(),
            monitoring.system_router(),
            webhook_routes.preview_router(),
        ],
        middleware=[AuthMiddleware(), IdempotencyMiddleware()],
        guards=[require_existing, require_scope, require_known_parameters, check_idempotency_key],
        dependencies={
            "ctx": Provide(ctx_of, sync_to_thread=False),
            "caller": Provide(caller_of, sync_to_thread=False),
        },
        security=[{"key": []}],
    )


def _cors(origins: tuple[str, ...]) -> CORSConfig:
    """Allows pages of these origins to call the API. Cookies are not allowed: pages send a key."""
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match"],
        expose_headers=["ETag", "Idempotency-Replayed", "Read-From", "Retry-After"],
    )
