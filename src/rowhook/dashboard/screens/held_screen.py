"""Held deliveries: grouped by their fault, previewed with a draft, fixed, and released."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath
from litestar.response import Stream

from rowhook import json_pointer
from rowhook.dashboard.browser_session import SessionRequest, owners_of_webhooks
from rowhook.dashboard.editor_form import Fields, body_kind, draft_of, fields_of, keep_line_ends
from rowhook.dashboard.editor_hints import completions, faults_by_field
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import (
    ContextDependency,
    Page,
    StreamsDependency,
    flash_message,
    form_route,
    fragment,
    page,
    page_route,
    redirect,
    redirect_back,
    stream_route,
)
from rowhook.dashboard.screens.replay_screen import (
    ProgressStart,
    current_progress,
    mark_start,
    progress_start,
)
from rowhook.dashboard.screens.revision_screen import changed_fields
from rowhook.dashboard.suggested_changes import SuggestedChange, suggested_changes
from rowhook.db.list_queries import DeliveryFilter
from rowhook.db.webhook_queries import RevisionConflict
from rowhook.render.configuration import Configuration, Fault
from rowhook.services import held_deliveries, lookups, stats
from rowhook.services.context import KeyringContext, Rejected
from rowhook.services.held_deliveries import FaultGroup, HeldGroups, HeldPreview
from rowhook.services.json_reader import read_with_faults
from rowhook.services.stats import DeliveryCounts
from rowhook.services.webhook_documents import Webhook, WebhookPatch, configuration_of
from rowhook.services.webhooks import change_webhook, webhook_of

_FIXABLE_FIELDS = ("body_template", "schema", "condition", "url", "headers")
_PERIOD = timedelta(hours=1)
_MAX_WEBHOOKS = 200
_INTERVAL_S = 1.0
# Limits of the pages, which they state.
_MAX_GROUPED_WEBHOOKS = 20
_READ_PER_WEBHOOK = 100
_MAX_PREVIEWS = 50
_FLASH_MESSAGES = {
    "released": "{} of the group released. They are sent with the current revision.",
    "released_more": (
        f"{{}} of the group released, from {held_deliveries.MAX_RELEASED:,} held deliveries read."
        " Older ones were not read."
    ),
}


class _HeldEdit(msgspec.Struct, kw_only=True):
    """The state of the page: the form, its faults, and the preview of the held deliveries.

    `group` is the selected one, if any. `items` are None if the draft cannot be rendered: previews
    of another configuration are not shown beside it.
    """

    present: Webhook
    fields: Fields
    revision: int
    held: HeldGroups
    group: FaultGroup | None = None
    items: list[HeldPreview] | None = None
    faults: tuple[Fault, ...] = ()
    changes: dict[str, Any] = {}
    moved: bool = False
    is_draft: bool = False
    applied: SuggestedChange | None = None
    status: int = 200

    @property
    def suggestions(self) -> list[SuggestedChange]:
        """Changes of the draft that remove its faults."""
        return suggested_changes(self.fields, self.items or (), self.faults)


@page_route("/held")
async def held(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Lists webhooks with held deliveries, and the faults of the newest of them."""
    webhooks = await stats.worst_webhooks(
        ctx,
        organization=request.auth.organization,
        span=_PERIOD,
        limit=_MAX_WEBHOOKS,
        statuses=("held",),
    )
    groups = {
        webhook.webhook_id: await held_deliveries.held_groups(
            ctx, webhook.webhook_id, _READ_PER_WEBHOOK
        )
        for webhook in webhooks[:_MAX_GROUPED_WEBHOOKS]
    }
    return page(
        request,
        "held.html",
        webhooks=webhooks,
        owners=await owners_of_webhooks(request, (webhook.webhook_id for webhook in webhooks)),
        groups=groups,
        most_read=_READ_PER_WEBHOOK,
    )


