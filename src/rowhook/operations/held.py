"""What the held deliveries of a webhook would become, as it is now or as it would be changed."""

from __future__ import annotations

from uuid import UUID

import msgspec
from msgspec import UNSET

from rowhook import postgres
from rowhook.compose import Fault
from rowhook.compose import Webhook as Compiled
from rowhook.delivery import Outcome
from rowhook.operations import paging
from rowhook.operations.check import check_webhook
from rowhook.operations.documents import Delivery, Webhook
from rowhook.operations.drawn import drawn
from rowhook.operations.identify import webhook_owner
from rowhook.operations.ctx import NotFound, KeyringContext
from rowhook.operations.patch import WebhookPatch, configuration_of, merged
from rowhook.operations.preview import Preview, preview_of, preview_of_stopped
from rowhook.operations.rendering import opened, with_stand_ins
from rowhook.operations.sample import Sample
from rowhook.operations.webhooks import webhook_of


class HeldPreview(Preview, frozen=True, kw_only=True):
    """The preview of one held delivery's event."""

    delivery_id: int
    event_id: int


class HeldPreviews(msgspec.Struct, frozen=True):
    """Held deliveries, newest first, each as it would be sent."""

    items: list[HeldPreview]


async def preview_held(
    ctx: KeyringContext,
    webhook: UUID,
    *,
    draft: WebhookPatch | None = None,
    faults: tuple[Fault, ...] = (),
    limit: int = 50,
) -> HeldPreviews:
    """Renders each held delivery's event; sends nothing, writes nothing.

    With a draft that changes something no secret is opened. Raises Rejected with every fault of
    it, NotFound.
    """
    present = await webhook_of(ctx, webhook)
    compiled = await _compiled(ctx, present, draft, faults)
    wanted = postgres.DeliveryFilter(webhook=webhook, statuses=("held",))
    held = paging.read(await postgres.delivery_page(ctx.pool, wanted, None, limit), Delivery)
    found = [await _previewed(ctx, compiled, one) for one in held]
    return HeldPreviews([one for one in found if one is not None])


async def _compiled(
    ctx: KeyringContext, present: Webhook, draft: WebhookPatch | None, faults: tuple[Fault, ...]
) -> Compiled | Outcome:
    if draft is None or not (faults or _changes(draft)):
        return await opened(ctx, present)
    given = merged(configuration_of(present), draft)
    owner = await webhook_owner(ctx, present.id)
    checked = await check_webhook(ctx, owner, given, faults)
    return await with_stand_ins(ctx, checked)


def _changes(draft: WebhookPatch) -> bool:
    return any(value is not UNSET for value in msgspec.structs.astuple(draft))


async def _previewed(
    ctx: KeyringContext, compiled: Compiled | Outcome, held: Delivery
) -> HeldPreview | None:
    """Its preview; None if its event was removed meanwhile."""
    if isinstance(compiled, Outcome):
        preview = preview_of_stopped(compiled)
    else:
        try:
            event = await drawn(ctx, Sample(event_id=held.event_id), compiled, None)
        except NotFound:
            return None
        preview = await preview_of(ctx, compiled, event)
    return HeldPreview(
        delivery_id=held.id, event_id=held.event_id, **msgspec.structs.asdict(preview)
    )
