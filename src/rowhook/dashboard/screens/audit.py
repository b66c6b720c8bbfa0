"""The audit: who changed what, field by field."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from rowhook import operations
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import ContextDependency, shows
from rowhook.dashboard.visit import Visitor
from rowhook.operations.documents import AuditEntry

_FILTERS = ("actor", "action", "subject")


class Change(NamedTuple):
    """One field, before and after; None where it was not there."""

    field: str
    was: str | None
    is_now: str | None


@shows("/audit", scope="admin")
async def audit(request: Visitor, ctx: ContextDependency) -> Page:
    """A page of it, newest first."""
    asked = Given.query(request)
    wanted = {name: asked.text(name) for name in _FILTERS}
    found = await operations.list_audit(
        ctx,
        request.auth.organization,
        cursor=asked.text("cursor"),
        actor=wanted["actor"],
        action=wanted["action"],
        subject=wanted["subject"],
    )
    query = [(name, value) for name, value in wanted.items() if value is not None]
    return page(
        request, "audit.html", audit=found, changes_of=changes_of, wanted=wanted, query=query
    )


def changes_of(entry: AuditEntry) -> list[Change]:
    """The fields that differ."""
    was, is_now = _fields(entry.before), _fields(entry.after)
    return [
        Change(name, _text(was, name), _text(is_now, name))
        for name in dict.fromkeys((*was, *is_now))
        if was.get(name) != is_now.get(name)
    ]


def _fields(document: Any) -> dict[str, Any]:
    if document is None:
        return {}
    return document if isinstance(document, dict) else {"": document}


def _text(fields: dict[str, Any], name: str) -> str | None:
    if name not in fields:
        return None
    value = fields[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


HANDLERS = [audit]
