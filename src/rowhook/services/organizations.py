"""Quotas of an organization, and the export and erasure of its data."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from rowhook.db import organization_queries
from rowhook.db.list_queries import DeliveryFilter
from rowhook.model import EVENT_TYPES
from rowhook.render.configuration import Fault
from rowhook.services import access, alerts, deliveries, events, links, secrets, webhooks
from rowhook.services.configuration_file import name_of
from rowhook.services.context import Conflict, NotFound, Rejected, ServiceContext
from rowhook.services.lookups import Organization
from rowhook.services.paging import every_item

_PAGE = 200
_PATIENCE_S = 60.0
_PAUSE_S = 0.1
_Pages = Callable[[str | None], Awaitable[Any]]


class Quota(Struct, frozen=True, kw_only=True):
    """The quotas of an organization; null means no limit.

    `webhooks` is how many it may have. Deliveries over `deliveries_per_s` wait, and when their
    events had `bytes_per_day` bytes, further ones wait for the next day in UTC; none is lost.
    """

    webhooks: int | None = None
    deliveries_per_s: float | None = None
    bytes_per_day: int | None = None


class Usage(Struct, frozen=True, kw_only=True):
    """The usage of an organization within its quotas.

    `bytes_today` counts the data and context of the events whose deliveries were started today, in
    UTC, each time; null without a quota of bytes. If it is used up, deliveries wait until
    `bytes_resume_at`.
    """

    webhooks: int
    bytes_today: int | None = None
    bytes_resume_at: datetime | None = None


class OrganizationDetails(Organization, frozen=True):
    """An organization with its quotas and their usage."""

    quota: Quota
    usage: Usage


class QuotaPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The quotas to change; null removes a limit."""

    webhooks: Annotated[int, Meta(ge=0, le=1000000)] | UnsetType | None = UNSET
    deliveries_per_s: Annotated[float, Meta(gt=0, le=1000000)] | UnsetType | None = UNSET
    bytes_per_day: Annotated[int, Meta(ge=1, le=1000000000000000)] | UnsetType | None = UNSET


class OrganizationPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A merge patch (RFC 7396) of an organization. Its name is the platform's."""

    quota: QuotaPatch


class Erasure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The confirmation of an erasure: the organization's id, as the platform writes it."""

    confirm: str


class Erased(Struct, frozen=True, kw_only=True):
    """How many rows of each kind were erased."""

    links: int = 0
    webhooks: int = 0
    secrets: int = 0
    api_keys: int = 0
    events: int = 0
    deliveries: int = 0
    attempts: int = 0


async def organization_of(ctx: ServiceContext, organization: UUID) -> OrganizationDetails:
    """Reads an organization. Raises NotFound."""
    document = await organization_queries.organization_details(ctx.pool, organization)
    if document is None:
        raise NotFound(f"Organization {organization} does not exist.")
    return msgspec.json.decode(document, type=OrganizationDetails)


async def set_quotas(
    ctx: ServiceContext, organization: UUID, patch: QuotaPatch
) -> OrganizationDetails:
    """Changes quotas. Webhooks that exist stay, even if they are more. Raises NotFound."""
    await organization_of(ctx, organization)
    changes = msgspec.json.encode(patch).decode()
    await organization_queries.set_quotas(ctx.pool, organization, changes)
    return await organization_of(ctx, organization)


async def export(ctx: ServiceContext, organization: UUID) -> AsyncIterator[bytes]:
    """Yields all data of an organization as JSON lines, each with its `kind`.

    Secrets, signing secrets and keys have no values. The audit records the export. Raises NotFound
    before the first line.
    """
    details = await organization_of(ctx, organization)
    await organization_queries.note_export(ctx.pool, organization)
    yield _line("organization", details)
    yield _line("alert_thresholds", await alerts.alert_thresholds(ctx, organization))
    async for webhook in every_item(
        lambda cursor: webhooks.list_webhooks(
            ctx, organization=organization, cursor=cursor, limit=_PAGE
        )
    ):
        yield _line("webhook", webhook)
        for link in (await links.links_of(ctx, webhook.id)).items:
            yield _line("link", {"webhook_id": webhook.id, "target": link})
    listings: tuple[tuple[str, _Pages], ...] = (
        (
            "secret",
            lambda cursor: secrets.list_secrets(ctx, organization, cursor=cursor, limit=_PAGE),
        ),
        ("api_key", lambda cursor: access.list_keys(ctx, organization, cursor=cursor, limit=_PAGE)),
        (
            "delivery",
            lambda cursor: deliveries.list_deliveries(
                ctx, DeliveryFilter(organization=organization), cursor=cursor, limit=_PAGE
            ),
        ),
        ("audit", lambda cursor: access.list_audit(ctx, organization, cursor=cursor, limit=_PAGE)),
    )
    async for event in _events(ctx, organization):
        yield _line("event", event)
    for kind, listing in listings:
        async for item in every_item(listing):
            entry = await deliveries.delivery_of(ctx, item.id) if kind == "delivery" else item
            yield _line(kind, entry)


async def _events(ctx: ServiceContext, organization: UUID) -> AsyncIterator[events.Event]:
    after = None
    while True:
        page = await events.list_events(
            ctx, organization, types=EVENT_TYPES, after=after, limit=_PAGE
        )
        for event in page.items:
            yield event
        if not page.items:
            return
        after = page.next_cursor


def _line(kind: str, entry: Any) -> bytes:
    return msgspec.json.encode({"kind": kind, kind: entry}) + b"\n"


async def erase(ctx: ServiceContext, organization: UUID, confirmation: str) -> Erased:
    """Erases Rowhook's data about an organization; the platform's tables are unchanged.

    It is made of transactions of 1,000 events, and can be repeated. Raises NotFound, Rejected
    without the right confirmation, and Conflict while other transactions lock its deliveries.
    """
    stored = await organization_of(ctx, organization)
    if confirmation != name_of(stored):
        message = f"Write the id of the organization to erase, {name_of(stored)}."
        raise Rejected(Fault(pointer="/confirm", message=message))
    erased = Counter(await organization_queries.erase_configuration(ctx.pool, organization))
    waited_s = 0.0
    while await organization_queries.has_events(ctx.pool, organization):
        batch = await organization_queries.erase_batch(ctx.pool, organization)
        erased.update(batch)
        if batch["events"]:
            waited_s = 0.0
            continue
        if waited_s >= _PATIENCE_S:
            raise Conflict("Deliveries of the organization are locked. Repeat the call later.")
        await asyncio.sleep(_PAUSE_S)
        waited_s += _PAUSE_S
    counts = Erased(**erased)
    await organization_queries.end_erasure(
        ctx.pool, organization, msgspec.json.encode(counts).decode()
    )
    return counts
