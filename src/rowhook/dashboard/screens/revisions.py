"""The versions of a webhook: what each changed and who, any two compared, the way back to one."""

from __future__ import annotations

from asyncio import to_thread
from itertools import pairwise
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.params import FromPath

from rowhook import operations
from rowhook.dashboard.editing.revised import Line, difference
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, go, page
from rowhook.dashboard.route import TheOffice, does, shows
from rowhook.dashboard.visit import Visitor
from rowhook.operations import NotFound, Office, Rejected
from rowhook.operations.documents import Revision

_MOST = 20
_AUDITED = 100


@shows("/webhooks/{webhook_id:uuid}/revisions")
async def revisions(webhook_id: FromPath[UUID], request: Visitor, office: TheOffice) -> Page:
    """Newest first, each with what it changed."""
    return await _listed(request, office, webhook_id)


async def _listed(
    request: Visitor,
    office: Office,
    webhook_id: UUID,
    *,
    status: int = 200,
    refused: Rejected | None = None,
) -> Page:
    webhook = await operations.webhook_of(office, webhook_id)
    asked = Given.query(request)
    cursor = asked.text("cursor")
    # One more: the oldest that is shown is compared with it.
    found = await operations.list_revisions(office, webhook_id, cursor=cursor, limit=_MOST)
    older = None
    if found.next_cursor:
        next_one = await operations.list_revisions(
            office, webhook_id, cursor=found.next_cursor, limit=1
        )
        older = next_one.items[0] if next_one.items else None
    return page(
        request,
        "revisions.html",
        status=status,
        webhook=webhook,
        refused=refused,
        revisions=await to_thread(_compared, found.items, older),
        next_cursor=found.next_cursor,
        two=await _two(office, webhook_id, asked),
        who=await _who(request, office, webhook_id),
    )


async def _two(
    office: Office, webhook_id: UUID, asked: Given
) -> tuple[Revision, Revision, list[Line]] | None:
    """The two that are to be compared, and what leads from the first to the second."""
    was, is_now = asked.whole("was"), asked.whole("is_now")
    if was is None or is_now is None:
        return None
    before = await operations.revision_of(office, webhook_id, was)
    after = await operations.revision_of(office, webhook_id, is_now)
    lines = await to_thread(difference, before.configuration, after.configuration)
    return before, after, lines


async def _who(request: Visitor, office: Office, webhook_id: UUID) -> dict[int, str]:
    """Who saved each version, as far as the audit's newest rows tell; for who may read it."""
    if not request.auth.may("admin"):
        return {}
    found = await operations.list_audit(office, subject=str(webhook_id), limit=_AUDITED)
    return {
        revision: entry.actor
        for entry in found.items
        if (revision := _revision(entry.after)) not in (None, _revision(entry.before))
    }


def _revision(document: Any) -> int | None:
    return document.get("revision") if isinstance(document, dict) else None


def _compared(found: list[Revision], older: Revision | None) -> list[tuple[Revision, list[Line]]]:
    row = [*found, older]
    return [
        (one, difference(before.configuration if before else {}, one.configuration))
        for one, before in pairwise(row)
        if one is not None
    ]


@does("/webhooks/{webhook_id:uuid}/restore", scope="write")
async def restore(webhook_id: FromPath[UUID], request: Visitor, office: TheOffice) -> Response[Any]:
    """Makes an old version the newest one."""
    revision = (await Given.form(request)).whole("revision")
    if revision is None:
        raise NotFound("The form names no revision.")
    try:
        await operations.restore_webhook(office, webhook_id, revision)
    except Rejected as error:
        return await _listed(request, office, webhook_id, status=422, refused=error)
    return go(f"/webhooks/{webhook_id}?done=saved")


HANDLERS = [revisions, restore]
