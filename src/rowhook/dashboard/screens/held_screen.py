"""Held deliveries: their errors, a preview of all of them with a draft, and their release."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath
from litestar.response import Stream

from rowhook import json_pointer
from rowhook.dashboard.browser_session import SessionRequest
from rowhook.dashboard.completions import completions
from rowhook.dashboard.editor_form import Fields, body_kind, draft_of, fields_of, keep_line_ends
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import (
    ContextDependency,
    Page,
    StreamsDependency,
    form_route,
    fragment,
    page,
    page_route,
    redirect,
    stream_route,
)
from rowhook.dashboard.replay_progress import (
    ProgressStart,
    current_progress,
    mark_start,
    progress_start,
)
from rowhook.dashboard.webhook_diff import changed_fields
from rowhook.db.list_queries import DeliveryFilter
from rowhook.db.webhook_queries import RevisionConflict
from rowhook.render.configuration import Configuration, Fault
from rowhook.services import held_previews, lookups, stats
from rowhook.services.context import KeyringContext, Rejected
from rowhook.services.held_previews import HeldPreview
from rowhook.services.json_reader import read_with_faults
from rowhook.services.stats import DeliveryCounts
from rowhook.services.webhook_checks import WebhookPatch, configuration_of
from rowhook.services.webhook_documents import Webhook
from rowhook.services.webhooks import change_webhook, webhook_of

_FIXABLE_FIELDS = ("body_template", "schema", "condition", "url")
_PERIOD = timedelta(hours=1)
_MAX_WEBHOOKS = 200
_INTERVAL_S = 1.0


class _HeldEdit(msgspec.Struct, kw_only=True):
    """The state of the page: the form, its faults, and the preview of the held deliveries."""

    present: Webhook
    fields: Fields
    revision: int
    items: list[HeldPreview] = []
    faults: tuple[Fault, ...] = ()
    changes: dict[str, Any] = {}
    moved: bool = False
    is_draft: bool = False
    status: int = 200


@page_route("/held")
async def held(request: SessionRequest, ctx: ContextDependency) -> Page:
    """List webhooks with held deliveries."""
    webhooks = await stats.worst_webhooks(
        ctx,
        organization=request.auth.organization,
        span=_PERIOD,
        limit=_MAX_WEBHOOKS,
        statuses=("held",),
    )
    return page(request, "held.html", webhooks=webhooks)


@page_route("/held/{webhook_id:uuid}", scope="write")
async def held_of(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Show the held deliveries of a webhook, rendered with its current revision."""
    present = await webhook_of(ctx, webhook_id)
    fields = fields_of(configuration_of(present))
    edit = _HeldEdit(present=present, fields=fields, revision=present.revision)
    return await _edit_page(request, ctx, edit)


