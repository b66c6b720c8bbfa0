"""Events and their deliveries: `/v1/events` and `/v1/deliveries`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Router
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation
from msgspec import Meta, Struct

from rowhook.api.auth import organization_filter
from rowhook.api.parameters import (
    TIME,
    AgentId,
    CallerDependency,
    ContextDependency,
    Cursor,
    Limit,
    OrganizationId,
    Timestamp,
    parse_timestamp,
)
from rowhook.api.routing import EXAMPLES, action_route, get_route
from rowhook.db.list_queries import DeliveryFilter
from rowhook.model import STATUSES, DeliveryStatus, EventType
from rowhook.services import deliveries, events, stats
from rowhook.services.deliveries import (
    MAX_RATE,
    MIN_RATE,
    REPLAYED,
    Count,
    Deliveries,
    DeliveryWithAttempts,
    Replayable,
)
from rowhook.services.events import Event, Events, RecentEvents
from rowhook.services.stats import DeliveryCounts


class Replay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Deliveries created in [since, until) to send again, at most `rate` per second."""

    webhook_id: UUID
    since: Timestamp
    until: Timestamp | None = None
    statuses: Annotated[list[Replayable], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(REPLAYED)
    )
    dry_run: bool = False
    rate: Annotated[float, Meta(ge=MIN_RATE, le=MAX_RATE)] | None = None


Statuses = Annotated[
    list[DeliveryStatus] | None,
    QueryParameter(description="May be repeated: `?status=dead&status=held`."),
]
WebhookId = Annotated[
    UUID | None, QueryParameter(description="The webhook, which may have been deleted.")
]
JobId = Annotated[
    str | None,
    QueryParameter(max_length=1000, description="The job's id, as the platform writes it."),
]
CommitId = Annotated[str | None, QueryParameter(max_length=1000, description="The commit's id.")]
TypeOfEvent = Annotated[EventType | None, QueryParameter(description="The type of the event.")]
StatusCode = Annotated[
    int | None,
    QueryParameter(ge=100, le=999, description="The HTTP status code of the last attempt."),
]
Since = Annotated[
    str | None,
    QueryParameter(
        description="Created at or after this time (RFC 3339, with Z or an offset).",
        schema_extra=TIME,
    ),
]
Until = Annotated[
    str | None,
    QueryParameter(
        description="Created before this time (RFC 3339, with Z or an offset).", schema_extra=TIME
    ),
]


async def _filter(
    ctx: ContextDependency,
    caller: CallerDependency,
    status: Statuses = None,
    webhook_id: WebhookId = None,
    job_id: JobId = None,
    commit_id: CommitId = None,
    event_type: TypeOfEvent = None,
    status_code: StatusCode = None,
    since: Since = None,
    until: Until = None,
    organization_id: OrganizationId = None,
) -> DeliveryFilter:
    """Parses the filters of a list. Raises Rejected and NotFound."""
    return DeliveryFilter(
        organization=await organization_filter(ctx, caller, organization_id),
        webhook=webhook_id,
        job=job_id,
        statuses=tuple(status or STATUSES),
        commit=commit_id,
        event_type=event_type,
        status_code=status_code,
        since=parse_timestamp("/since", since),
        until=parse_timestamp("/until", until),
    )


