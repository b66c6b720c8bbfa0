"""The audit page: changes, field by field."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from rowhook import operations
from rowhook.dashboard.given import FormData
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import ContextDependency, page_route
from rowhook.dashboard.visit import SessionRequest
from rowhook.operations.documents import AuditEntry

_FILTERS = ("actor", "action", "subject")


class Change(NamedTuple):
    """The value of a field before and after a change; None if the field was absent."""

    field: str
    before: str | None
    after: str | None


@page_route("/audit", scope="admin")
async def audit(request: SessionRequest, ctx: ContextDependency) -> Page:
    """A page of the audit, newest first."""
    query_params = FormData.from_query(request)
    filters = {name: query_params.text(name) for name in _FILTERS}
    entries = await operations.list_audit(
        ctx,
        request.auth.organization,
        cursor=query_params.text("cursor"),
        actor=filters["actor"],
        action=filters["action"],
        subject=filters["subject"],
    )
    query = [(name, value) for name, value in filters.items() if value is not None]
    return page(
        request, "audit.html", audit=entries, changes_of=changes_of, filters=filters, query=query
    )


def changes_of(entry: AuditEntry) -> list[Change]:
    """List the fields that differ."""
    before, after = _fields(entry.before), _fields(entry.after)
    return [
        Change(name, _text(before, name), _text(after, name))
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
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
