"""The sample event of a test or a preview: captured or generated."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET, Raw, UnsetType

from rowhook.db import preview_queries
from rowhook.model import MAX_EVENT_BYTES, Event
from rowhook.render.webhook_compiler import Webhook
from rowhook.services.context import NotFound, ServiceContext
from rowhook.services.lookups import agent_id
from rowhook.services.paging import LARGEST_ID
from rowhook.services.sample_data import Sample, texts_of


class SampleEvent(NamedTuple):
    """An event with its agent or goal, and the database time of the send."""

    event: Event
    agent: UUID | None
    goal: str | None
    moment: datetime


async def sample_event(
    ctx: ServiceContext, sample: Sample, compiled: Webhook, schema: object
) -> SampleEvent:
    """Returns the event of a sample. Raises NotFound if event, agent or goal do not exist."""
    if sample.event_id is not None:
        return await _captured(ctx, sample, sample.event_id, compiled.organization_id)
    return await _generated(ctx, sample, compiled, schema)


async def _captured(ctx: ServiceContext, sample: Sample, event_id: int, owner: UUID) -> SampleEvent:
    is_valid = 0 < event_id <= LARGEST_ID
    row = await preview_queries.sample_event(ctx.pool, owner, event_id) if is_valid else None
    if row is None:
        raise NotFound(f"Event {event_id} does not exist.")
    data, context = _text_or(sample.data, row.data), _text_or(sample.context, row.context)
    is_replaced = sample.data is not UNSET and sample.context is not UNSET
    oversize = _oversize(data, context) if is_replaced else row.oversize_bytes
    event = Event(
        id=row.id,
        type=row.type,
        key=row.key,
        organization_id=owner,
        occurred_at=row.occurred_at,
        snapshot=row.snapshot,
        data=data,
        context=context,
        oversize_bytes=oversize or _oversize(data, context),
    )
    return SampleEvent(_without_oversize(event), row.agent_id, row.goal_id, row.moment)


def _text_or(value: Raw | UnsetType, default: str | None) -> str | None:
    return bytes(value).decode() if isinstance(value, Raw) else default


async def _generated(
    ctx: ServiceContext, sample: Sample, compiled: Webhook, schema: object
) -> SampleEvent:
    owner = compiled.organization_id
    agent = None if sample.agent_id is None else await agent_id(ctx, sample.agent_id, owner)
    if sample.goal_id is None:
        row = await preview_queries.sample_job(ctx.pool, owner, agent)
    else:
        row = await preview_queries.sample_commit(ctx.pool, owner, sample.goal_id)
    if row is None:
        name = f"Agent {sample.agent_id}" if sample.goal_id is None else f"Goal {sample.goal_id}"
        raise NotFound(f"{name} does not exist.")
    data, context = await asyncio.to_thread(texts_of, sample, compiled, schema)
    event = Event(
        id=0,
        type="webhook.test",
        key=f"test_{uuid4()}",
        organization_id=owner,
        occurred_at=row.moment,
        snapshot=row.snapshot,
        data=data,
        context=context,
        oversize_bytes=_oversize(data, context),
    )
    return SampleEvent(_without_oversize(event), agent, sample.goal_id, row.moment)


def _oversize(data: str | None, context: str | None) -> int | None:
    bytes_ = len((data or "").encode()) + len((context or "").encode())
    return bytes_ if bytes_ > MAX_EVENT_BYTES else None


def _without_oversize(event: Event) -> Event:
    """Drops data and context if they exceed the limit, as the capture does."""
    if event.oversize_bytes is None:
        return event
    return msgspec.structs.replace(event, data=None, context=None)