@page_route("/held/{webhook_id:uuid}", scope="write")
async def held_of(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Shows the held deliveries of a webhook, rendered with its current revision."""
    query = FormData.from_query(request)
    present = await webhook_of(ctx, webhook_id)
    groups = await held_deliveries.held_groups(ctx, webhook_id)
    edit = _HeldEdit(
        present=present,
        fields=fields_of(configuration_of(present)),
        revision=present.revision,
        held=groups,
        group=groups.find(query.text("fault")),
    )
    await _preview(ctx, edit)
    return await _edit_page(
        request,
        ctx,
        edit,
        message=flash_message(query.text("done"), _FLASH_MESSAGES),
        cursor=query.text("cursor"),
        released_fault=query.text("fault"),
    )


@form_route("/held/{webhook_id:uuid}/preview", scope="write")
async def preview(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Renders the held deliveries with the draft, without saving it or decrypting secrets.

    A suggested change can be applied to the draft before.
    """
    form = await FormData.from_body(request)
    edit, _, faults = await _read_form(ctx, webhook_id, form)
    await _preview_draft(ctx, edit, faults)
    suggestions = {change.key: change for change in edit.suggestions}
    if (change := suggestions.get(form.text("apply") or "")) is not None:
        faults = _enter(edit, change.apply(edit.fields))[1]
        await _preview_draft(ctx, edit, faults)
        edit.applied = change
    if "hx-request" in request.headers:
        edit.status = 200
    return await _edit_page(request, ctx, edit)


@form_route("/held/{webhook_id:uuid}/save", scope="write")
async def save(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Saves the draft as a new revision, after which held deliveries are retried."""
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
        await _preview_draft(ctx, edit, faults)
        edit.revision, edit.moved, edit.status = edit.present.revision, True, 412
        return await _edit_page(request, ctx, edit)
    start = ProgressStart(of=held_count, before=before, mark=mark)
    return redirect(f"/held/{webhook_id}/released?{start.address}")


@form_route("/held/{webhook_id:uuid}/release", scope="replay")
async def release(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Sends the deliveries of a group with the current revision; the others stay held."""
    form = await FormData.from_body(request)
    await webhook_of(ctx, webhook_id)
    key = form.text("fault") or ""
    released = await held_deliveries.release_group(ctx, webhook_id, key, form.text("cursor"))
    if released.next_cursor is None:
        return redirect_back(f"/held/{webhook_id}", "released", released.deliveries)
    where = urlencode({"fault": key, "cursor": released.next_cursor})
    return redirect_back(f"/held/{webhook_id}?{where}", "released_more", released.deliveries)


async def _read_form(
    ctx: KeyringContext, webhook: UUID, form: FormData
) -> tuple[_HeldEdit, Configuration, tuple[Fault, ...]]:
    """The state of the page, the draft, and the faults found in the form."""
    present = await webhook_of(ctx, webhook)
    groups = await held_deliveries.held_groups(ctx, webhook)
    edit = _HeldEdit(
        present=present,
        fields=fields_of(configuration_of(present)),
        revision=form.integer("revision") or present.revision,
        held=groups,
        group=groups.find(form.text("fault")),
        is_draft=True,
    )
    # A field that the form does not have keeps its value.
    typed = {name: form.raw(name) for name in _FIXABLE_FIELDS if form.flag(name)}
    return edit, *_enter(edit, keep_line_ends(configuration_of(present), typed))


def _enter(edit: _HeldEdit, entered: Fields) -> tuple[Configuration, tuple[Fault, ...]]:
    """Puts values into the form; returns the draft, and the faults of reading it."""
    edit.fields = edit.fields | entered
    edit.fields["body"] = body_kind(edit.fields["displayed_body"], edit.fields["body_template"])
    draft, faults = draft_of(edit.fields)
    edit.changes = changed_fields(configuration_of(edit.present), draft)
    return draft, faults


async def _preview_draft(ctx: KeyringContext, edit: _HeldEdit, faults: tuple[Fault, ...]) -> None:
    """Renders with the draft. If it is rejected, there are faults and no previews."""
    patch = read_with_faults(msgspec.json.encode(edit.changes), WebhookPatch)
    edit.items, edit.faults, edit.status = None, (), 200
    try:
        await _preview(ctx, edit, patch.document, (*faults, *patch.faults))
    except Rejected as error:
        edit.faults, edit.status = error.faults, 422


async def _preview(
    ctx: KeyringContext,
    edit: _HeldEdit,
    draft: WebhookPatch | None = None,
    faults: tuple[Fault, ...] = (),
) -> None:
    """Renders the newest deliveries of the group, or of all. Raises Rejected."""
    deliveries = edit.group.deliveries if edit.group is not None else edit.held.deliveries
    previews = await held_deliveries.preview_deliveries(
        ctx, edit.present.id, deliveries[:_MAX_PREVIEWS], draft=draft, faults=faults
    )
    edit.items = previews.items


async def _edit_page(
    request: SessionRequest, ctx: KeyringContext, edit: _HeldEdit, **context: Any
) -> Page:
    present, items = edit.present, edit.items or []
    owner = await lookups.webhook_owner(ctx, present.id)
    faults = (*edit.faults, *dict.fromkeys(_template_faults(items)))
    return page(
        request,
        "held_webhook.html",
        status=edit.status,
        edit=edit,
        webhook=present,
        faults=faults,
        field_faults=faults_by_field(faults, None, edit.fields),
        fields=edit.fields,
        tally=await _tally(ctx, present.id),
        open=_faulty_fields(items, edit.faults),
        completions={}
        if "hx-request" in request.headers
        else await completions(ctx, owner, present.id),
        most_read=held_deliveries.MAX_READ,
        **{"message": None, "cursor": None, "released_fault": None} | context,
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
    """Shows how many of the released deliveries have finished."""
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
    """Streams the progress. Raises NotFound."""
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


HANDLERS = [held, held_of, preview, save, release, released, live]
