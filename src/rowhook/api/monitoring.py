"""Monitoring: statistics, failures, health, system, workers, `/metrics` and the probes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, Router
from litestar.datastructures import State
from litestar.params import QueryParameter
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from rowhook.api.auth import organization_filter
from rowhook.api.metrics import Metrics
from rowhook.api.parameters import (
    TIME,
    CallerDependency,
    ContextDependency,
    Limit,
    OrganizationId,
    Window,
    parse_timestamp,
    parse_window,
)
from rowhook.api.problems import problem
from rowhook.api.routing import EXAMPLES, get_route, public_route
from rowhook.migrate.runner import Readiness
from rowhook.services import installation, stats
from rowhook.services.context import ServerContext
from rowhook.services.installation import System, Workers
from rowhook.services.paging import MOST
from rowhook.services.stats import (
    MAX_POINTS,
    FailingWebhooks,
    Failures,
    HealthList,
    Series,
    Stats,
)

_DAY = timedelta(hours=24)
_EXAMPLE = """\
# HELP rowhook_database_up 1 if the database answers.
# TYPE rowhook_database_up gauge
rowhook_database_up 1.0
# HELP rowhook_deliveries Deliveries that are not finished.
# TYPE rowhook_deliveries gauge
rowhook_deliveries{status="pending"} 12.0
"""
WebhookIds = Annotated[
    list[UUID],
    QueryParameter(
        name="webhook_id",
        min_items=1,
        max_items=MOST,
        description="May be repeated: `?webhook_id=…&webhook_id=…`.",
    ),
]


@get_route("/", errors=(422,), response_example=EXAMPLES["failures"])
async def list_failures(
    ctx: ContextDependency,
    caller: CallerDependency,
    since: Annotated[
        str | None,
        QueryParameter(
            description="Created at or after this time (RFC 3339). Default: 24 hours ago.",
            schema_extra=TIME,
        ),
    ] = None,
    webhook_id: Annotated[
        UUID | None, QueryParameter(description="The webhook, which may have been deleted.")
    ] = None,
    organization_id: OrganizationId = None,
    limit: Limit = 100,
) -> Failures:
    """Group dead, held and retrying deliveries by webhook and error.

    The group with the newest delivery comes first. At most the newest 10,000 deliveries of each
    webhook and status are examined; `capped` is true if there were more.
    """
    return await stats.list_failures(
        ctx,
        organization=await organization_filter(ctx, caller, organization_id),
        webhook=webhook_id,
        since=parse_timestamp("/since", since) or datetime.now(UTC) - _DAY,
        limit=limit,
    )


def failure_router() -> Router:
    """The router of this resource."""
    return Router(path="/failures", tags=["Deliveries"], route_handlers=[list_failures])


@get_route("/", errors=(422,), response_example=EXAMPLES["stats"])
async def read_stats(
    ctx: ContextDependency,
    caller: CallerDependency,
    window: Window = "24h",
    organization_id: OrganizationId = None,
) -> Stats:
    """Get the attempts and deliveries of the window.

    The window starts at a full minute, or at a full quarter of an hour if it is longer than three
    hours; `since` is that time.
    """
    return await stats.stats(
        ctx, await organization_filter(ctx, caller, organization_id), parse_window(window)
    )


@get_route("/series", errors=(422,), response_example=EXAMPLES["series"])
async def read_series(
    ctx: ContextDependency,
    caller: CallerDependency,
    window: Window = "24h",
    points: Annotated[
        int,
        QueryParameter(
            ge=1, le=MAX_POINTS, description="The number of equal steps to divide the window into."
        ),
    ] = 48,
    webhook_id: Annotated[
        UUID | None, QueryParameter(description="The webhook, which may have been deleted.")
    ] = None,
    organization_id: OrganizationId = None,
) -> Series:
    """Count the attempts that ended in each step of the window by class, oldest first.

    A step is a multiple of a minute, or of a quarter of an hour if the window is longer than three
    hours. There may be one step more than `points`, or fewer if steps would be shorter than that.
    """
    return await stats.series(
        ctx,
        organization=await organization_filter(ctx, caller, organization_id),
        webhook=webhook_id,
        span=parse_window(window),
        points=points,
    )


def stats_router() -> Router:
    """The router of this resource."""
    return Router(path="/stats", tags=["Stats"], route_handlers=[read_stats, read_series])


@get_route("/health", errors=(422,), response_example=EXAMPLES["health"])
async def read_health(ctx: ContextDependency, webhook_ids: WebhookIds) -> HealthList:
    """Get the health of webhooks: backlog, circuit and the attempts of the last 24 hours.

    `health` is `circuit_open` while the receiver is only probed, `failing` after three failed
    attempts in a row or if fewer than half of the last 15 minutes' attempts (of at least ten) were
    accepted, `degraded` if the last attempt failed, deliveries are held, fewer than 95 % were
    accepted, or the circuit is closing; otherwise `healthy`, or the state `paused` or `disabled`.

    In the order of `webhook_id`; webhooks that do not exist are left out.
    """
    return HealthList(await stats.health_of(ctx, webhook_ids))


@get_route("/worst", errors=(422,), response_example=EXAMPLES["failing_webhooks"])
async def list_worst(
    ctx: ContextDependency,
    caller: CallerDependency,
    window: Window = "1h",
    organization_id: OrganizationId = None,
    limit: Limit = 10,
) -> FailingWebhooks:
    """List the webhooks that fail or have held, retrying or dead deliveries, worst first.

    Dead deliveries count if they were created in the window; held and retrying ones always count.
    """
    worst = await stats.worst_webhooks(
        ctx,
        organization=await organization_filter(ctx, caller, organization_id),
        span=parse_window(window),
        limit=limit,
    )
    return FailingWebhooks(worst)


def health_router() -> Router:
    """The router of this resource."""
    return Router(path="/webhooks", tags=["Webhooks"], route_handlers=[read_health, list_worst])


@public_route(
    "/metrics",
    response_example=_EXAMPLE,
    media_type="text/plain",
    tags=["Service"],
    summary="Gauges and counters for Prometheus",
)
async def metrics(state: State) -> Response[bytes]:
    """Get metrics without authentication: let only Prometheus reach it. 200 without a database."""
    metrics: Metrics = state.metrics
    return Response(await metrics.text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


@get_route("/system", scope="admin", response_example=EXAMPLES["system"], operators_only=True)
async def read_system(ctx: ContextDependency, state: State) -> System:
    """Get versions, migrations, workers, capture gaps, and settings with masked secrets.

    Requires an operator key.
    """
    server_ctx: ServerContext = state.server_ctx
    return await installation.system(ctx, server_ctx.settings, server_ctx.ctx.standby)


@get_route("/workers", response_example=EXAMPLES["workers"])
async def list_workers(ctx: ContextDependency) -> Workers:
    """List worker processes with their heartbeats. Only operator keys see host and process id."""
    return Workers(await installation.workers(ctx))


def system_router() -> Router:
    """The router of this resource."""
    return Router(path="/", tags=["System"], route_handlers=[read_system, list_workers])


@public_route(
    "/livez",
    response_example={"status": "alive"},
    sync_to_thread=False,
    tags=["Service"],
    summary="Liveness probe",
)
def livez() -> dict[str, str]:
    """Return 200 while the process runs."""
    return {"status": "alive"}


@public_route(
    "/readyz",
    response_example={"status": "ready"},
    errors=(503,),
    tags=["Service"],
    summary="Readiness probe",
)
async def readyz(state: State) -> Response[dict[str, str]]:
    """Return 200 if the database is reachable and migrated, else 503 with the reason."""
    readiness: Readiness = state.readiness
    reason = await readiness.reason()
    return Response({"status": "ready"}) if reason is None else _unready(reason)


def _unready(reason: str) -> Response[Any]:
    return problem(503, reason, headers={"Retry-After": "1"})
