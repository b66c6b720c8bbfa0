"""The webhook editor: create from scratch or a preset, edit, and preview while typing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath
from msgspec import Raw, Struct

from rowhook import json_pointer
from rowhook.dashboard import credential_urls
from rowhook.dashboard.browser_session import SessionRequest
from rowhook.dashboard.code_snippets import as_curl, snippets
from rowhook.dashboard.editor_form import (
    NUMBER_FIELDS,
    SWITCH_FIELDS,
    Fields,
    draft_of,
    fields_of,
    keep_line_ends,
    read_fields,
)
from rowhook.dashboard.editor_hints import completions, faults_by_field
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import ContextDependency, form_route, page, page_route, redirect
from rowhook.dashboard.presets import BLANK, PRESETS
from rowhook.dashboard.screens import test_screen
from rowhook.dashboard.screens.revision_screen import changed_fields, draft_document
from rowhook.db.webhook_queries import RevisionConflict
from rowhook.model import EVENT_TYPES
from rowhook.render.configuration import (
    Configuration,
    Fault,
    added_headers,
    custom_header_names,
    header_warnings,
)
from rowhook.services import lookups, previews, webhooks
from rowhook.services.context import Conflict, KeyringContext, NotFound, Rejected
from rowhook.services.lookups import Organization
from rowhook.services.previews import Preview, TrialRequest
from rowhook.services.webhook_checks import check_for_save
from rowhook.services.webhook_documents import Webhook, configuration_of

_NEW = "/webhooks/new"
_MAX_ORGANIZATIONS = 200
# The fields in the order of the page, and the folded section of each.
_SECTIONS = {
    **dict.fromkeys(("organization", "name", "raw_payload", "body_template"), ""),
    **dict.fromkeys(("url", "url_secret_id", "method", "kind"), ""),
    "headers": "headers",
    **dict.fromkeys(("schema", "condition", "event_types"), "rules"),
    "retry_schedule_s": "limits",
    **dict.fromkeys((field.name for field in (*NUMBER_FIELDS, *SWITCH_FIELDS)), "limits"),
    **dict.fromkeys(("description", "external_id", "metadata"), "about"),
    **dict.fromkeys(("sample", "sample_data", "sample_context"), ""),
}


class _Edit(Struct, kw_only=True):
    """The state of the editor: the form, its faults, and the preview."""

    fields: Fields
    present: Webhook | None = None
    revision: int | None = None
    faults: tuple[Fault, ...] = ()
    refusal: str | None = None
    preview: Preview | None = None
    moved: bool = False
    stored_secret: str | None = None
    status: int = 200


@page_route(_NEW, scope="write")
async def new_webhook(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Shows a blank form or a preset; without organizations, redirects to their page."""
    if request.auth.organization is None and not await _organizations(request, ctx, None):
        return redirect(f"/organizations?next={_NEW}")
    preset = PRESETS.get(FormData.from_query(request).text("preset") or "")
    configuration = BLANK if preset is None else preset.configuration
    return await _edit(request, ctx, _Edit(fields=fields_of(configuration)))


