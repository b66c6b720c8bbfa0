"""Deliveries: `/v1/deliveries`."""

from __future__ import annotations

from typing import Annotated, get_args
from uuid import UUID

import msgspec
from litestar import Router
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation
from msgspec import Meta, Struct

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import deliveries as examples
from rowhook.api.parameters import ContextDependency, Cursor, Limit, OrganizationId, TheCaller
from rowhook.api.route import acts, reads
from rowhook.api.window import TIME, Moment, moment
from rowhook.operations.deliveries import MAX_RATE, MIN_RATE, REPLAYED
from rowhook.operations.documents import (
    Count,
    Deliveries,
    DeliveryCounts,
    DeliveryWithAttempts,
    EventType,
    Replayable,
    Status,
)
from rowhook.postgres import DeliveryFilter


class Replay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to send again: what was created in [since, until). `rate` is deliveries a second."""

    webhook_id: UUID
    since: Moment
    until: Moment | None = None
    statuses: Annotated[list[Replayable], Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: list(REPLAYED)
    )
    dry_run: bool = False
    rate: Annotated[float, Meta(ge=MIN_RATE, le=MAX_RATE)] | None = None


async def _wanted(
    ctx: ContextDependency,
    caller: TheCaller,
    status: Annotated[
        list[Status] | None,
        QueryParameter(description="May be repeated: `?status=dead&status=held`."),
    ] = None,
    webhook_id: Annotated[
        UUID | None, QueryParameter(description="To this webhook, deleted or not.")
    ] = None,
    job_id: Annotated[
        str | None,
        QueryParameter(
            max_length=1000, description="Of this job: its id as the platform writes it."
        ),
    ] = None,
    commit_id: Annotated[
        str | None, QueryParameter(max_length=1000, description="Of this commit.")
    ] = None,
    event_type: Annotated[EventType | None, QueryParameter(description="Of such an event.")] = None,
    status_code: Annotated[
        int | None, QueryParameter(ge=100, le=999, description="What answered the last attempt.")
    ] = None,
    since: Annotated[
        str | None,
        QueryParameter(
            description="Created then or later: RFC 3339, with Z or an offset.", schema_extra=TIME
        ),
    ] = None,
    until: Annotated[
        str | None,
        QueryParameter(
            description="Created before: RFC 3339, with Z or an offset.", schema_extra=TIME
        ),
    ] = None,
    organization_id: OrganizationId = None,
) -> DeliveryFilter:
    """The filters of a list. Raises Rejected, NotFound."""
    return DeliveryFilter(
        organization=await among(ctx, caller, organization_id),
        webhook=webhook_id,
        job=job_id,
        statuses=tuple(status or get_args(Status)),
        commit=commit_id,
        event_type=event_type,
        status_code=status_code,
        since=moment("/since", since),
        until=moment("/until", until),
    )


@reads(
    "/",
    refuses=(422,),
    gets=examples.DELIVERIES,
    dependencies={"wanted": Provide(_wanted)},
)
async def list_deliveries(
    wanted: NamedDependency[SkipValidation[DeliveryFilter]],
    ctx: ContextDependency,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Deliveries:
    """Deliveries, newest first. Those that are made meanwhile move none to another page."""
    return await operations.list_deliveries(ctx, wanted, cursor=cursor, limit=limit)


@reads(
    "/count",
    refuses=(422,),
    gets=examples.TALLY,
    dependencies={"wanted": Provide(_wanted)},
)
async def count_deliveries(
    wanted: NamedDependency[SkipValidation[DeliveryFilter]], ctx: ContextDependency
) -> DeliveryCounts:
    """How many deliveries, by status. Of one status no more than 10,000 are looked at.

    If there may be more, `capped` is true and the figures are the least that there are.
    """
    return await operations.count_deliveries(ctx, wanted)


@reads("/{delivery_id:int}", gets=examples.DELIVERY_WITH_ATTEMPTS)
async def read_delivery(delivery_id: FromPath[int], ctx: ContextDependency) -> DeliveryWithAttempts:
    """One delivery with its attempts: what was sent, secrets redacted, and what answered."""
    return await operations.delivery_of(ctx, delivery_id)


@acts("/{delivery_id:int}/retry", scope="replay", refuses=(409,), gets=examples.SENT_AGAIN)
async def retry_delivery(
    delivery_id: FromPath[int], ctx: ContextDependency
) -> DeliveryWithAttempts:
    """Sends it again now, with a fresh schedule and the same key. 409 while it is being sent."""
    return await operations.retry_one(ctx, delivery_id)


@acts("/{delivery_id:int}/cancel", scope="replay", refuses=(409,), gets=examples.CANCELLED)
async def cancel_delivery(
    delivery_id: FromPath[int], ctx: ContextDependency
) -> DeliveryWithAttempts:
    """Stops one that waits or is being sent. 409 if it has ended."""
    return await operations.cancel_one(ctx, delivery_id)


@acts("/replay", scope="replay", body=Replay, sends=examples.REPLAY, gets=examples.COUNT)
async def replay_deliveries(data: JSONBody[Replay], ctx: ContextDependency) -> Count:
    """Sends again what a webhook missed; how many. `dry_run` counts, and sends nothing."""
    return await operations.replay(
        ctx,
        data.webhook_id,
        data.since,
        until=data.until,
        statuses=data.statuses,
        dry_run=data.dry_run,
        rate=data.rate,
    )


def router() -> Router:
    """All calls of this noun."""
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
