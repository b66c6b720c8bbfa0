"""The revisions of a webhook: their changes, as a merge patch or by line, and restoring one."""

from __future__ import annotations

import difflib
from asyncio import to_thread
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response
from litestar.params import FromPath

from rowhook.dashboard.browser_session import SessionRequest
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import ContextDependency, Page, form_route, page, page_route, redirect
from rowhook.render.configuration import Configuration
from rowhook.services import access, webhooks
from rowhook.services.context import KeyringContext, NotFound, Rejected
from rowhook.services.webhook_documents import Revision

_PAGE_SIZE = 20
_MAX_AUDIT_ENTRIES = 100
# The fields that a patch merges (RFC 7396).
_MERGED = frozenset(("headers", "metadata"))
_CONTEXT = 3
# A template may have 64 Ki lines, and comparing takes quadratic time.
_MAX_COMPARED_LINES, _MAX_DIFF_LINES = 1_000, 400


@page_route("/webhooks/{webhook_id:uuid}/revisions")
async def revisions(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Lists revisions with their changes, newest first."""
    return await _revisions_page(request, ctx, webhook_id)


async def _revisions_page(
    request: SessionRequest,
    ctx: KeyringContext,
    webhook_id: UUID,
    *,
    status: int = 200,
    rejection: Rejected | None = None,
) -> Page:
    webhook = await webhooks.webhook_of(ctx, webhook_id)
    params = FormData.from_query(request)
    cursor = params.text("cursor")
    revisions_page = await webhooks.list_revisions(ctx, webhook_id, cursor=cursor, limit=_PAGE_SIZE)
    # The oldest revision of the page is compared with the first of the next page.
    older = None
    if revisions_page.next_cursor:
        next_page = await webhooks.list_revisions(
            ctx, webhook_id, cursor=revisions_page.next_cursor, limit=1
        )
        older = next_page.items[0] if next_page.items else None
    return page(
        request,
        "revisions.html",
        status=status,
        webhook=webhook,
        rejection=rejection,
        revisions=await to_thread(_with_changes, revisions_page.items, older),
        next_cursor=revisions_page.next_cursor,
        comparison=await _comparison(ctx, webhook_id, params),
        authors=await _authors(request, ctx, webhook_id),
    )


async def _comparison(
    ctx: KeyringContext, webhook_id: UUID, params: FormData
) -> tuple[Revision, Revision, list[Line]] | None:
    """The two selected revisions and their difference; None if none are selected."""
    old, new = params.integer("was"), params.integer("is_now")
    if old is None or new is None:
        return None
    before = await webhooks.revision_of(ctx, webhook_id, old)
    after = await webhooks.revision_of(ctx, webhook_id, new)
    lines = await to_thread(difference, before.configuration, after.configuration)
    return before, after, lines


async def _authors(
    request: SessionRequest, ctx: KeyringContext, webhook_id: UUID
) -> dict[int, str]:
    """The author of each revision found in the newest audit entries; requires the scope admin."""
    if not request.auth.has_scope("admin"):
        return {}
    audit = await access.list_audit(ctx, subject=str(webhook_id), limit=_MAX_AUDIT_ENTRIES)
    return {
        revision: entry.actor
        for entry in audit.items
        if (revision := _revision(entry.after)) not in (None, _revision(entry.before))
    }


def _revision(document: Any) -> int | None:
    return document.get("revision") if isinstance(document, dict) else None


def _with_changes(
    revisions: list[Revision], older: Revision | None
) -> list[tuple[Revision, list[Line]]]:
    return [
        (revision, difference(before.configuration if before else {}, revision.configuration))
        for revision, before in pairwise([*revisions, older])
        if revision is not None
    ]


@form_route("/webhooks/{webhook_id:uuid}/restore", scope="write")
async def restore(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Restores an old revision as the newest one."""
    revision = (await FormData.from_body(request)).integer("revision")
    if revision is None:
        raise NotFound("The form names no revision.")
    try:
        await webhooks.restore_webhook(ctx, webhook_id, revision)
    except Rejected as error:
        return await _revisions_page(request, ctx, webhook_id, status=422, rejection=error)
    return redirect(f"/webhooks/{webhook_id}?done=saved")


class Line(NamedTuple):
    """A line of a difference: `plus`, `minus`, `same`, or `skip` for omitted lines."""

    kind: str
    text: str


def draft_document(draft: Configuration) -> dict[str, Any]:
    """The fields of a draft that differ from the defaults."""
    return changed_fields(Configuration(name=""), draft)


def changed_fields(was: Configuration, is_now: Configuration) -> dict[str, Any]:
    """Builds a patch between two configurations. Headers and metadata are merged, not replaced."""
    before, after = _fields(was), _fields(is_now)
    return {
        name: _merge_patch(before.get(name), value) if name in _MERGED else value
        for name, value in after.items()
        if value != before.get(name)
    }


def _merge_patch(before: Any, after: Any) -> Any:
    """Builds a merge patch (RFC 7396)."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return after
    gone = {name: None for name in before if name not in after}
    return gone | {
        name: _merge_patch(before.get(name), value)
        for name, value in after.items()
        if value != before.get(name)
    }


def _fields(configuration: Configuration) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(configuration)
    return fields


def difference(was: dict[str, Any], is_now: dict[str, Any]) -> list[Line]:
    """Compares line by line, splitting texts such as templates. Long differences are cut."""
    before, after = _lines(was), _lines(is_now)
    if max(len(before), len(after)) > _MAX_COMPARED_LINES and before:
        return [
            Line("skip", f"… too many lines to compare: {len(before)} before, {len(after)} after")
        ]
    lines = _compared(before, after)
    left = len(lines) - _MAX_DIFF_LINES
    return lines if left <= 0 else [*lines[:_MAX_DIFF_LINES], Line("skip", f"… {left} more lines")]


def _compared(before: list[str], after: list[str]) -> list[Line]:
    lines: list[Line] = []
    for group in difflib.SequenceMatcher(None, before, after).get_grouped_opcodes(_CONTEXT):
        if lines:
            lines.append(Line("skip", "…"))
        for tag, start, end, new_start, new_end in group:
            if tag == "equal":
                lines += [Line("same", text) for text in before[start:end]]
                continue
            lines += [Line("minus", text) for text in before[start:end]]
            lines += [Line("plus", text) for text in after[new_start:new_end]]
    return lines


def _lines(configuration: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, value in configuration.items():
        text = value if isinstance(value, str) else _pretty(_plain(value))
        first, *rest = text.split("\n")
        lines += [f"{name}: {first}", *(f"    {line}" for line in rest)]
    return lines


def _plain(value: Any) -> Any:
    """Converts floats such as 15.0 to integers, because both forms occur in revisions."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


HANDLERS = [revisions, restore]
