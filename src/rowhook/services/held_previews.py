"""Previews the held deliveries of a webhook, with its current or a changed configuration."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET

from rowhook.db import list_queries
from rowhook.db.list_queries import DeliveryFilter
from rowhook.model import Outcome
from rowhook.render.configuration import Fault
from rowhook.render.webhook_compiler import Webhook as Compiled
from rowhook.services import paging
from rowhook.services.context import KeyringContext, NotFound
from rowhook.services.deliveries import Delivery
from rowhook.services.lookups import webhook_owner
from rowhook.services.previews import (
    Preview,
    preview_of,
    preview_of_outcome,
    with_placeholder_secrets,
    with_secrets,
)
from rowhook.services.sample_data import Sample
from rowhook.services.sample_event import sample_event
from rowhook.services.webhook_checks import WebhookPatch, check_webhook, configuration_of, merged
from rowhook.services.webhook_documents import Webhook
from rowhook.services.webhooks import webhook_of


class HeldPreview(Preview, frozen=True, kw_only=True):
    """The preview of a held delivery."""

    delivery_id: int
    event_id: int


class HeldPreviews(msgspec.Struct, frozen=True):
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