@form_route("/held/{webhook_id:uuid}/preview", scope="write")
async def preview(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Render the held deliveries with the draft, without saving it or decrypting secrets."""
    form = await FormData.from_body(request)
    edit, _, faults = await _read_form(ctx, webhook_id, form)
    patch = read_with_faults(msgspec.json.encode(edit.changes), WebhookPatch)
    try:
        previews = await held_previews.preview_held(
            ctx, webhook_id, draft=patch.document, faults=(*faults, *patch.faults)
        )
    except Rejected as error:
        edit.faults, edit.status = error.faults, 422
        return await _edit_page(request, ctx, edit)
    edit.items, edit.is_draft = previews.items, True
    return await _edit_page(request, ctx, edit)


@form_route("/held/{webhook_id:uuid}/save", scope="write")
async def save(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Save the draft as a new revision, after which held deliveries are retried."""
    edit, draft, faults = await _read_form(ctx, webhook_id, await FormData.from_body(request))
    others = DeliveryFilter(webhook=webhook_id, statuses=("pending", "sending"))
    mark, before = await mark_start(ctx, others)
    held_count = await _held_count(ctx, webhook_id)
    try:
        await change_webhook(ctx, webhook_id, draft, expected_revision=edit.revision, faults=faults)
    except Rejected as error:
        edit.faults, edit.status = error.faults, 422
        return await _edit_page(request, ctx, edit)
    except RevisionConflict:
        edit.revision, edit.moved, edit.status = edit.present.revision, True, 412
        return await _edit_page(request, ctx, edit)
    start = ProgressStart(of=held_count, before=before, mark=mark)
    return redirect(f"/held/{webhook_id}/released?{start.address}")


async def _read_form(
    ctx: KeyringContext, webhook: UUID, form: FormData
) -> tuple[_HeldEdit, Configuration, tuple[Fault, ...]]:
    """The state of the page, the draft, and the faults found in the form."""
    present = await webhook_of(ctx, webhook)
    entered = keep_line_ends(
        configuration_of(present), {name: form.raw(name) for name in _FIXABLE_FIELDS}
    )
    fields = fields_of(configuration_of(present)) | entered
    fields["body"] = body_kind(fields["body"], fields["body_template"])
    draft, faults = draft_of(fields)
    edit = _HeldEdit(
        present=present,
        fields=fields,
        revision=form.integer("revision") or present.revision,
        changes=changed_fields(configuration_of(present), draft),
    )
    return edit, draft, faults


async def _edit_page(request: SessionRequest, ctx: KeyringContext, edit: _HeldEdit) -> Page:
    present = edit.present
    if not edit.is_draft:
        edit.items = (await held_previews.preview_held(ctx, present.id)).items
    owner = await lookups.webhook_owner(ctx, present.id)
    faults = (*edit.faults, *dict.fromkeys(_template_faults(edit.items)))
    return page(
        request,
        "held_webhook.html",
        status=edit.status,
        edit=edit,
        webhook=present,
        faults=faults,
        fields=edit.fields,
        tally=await _tally(ctx, present.id),
        open=_faulty_fields(edit.items, edit.faults),
        completions=await completions(ctx, owner, present.id),
    )


def _template_faults(items: list[HeldPreview]) -> Iterator[Fault]:
    """The faults of the configuration, with their positions."""
    for item in items:
        for fault in item.faults:
            if fault.at == "configuration":
                yield Fault(
                    pointer=fault.pointer,
                    message=fault.message,
                    line=fault.line,
                    column=fault.column,
                )


def _faulty_fields(items: list[HeldPreview], faults: tuple[Fault, ...]) -> set[str]:
    """The fields to fix. A body that does not match the schema concerns both of them."""
    all_faults = (*faults, *_template_faults(items))
    parts = {json_pointer.split(fault.pointer)[0] for fault in all_faults if fault.pointer}
    if any(fault.at == "body" for item in items for fault in item.faults):
        parts |= {"body_template", "schema"}
    return parts & set(_FIXABLE_FIELDS) or {"body_template"}


@page_route("/held/{webhook_id:uuid}/released")
async def released(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Show how many of the released deliveries have finished."""
    present = await webhook_of(ctx, webhook_id)
    context = await _progress(request, ctx, webhook_id)
    return page(request, "released.html", webhook=present, **context)


@stream_route("/live/held/{webhook_id:uuid}")
async def live(
    webhook_id: FromPath[UUID],
    request: SessionRequest,
    ctx: ContextDependency,
    streams: StreamsDependency,
) -> Stream:
    """Stream the progress. Raises NotFound."""
    present = await webhook_of(ctx, webhook_id)

    async def render() -> str:
        context = await _progress(request, ctx, webhook_id)
        return fragment(request, "_released.html", webhook=present, **context)

    return streams.fragment("released", _INTERVAL_S, render)


async def _held_count(ctx: KeyringContext, webhook: UUID) -> int:
    """The exact number of held deliveries: a tally is capped."""
    health = await stats.health_of(ctx, [webhook])
    return health[0].held if health else 0


async def _progress(request: SessionRequest, ctx: KeyringContext, webhook: UUID) -> dict[str, Any]:
    start = progress_start(FormData.from_query(request))
    return {
        "progress": await current_progress(ctx, start, webhook, held_before=True),
        "tally": await _tally(ctx, webhook),
    }


async def _tally(ctx: KeyringContext, webhook: UUID) -> DeliveryCounts:
    held = DeliveryFilter(webhook=webhook, statuses=("held",))
    return await stats.count_deliveries(ctx, held)


HANDLERS = [held, held_of, preview, save, released, live]