@get_route(
    "/",
    errors=(422,),
    response_example=EXAMPLES["deliveries"],
    dependencies={"delivery_filter": Provide(_filter)},
)
async def list_deliveries(
    delivery_filter: NamedDependency[SkipValidation[DeliveryFilter]],
    ctx: ContextDependency,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Deliveries:
    """List deliveries, newest first. Deliveries created in the meantime do not shift the pages."""
    return await deliveries.list_deliveries(ctx, delivery_filter, cursor=cursor, limit=limit)


@get_route(
    "/count",
    errors=(422,),
    response_example=EXAMPLES["delivery_counts"],
    dependencies={"delivery_filter": Provide(_filter)},
)
async def count_deliveries(
    delivery_filter: NamedDependency[SkipValidation[DeliveryFilter]], ctx: ContextDependency
) -> DeliveryCounts:
    """Count deliveries by status, at most 10,000 of each status.

    `capped` is true if there may be more; the counts are then minimums.
    """
    return await stats.count_deliveries(ctx, delivery_filter)


@get_route("/{delivery_id:int}", response_example=EXAMPLES["delivery_with_attempts"])
async def read_delivery(delivery_id: FromPath[int], ctx: ContextDependency) -> DeliveryWithAttempts:
    """Get one delivery with its attempts: requests (secrets redacted) and responses."""
    return await deliveries.delivery_of(ctx, delivery_id)


@action_route(
    "/{delivery_id:int}/retry",
    scope="replay",
    errors=(409,),
    response_example=EXAMPLES["retried_delivery"],
)
async def retry_delivery(
    delivery_id: FromPath[int], ctx: ContextDependency
) -> DeliveryWithAttempts:
    """Send a delivery again now, with a new schedule and the same key. 409 while it is sending."""
    return await deliveries.retry_one(ctx, delivery_id)


@action_route(
    "/{delivery_id:int}/cancel",
    scope="replay",
    errors=(409,),
    response_example=EXAMPLES["cancelled_delivery"],
)
async def cancel_delivery(
    delivery_id: FromPath[int], ctx: ContextDependency
) -> DeliveryWithAttempts:
    """Cancel a delivery that is waiting or being sent. 409 if it has finished."""
    return await deliveries.cancel_one(ctx, delivery_id)


@action_route(
    "/replay",
    scope="replay",
    body=Replay,
    request_example=EXAMPLES["replay"],
    response_example=EXAMPLES["count"],
)
async def replay_deliveries(data: JSONBody[Replay], ctx: ContextDependency) -> Count:
    """Send a webhook's deliveries again and return their number. `dry_run` only counts them."""
    return await deliveries.replay(
        ctx,
        data.webhook_id,
        data.since,
        until=data.until,
        statuses=data.statuses,
        dry_run=data.dry_run,
        rate=data.rate,
    )


def delivery_router() -> Router:
    """The router of this resource."""
    return Router(
        path="/deliveries",
        tags=["Deliveries"],
        route_handlers=[
            list_deliveries,
            count_deliveries,
            read_delivery,
            retry_delivery,
            cancel_delivery,
            replay_deliveries,
        ],
    )


@get_route("/", response_example=EXAMPLES["events"])
async def list_events(
    ctx: ContextDependency,
    caller: CallerDependency,
    after: Annotated[
        str | None,
        QueryParameter(max_length=200, description="`next_cursor` of the previous response."),
    ] = None,
    agent_id: AgentId = None,
    goal_id: Annotated[
        str | None, QueryParameter(max_length=1000, description="Only commits to this goal.")
    ] = None,
    event_type: Annotated[
        list[EventType] | None,
        QueryParameter(description="May be repeated. Default: events of jobs and commits."),
    ] = None,
    organization_id: OrganizationId = None,
    limit: Limit = 50,
) -> Events:
    """List events in commit order, oldest first. Poll with `next_cursor` for newer ones.

    No event is skipped or repeated. Events are held back while an older writing transaction is
    open, so that one that commits late still comes in order.
    """
    return await events.list_events(
        ctx,
        await organization_filter(ctx, caller, organization_id),
        agent=agent_id,
        goal=goal_id,
        types=tuple(event_type or ()),
        after=after,
        limit=limit,
    )


@get_route("/recent", response_example=EXAMPLES["recent_events"])
async def recent_events(
    ctx: ContextDependency,
    caller: CallerDependency,
    webhook_id: Annotated[
        UUID | None, QueryParameter(description="Only events of objects linked to this webhook.")
    ] = None,
    agent_id: AgentId = None,
    goal_id: Annotated[
        str | None, QueryParameter(max_length=1000, description="Only commits to this goal.")
    ] = None,
    organization_id: OrganizationId = None,
    limit: Limit = 20,
) -> RecentEvents:
    """List recent events of jobs and commits without their data, newest first, as samples."""
    organization = await organization_filter(ctx, caller, organization_id)
    return await events.recent_events(
        ctx,
        organization,
        webhook=webhook_id,
        agent=agent_id,
        goal=goal_id,
        limit=limit,
    )


@get_route("/{event_id:int}", response_example=EXAMPLES["events"]["items"][0])
async def read_event(event_id: FromPath[int], ctx: ContextDependency) -> Event:
    """Get one event with its data, as captured."""
    return await events.event_of(ctx, event_id)


def event_router() -> Router:
    """The router of this resource."""
    return Router(
        path="/events", tags=["Events"], route_handlers=[list_events, recent_events, read_event]
    )
