"""The held deliveries of a webhook: groups by fault, the release of a group, and previews."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from rowhook.db import list_queries
from rowhook.db.list_queries import DeliveryFilter
from rowhook.model import Outcome
from rowhook.render.configuration import Fault
from rowhook.render.webhook_compiler import Webhook as Compiled
from rowhook.services import paging
from rowhook.services.context import KeyringContext, NotFound, ServiceContext
from rowhook.services.deliveries import Deliveries, Delivery, list_deliveries, retry
from rowhook.services.lookups import webhook_owner
from rowhook.services.previews import (
    Preview,
    preview_of,
    preview_of_outcome,
    with_placeholder_secrets,
    with_secrets,
)
from rowhook.services.sample_data import Sample, sample_event
from rowhook.services.webhook_checks import check_webhook
from rowhook.services.webhook_documents import (
    Webhook,
    WebhookPatch,
    configuration_of,
    merged,
)
from rowhook.services.webhooks import webhook_of

MAX_READ = 1_000
_MAX_PAGES = 10
MAX_RELEASED = MAX_READ * _MAX_PAGES
# A violation of the schema begins with its pointer; a body may have several.
_NEXT_VIOLATION = re.compile(r" (?=/\S*: )")
_INDEX = re.compile(r"(?<=/)\d+(?=[/:])")
_NUMBER = re.compile(r"(?<![\w.\[])-?\d[\d.,]*")


class FaultGroup(Struct, frozen=True, kw_only=True):
    """Held deliveries of one webhook with the same fault, newest first.

    `error` is that of the newest of them, as it was recorded.
    """

    key: str
    error: str
    deliveries: list[Delivery]

    @property
    def example(self) -> Delivery:
        """The newest delivery."""
        return self.deliveries[0]

    @property
    def oldest_at(self) -> datetime:
        """The time at which the oldest delivery was created."""
        return self.deliveries[-1].created_at


class HeldGroups(Struct, frozen=True, kw_only=True):
    """Groups of the newest held deliveries of a webhook, the largest first.

    `are_all` is whether no older delivery is held.
    """

    groups: list[FaultGroup]
    deliveries: list[Delivery]
    are_all: bool

    def find(self, key: str | None) -> FaultGroup | None:
        """The group with this key."""
        return next((group for group in self.groups if group.key == key), None)


class ReleasedGroup(Struct, frozen=True, kw_only=True):
    """The number of released deliveries, and where to continue if not all were read."""

    deliveries: int
    next_cursor: str | None


def fault_kind(error: str | None) -> str:
    """Returns the part of an error that other deliveries can share.

    Indexes in pointers, and numbers such as the length of a list, are those of one delivery.
    """
    violations = {_kind(part) for part in _NEXT_VIOLATION.split(error or "")}
    return "\n".join(sorted(violations))


def _kind(error: str) -> str:
    if not error.startswith("/"):
        return _NUMBER.sub("#", error)
    pointer, _, message = error.partition(": ")
    return f"{_INDEX.sub('*', pointer + ':')} {message}"


def group_key(error: str | None) -> str:
    """Returns the key of an error's group, for an address."""
    return hashlib.sha256(fault_kind(error).encode()).hexdigest()[:12]


async def held_groups(ctx: ServiceContext, webhook: UUID, most: int = MAX_READ) -> HeldGroups:
    """Groups the newest held deliveries of a webhook; reads at most `most` of them."""
    page = await _held_page(ctx, webhook, None, most)
    by_key: dict[str, list[Delivery]] = {}
    for held in page.items:
        by_key.setdefault(group_key(held.last_error), []).append(held)
    groups = [
        FaultGroup(key=key, error=members[0].last_error or "", deliveries=members)
        for key, members in by_key.items()
    ]
    groups.sort(key=lambda group: -len(group.deliveries))
    return HeldGroups(groups=groups, deliveries=page.items, are_all=page.next_cursor is None)


