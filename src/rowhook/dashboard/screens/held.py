"""Held deliveries: why each was held, what a draft would make of all of them, and their release."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath
from litestar.response import Stream

from rowhook import operations, postgres
from rowhook.compose import Configuration, Fault
from rowhook.dashboard.editing.completions import completions
from rowhook.dashboard.editing.form import Fields, body_meant, draft_of, fields_of, with_ends_of
from rowhook.dashboard.editing.revised import changed_fields
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, fragment, go, page
from rowhook.dashboard.progress import Begun, begin, begun, so_far
from rowhook.dashboard.route import ContextDependency, TheStreams, does, lives, shows
from rowhook.dashboard.visit import Visitor
from rowhook.operations import HeldPreview, KeyringContext, WebhookPatch, read_with_faults
from rowhook.operations.documents import DeliveryCounts, Webhook
from rowhook.operations.patch import configuration_of

_PARTS = ("body_template", "schema", "condition", "url")
_SPAN = timedelta(hours=1)
_MOST_WEBHOOKS = 200
_EVERY_S = 1.0


class _Mending(msgspec.Struct, kw_only=True):
    """What the page shows: the form, what is wrong with it, and what held ones would become."""

    present: Webhook
    fields: Fields
    revision: int
    items: list[HeldPreview] = []
    faults: tuple[Fault, ...] = ()
    changes: dict[str, Any] = {}
    moved: bool = False
    is_draft: bool = False
    status: int = 200


@shows("/held")
async def held(request: Visitor, ctx: ContextDependency) -> Page:
    """Webhooks with held deliveries."""
    found = await operations.worst_webhooks(
        ctx,
        organization=request.auth.organization,
        span=_SPAN,
        limit=_MOST_WEBHOOKS,
        statuses=("held",),
    )
    return page(request, "held.html", webhooks=found)


@shows("/held/{webhook_id:uuid}", scope="write")
async def held_of(webhook_id: FromPath[UUID], request: Visitor, ctx: ContextDependency) -> Page:
    """What one webhook holds, as it would be sent now."""
    present = await operations.webhook_of(ctx, webhook_id)
    fields = fields_of(configuration_of(present))
    mending = _Mending(present=present, fields=fields, revision=present.revision)
    return await _mend(request, ctx, mending)


@does("/held/{webhook_id:uuid}/preview", scope="write")
async def preview(webhook_id: FromPath[UUID], request: Visitor, ctx: ContextDependency) -> Page:
    """The same under the draft: nothing is saved, no secret is opened."""
    form = await Given.form(request)
    mending, _, faults = await _typed(ctx, webhook_id, form)
    patch = read_with_faults(msgspec.json.encode(mending.changes), WebhookPatch)
    try:
        found = await operations.preview_held(
            ctx, webhook_id, draft=patch.document, faults=(*faults, *patch.faults)
        )
    except operations.Rejected as error:
        mending.faults, mending.status = error.faults, 422
        return await _mend(request, ctx, mending)
    mending.items, mending.is_draft = found.items, True
    return await _mend(request, ctx, mending)


@does("/held/{webhook_id:uuid}/save", scope="write")
async def save(
    webhook_id: FromPath[UUID], request: Visitor, ctx: ContextDependency
) -> Response[Any]:
    """Saves the draft as a new revision: what is held is tried again by itself."""
    mending, draft, faults = await _typed(ctx, webhook_id, await Given.form(request))
    others = postgres.DeliveryFilter(webhook=webhook_id, statuses=("pending", "sending"))
    mark, before = await begin(ctx, others)
    of = await _held(ctx, webhook_id)
    try:
        await operations.change_webhook(
            ctx, webhook_id, draft, expected_revision=mending.revision, faults=faults
        )
    except operations.Rejected as error:
        mending.faults, mending.status = error.faults, 422
        return await _mend(request, ctx, mending)
    except postgres.RevisionConflict:
        mending.revision, mending.moved, mending.status = mending.present.revision, True, 412
        return await _mend(request, ctx, mending)
    start = Begun(of=of, before=before, mark=mark)
    return go(f"/held/{webhook_id}/released?{start.address}")


async def _typed(
    ctx: KeyringContext, webhook: UUID, form: Given
) -> tuple[_Mending, Configuration, tuple[Fault, ...]]:
    """What the page shows again, the draft that was typed, and the faults of its reading."""
    present = await operations.webhook_of(ctx, webhook)
    typed = with_ends_of(configuration_of(present), {name: form.raw(name) for name in _PARTS})
    fields = fields_of(configuration_of(present)) | typed
    fields["body"] = body_meant(fields["body"], fields["body_template"])
    draft, faults = draft_of(fields)
    mending = _Mending(
        present=present,
        fields=fields,
        revision=form.whole("revision") or present.revision,
        changes=changed_fields(configuration_of(present), draft),
    )
    return mending, draft, faults


async def _mend(request: Visitor, ctx: KeyringContext, mending: _Mending) -> Page:
    present = mending.present
    if not mending.is_draft:
        mending.items = (await operations.preview_held(ctx, present.id)).items
    owner = await operations.webhook_owner(ctx, present.id)
    wrong = (*mending.faults, *dict.fromkeys(_spots(mending.items)))
    return page(
        request,
        "mend.html",
        status=mending.status,
        edit=mending,
        webhook=present,
        faults=wrong,
        fields=mending.fields,
        tally=await _tally(ctx, present.id),
        open=_at_fault(mending.items, mending.faults),
        completions=await completions(ctx, owner, present.id),
    )


def _spots(items: list[HeldPreview]) -> Iterator[Fault]:
    """What is wrong with the templates, where it stands in them."""
    for item in items:
        for one in item.faults:
            if one.at == "configuration":
                yield Fault(
                    pointer=one.pointer, message=one.message, line=one.line, column=one.column
                )


def _at_fault(items: list[HeldPreview], faults: tuple[Fault, ...]) -> set[str]:
    """The parts to mend: of a body that does not fit its schema either may be wrong."""
    found = {one.pointer.split("/")[1] for one in (*faults, *_spots(items)) if one.pointer}
    if any(one.at == "body" for item in items for one in item.faults):
        found |= {"body_template", "schema"}
    return found & set(_PARTS) or {"body_template"}


@shows("/held/{webhook_id:uuid}/released")
async def released(webhook_id: FromPath[UUID], request: Visitor, ctx: ContextDependency) -> Page:
    """How many of those that were held have gone."""
    present = await operations.webhook_of(ctx, webhook_id)
    shown = await _progress(request, ctx, webhook_id)
    return page(request, "released.html", webhook=present, **shown)


@lives("/live/held/{webhook_id:uuid}")
async def live(
    webhook_id: FromPath[UUID], request: Visitor, ctx: ContextDependency, streams: TheStreams
) -> Stream:
    """The same, as it goes on. Raises NotFound."""
    present = await operations.webhook_of(ctx, webhook_id)

    async def piece() -> str:
        shown = await _progress(request, ctx, webhook_id)
        return fragment(request, "_released.html", webhook=present, **shown)

    return streams.of("released", _EVERY_S, piece)


async def _held(ctx: KeyringContext, webhook: UUID) -> int:
    """All of them, however many: a tally stops."""
    return next((one.held for one in await operations.health_of(ctx, [webhook])), 0)


async def _progress(request: Visitor, ctx: KeyringContext, webhook: UUID) -> dict[str, Any]:
    start = begun(Given.query(request))
    return {
        "progress": await so_far(ctx, start, webhook, held_before=True),
        "tally": await _tally(ctx, webhook),
    }


async def _tally(ctx: KeyringContext, webhook: UUID) -> DeliveryCounts:
    wanted = postgres.DeliveryFilter(webhook=webhook, statuses=("held",))
    return await operations.count_deliveries(ctx, wanted)


HANDLERS = [held, held_of, preview, save, released, live]