@page_route("/webhooks/{webhook_id:uuid}/edit", scope="write")
async def edit_webhook(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Shows the form of a webhook."""
    present = await webhooks.webhook_of(ctx, webhook_id)
    fields = fields_of(configuration_of(present))
    return await _edit(
        request, ctx, _Edit(fields=fields, present=present, revision=present.revision)
    )


@form_route(_NEW, scope="write")
async def create_webhook(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Creates a webhook, and shows its signing secret once, in this response."""
    form = await FormData.from_body(request)
    fields = read_fields(form)
    draft, faults = draft_of(fields)
    try:
        organization = await _checked_owner(request, ctx, form, draft, faults)
        fields = await credential_urls.store_before_save(
            ctx, request.auth, organization, fields, form, None
        )
        draft, faults = draft_of(fields)
        webhook = await webhooks.create_webhook(ctx, organization, draft, faults)
    except Rejected as error:
        refused = _Edit(fields=fields, faults=error.faults, status=422)
        return await _edit(request, ctx, refused, form)
    except Conflict as error:
        refused = _Edit(fields=fields, refusal=str(error), status=409)
        return await _edit(request, ctx, refused, form)
    return page(request, "created.html", webhook=webhook, snippets=snippets(ctx.brand))


@form_route("/webhooks/{webhook_id:uuid}/edit", scope="write")
async def save_webhook(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Saves a new revision, unless there is a newer one. The form keeps all edits."""
    form = await FormData.from_body(request)
    present = await webhooks.webhook_of(ctx, webhook_id)
    fields = keep_line_ends(configuration_of(present), read_fields(form))
    edit = _Edit(fields=fields, present=present, revision=form.integer("revision"))
    try:
        owner = await lookups.webhook_owner(ctx, webhook_id)
        edit.fields = await credential_urls.store_before_save(
            ctx, request.auth, owner, fields, form, present
        )
        draft, faults = draft_of(edit.fields)
        await webhooks.change_webhook(
            ctx, webhook_id, draft, expected_revision=edit.revision, faults=faults
        )
    except Rejected as error:
        edit.faults, edit.status = error.faults, 422
        return await _edit(request, ctx, edit, form)
    except RevisionConflict:
        edit.revision, edit.moved, edit.status = present.revision, True, 412
        return await _edit(request, ctx, edit, form)
    return redirect(f"/webhooks/{webhook_id}?done=saved")


@form_route("/webhooks/preview", scope="write")
async def preview(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Shows the form with a preview, without saving it or decrypting secrets."""
    form = await FormData.from_body(request)
    webhook_id, fields = form.uuid("webhook_id"), read_fields(form)
    present = None if webhook_id is None else await webhooks.webhook_of(ctx, webhook_id)
    if present is not None:
        fields = keep_line_ends(configuration_of(present), fields)
    edit = _Edit(fields=fields, present=present, revision=form.integer("revision"))
    draft, faults = draft_of(fields)
    try:
        organization = await _owner(request, ctx, present, form)
        sample = test_screen.read_sample(form)
        edit.preview = await previews.preview_draft(ctx, organization, draft, sample, faults)
    except Rejected as error:
        edit.faults = error.faults
    except NotFound as error:
        edit.faults = (Fault(pointer="/sample", message=str(error)),)
    return await _edit(request, ctx, edit, form)


@form_route("/webhooks/url-secret", scope="secrets")
async def store_url(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Stores the URL of the form as a secret, and shows the form with the name of the secret."""
    form = await FormData.from_body(request)
    webhook_id, fields = form.uuid("webhook_id"), read_fields(form)
    present = None if webhook_id is None else await webhooks.webhook_of(ctx, webhook_id)
    edit = _Edit(fields=fields, present=present, revision=form.integer("revision"))
    try:
        owner = await _owner(request, ctx, present, form)
        edit.fields = await credential_urls.store_url(ctx, request.auth, owner, fields, form)
        edit.stored_secret = edit.fields["url"] if edit.fields != fields else None
    except Rejected as error:
        edit.faults, edit.status = error.faults, 422
    return await _edit(request, ctx, edit, form)


async def _checked_owner(
    request: SessionRequest,
    ctx: KeyringContext,
    form: FormData,
    draft: Configuration,
    faults: tuple[Fault, ...],
) -> UUID:
    """The organization of a new webhook. Raises Rejected with all faults of the form."""
    try:
        return await _owner(request, ctx, None, form)
    except Rejected as error:
        await check_for_save(ctx, None, draft, (*faults, *error.faults))
        raise


async def _owner(
    request: SessionRequest, ctx: KeyringContext, present: Webhook | None, form: FormData
) -> UUID:
    """The webhook's organization; without a selected one, it is in the form. Raises Rejected."""
    if present is not None:
        return await lookups.webhook_owner(ctx, present.id)
    owner = request.auth.organization or form.uuid("organization")
    if owner is None:
        raise Rejected(
            Fault(pointer="/organization", message="Choose the organization of the webhook.")
        )
    return owner


async def _edit(
    request: SessionRequest, ctx: KeyringContext, edit: _Edit, form: FormData | None = None
) -> Response[Any]:
    present = edit.present
    form, webhook = form or FormData([]), present.id if present else None
    selected_id = form.text("organization")
    try:
        organization: UUID | None = await _owner(request, ctx, present, form)
    except Rejected:
        organization = None
    draft = draft_of(edit.fields).document
    choices = await test_screen.sample_choices(ctx, organization, webhook)
    owner = organization if request.auth.is_operator else None
    # The page has the completions of a saved webhook already.
    has_completions = present is not None and "hx-request" in request.headers
    return page(
        request,
        "editor.html",
        status=edit.status,
        edit=edit,
        fields=edit.fields,
        webhook=present,
        faults=edit.faults,
        presets=PRESETS,
        event_types=sorted(EVENT_TYPES),
        completions={} if has_completions else await completions(ctx, organization, webhook),
        selected_id=selected_id,
        organizations=await _organizations(request, ctx, present),
        choices=choices,
        **test_screen.form_values(form),
        call=_call(present, draft, selected_id),
        preview_call=_preview_call(draft, owner, test_screen.api_sample(form, choices)),
        field_faults=faults_by_field(edit.faults, edit.preview, edit.fields),
        as_curl=_as_curl,
        offer=await credential_urls.offer_of(ctx, organization, edit.fields, form, present),
        **_focus(edit),
        **_headers(draft, ctx.brand),
    )


def _focus(edit: _Edit) -> dict[str, Any]:
    """The first field with a fault, which gets the focus, and the sections that are not folded."""
    faulty = {json_pointer.split(fault.pointer)[0] for fault in edit.faults if fault.pointer}
    return {
        "focus": next((name for name in _SECTIONS if name in faulty), ""),
        "unfolded": {_SECTIONS.get(name, "") for name in faulty},
    }


async def _organizations(
    request: SessionRequest, ctx: KeyringContext, present: Webhook | None
) -> list[Organization]:
    """The organizations to choose from; none if the organization is fixed."""
    if present is not None or request.auth.organization is not None:
        return []
    return (await lookups.list_organizations(ctx, limit=_MAX_ORGANIZATIONS)).items


def _as_curl(request: TrialRequest) -> str:
    return as_curl(msgspec.to_builtins(request))


def _call(
    present: Webhook | None, draft: Configuration, selected_id: str | None
) -> tuple[str, str, dict[str, Any], Any]:
    """The equivalent API call: method, path, body, headers."""
    if present is None:
        owner_field = {"organization_id": selected_id} if selected_id else {}
        return "POST", "/webhooks", owner_field | draft_document(draft), ()
    changes = changed_fields(configuration_of(present), draft)
    return "PATCH", f"/webhooks/{present.id}", changes, (("If-Match", f'"{present.revision}"'),)


def _preview_call(draft: Configuration, owner: UUID | None, sample: Raw) -> dict[str, Any]:
    """The body of the API call that previews the draft."""
    owner_field = {} if owner is None else {"organization_id": str(owner)}
    return owner_field | draft_document(draft) | {"sample": sample}


def _headers(draft: Configuration, brand: str) -> dict[str, Any]:
    """The headers of the webhook, those that Rowhook adds, and warnings about overridden ones."""
    return {
        "custom_headers": custom_header_names(draft.headers, brand),
        "added": added_headers(brand),
        "warnings": [message for _, message in header_warnings(draft.headers, brand)],
    }


HANDLERS = [new_webhook, edit_webhook, create_webhook, save_webhook, preview, store_url]
