"""The event that a test or a preview is made with: captured, or made up."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET, Raw, UnsetType

from rowhook import postgres
from rowhook.compose import Webhook
from rowhook.delivery import Event
from rowhook.operations.identify import agent_id
from rowhook.operations.ctx import NotFound, ServiceContext
from rowhook.operations.paging import LARGEST_ID
from rowhook.operations.sample import Sample, texts_of

# What the capture keeps of a completion: more is never sent.
_MOST_BYTES = 1 << 20


class Drawn(NamedTuple):
    """An event, whose it is, and the database's time at which it would be sent."""

    event: Event
    agent: UUID | None
    goal: str | None
    moment: datetime


async def drawn(ctx: ServiceContext, sample: Sample, compiled: Webhook, schema: object) -> Drawn:
    """The sample's event. Raises NotFound for another organization's event, agent or goal."""
    if sample.event_id is not None:
        return await _captured(ctx, sample, sample.event_id, compiled.organization_id)
    return await _made_up(ctx, sample, compiled, schema)


async def _captured(ctx: ServiceContext, sample: Sample, wanted: int, owner: UUID) -> Drawn:
    known = 0 < wanted <= LARGEST_ID
    found = await postgres.sample_event(ctx.pool, owner, wanted) if known else None
    if found is None:
        raise NotFound(f"event {wanted} does not exist")
    data, context = _given(sample.data, found.data), _given(sample.context, found.context)
    replaced = sample.data is not UNSET and sample.context is not UNSET
    oversize = _oversize(data, context) if replaced else found.oversize_bytes
    event = Event(
        id=found.id,
        type=found.type,
        key=found.key,
        organization_id=owner,
        occurred_at=found.occurred_at,
        snapshot=found.snapshot,
        data=data,
        context=context,
        oversize_bytes=oversize or _oversize(data, context),
    )
    return Drawn(_kept(event), found.agent_id, found.goal_id, found.moment)


def _given(given: Raw | UnsetType, otherwise: str | None) -> str | None:
    return bytes(given).decode() if isinstance(given, Raw) else otherwise


async def _made_up(ctx: ServiceContext, sample: Sample, compiled: Webhook, schema: object) -> Drawn:
    owner = compiled.organization_id
    agent = None if sample.agent_id is None else await agent_id(ctx, sample.agent_id, owner)
    if sample.goal_id is None:
        found = await postgres.sample_job(ctx.pool, owner, agent)
    else:
        found = await postgres.sample_commit(ctx.pool, owner, sample.goal_id)
    if found is None:
        what = f"agent {sample.agent_id}" if sample.goal_id is None else f"goal {sample.goal_id}"
        raise NotFound(f"{what} does not exist")
    data, context = await asyncio.to_thread(texts_of, sample, compiled, schema)
    event = Event(
        id=0,
        type="webhook.test",
        key=f"test_{uuid4()}",
        organization_id=owner,
        occurred_at=found.moment,
        snapshot=found.snapshot,
        data=data,
        context=context,
        oversize_bytes=_oversize(data, context),
    )
    return Drawn(_kept(event), agent, sample.goal_id, found.moment)


def _oversize(data: str | None, context: str | None) -> int | None:
    bytes_ = len((data or "").encode()) + len((context or "").encode())
    return bytes_ if bytes_ > _MOST_BYTES else None


def _kept(event: Event) -> Event:
    """As the capture keeps it: without data and context where they are too large."""
    if event.oversize_bytes is None:
        return event
    return msgspec.structs.replace(event, data=None, context=None)