async def release_group(
    ctx: ServiceContext, webhook: UUID, key: str, cursor: str | None = None
) -> ReleasedGroup:
    """Retries the held deliveries of a group, with the current revision; the others stay held.

    Reads at most MAX_RELEASED held deliveries, from `cursor` on. Raises Rejected for a cursor of
    another list.
    """
    released = 0
    for _ in range(_MAX_PAGES):
        page = await _held_page(ctx, webhook, cursor, MAX_READ)
        if ids := list(_members(page, key)):
            released += (await retry(ctx, ids)).deliveries
        cursor = page.next_cursor
        if cursor is None:
            break
    return ReleasedGroup(deliveries=released, next_cursor=cursor)


def _members(page: Deliveries, key: str) -> Iterator[int]:
    return (held.id for held in page.items if group_key(held.last_error) == key)


async def _held_page(
    ctx: ServiceContext, webhook: UUID, cursor: str | None, limit: int
) -> Deliveries:
    held = DeliveryFilter(webhook=webhook, statuses=("held",))
    return await list_deliveries(ctx, held, cursor=cursor, limit=limit)


class HeldPreview(Preview, frozen=True, kw_only=True):
    """The preview of a held delivery."""

    delivery_id: int
    event_id: int


class HeldPreviews(Struct, frozen=True):
    """Previews of held deliveries, newest first."""

    items: list[HeldPreview]


async def preview_held(
    ctx: KeyringContext,
    webhook: UUID,
    *,
    draft: WebhookPatch | None = None,
    faults: tuple[Fault, ...] = (),
    limit: int = 50,
) -> HeldPreviews:
    """Renders the held deliveries of a webhook without sending or storing anything.

    No secret is decrypted for a draft with changes. Raises NotFound, and Rejected with all faults
    of the draft.
    """
    filters = DeliveryFilter(webhook=webhook, statuses=("held",))
    held = paging.read(await list_queries.delivery_page(ctx.pool, filters, None, limit), Delivery)
    return await preview_deliveries(ctx, webhook, held, draft=draft, faults=faults)


async def preview_deliveries(
    ctx: KeyringContext,
    webhook: UUID,
    deliveries: Sequence[Delivery],
    *,
    draft: WebhookPatch | None = None,
    faults: tuple[Fault, ...] = (),
) -> HeldPreviews:
    """Renders these deliveries of a webhook, as `preview_held` does. Raises its errors."""
    present = await webhook_of(ctx, webhook)
    compiled = await _compiled(ctx, present, draft, faults)
    previews = [await _preview(ctx, compiled, delivery) for delivery in deliveries]
    return HeldPreviews([preview for preview in previews if preview is not None])


async def _compiled(
    ctx: KeyringContext, present: Webhook, draft: WebhookPatch | None, faults: tuple[Fault, ...]
) -> Compiled | Outcome:
    if draft is None or not (faults or _changes(draft)):
        return await with_secrets(ctx, present)
    configuration = merged(configuration_of(present), draft)
    owner = await webhook_owner(ctx, present.id)
    checked = await check_webhook(ctx, owner, configuration, faults)
    return await with_placeholder_secrets(ctx, checked)


def _changes(draft: WebhookPatch) -> bool:
    return any(value is not UNSET for value in msgspec.structs.astuple(draft))


async def _preview(
    ctx: KeyringContext, compiled: Compiled | Outcome, held: Delivery
) -> HeldPreview | None:
    """Returns the preview of a delivery; None if its event was removed in the meantime."""
    if isinstance(compiled, Outcome):
        preview = preview_of_outcome(compiled)
    else:
        try:
            event = await sample_event(ctx, Sample(event_id=held.event_id), compiled, None)
        except NotFound:
            return None
        preview = await preview_of(ctx, compiled, event)
    return HeldPreview(
        delivery_id=held.id, event_id=held.event_id, **msgspec.structs.asdict(preview)
    )
