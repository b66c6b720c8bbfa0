"""The revisions of a webhook: changes and authors, comparison, restore."""

from __future__ import annotations

from asyncio import to_thread
from itertools import pairwise
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath

from rowhook.dashboard.browser_session import SessionRequest
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import ContextDependency, Page, form_route, page, page_route, redirect
from rowhook.dashboard.webhook_diff import Line, difference
from rowhook.services import access, webhooks
from rowhook.services.context import KeyringContext, NotFound, Rejected
from rowhook.services.webhook_documents import Revision

_PAGE_SIZE = 20
_MAX_AUDIT_ENTRIES = 100


@page_route("/webhooks/{webhook_id:uuid}/revisions")
async def revisions(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """List revisions with their changes, newest first."""
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
    """Restore an old revision as the newest one."""
    revision = (await FormData.from_body(request)).integer("revision")
    if revision is None:
        raise NotFound("The form names no revision.")
    try:
        await webhooks.restore_webhook(ctx, webhook_id, revision)
    except Rejected as error:
        return await _revisions_page(request, ctx, webhook_id, status=422, rejection=error)
    return redirect(f"/webhooks/{webhook_id}?done=saved")


HANDLERS = [revisions, restore]
