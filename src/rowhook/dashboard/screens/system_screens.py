"""The system page, adoption of a copied database, and the audit."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Response

from rowhook.dashboard.browser_session import SessionRequest, owner_names, server_ctx_of
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import (
    ContextDependency,
    Page,
    flash_message,
    form_route,
    page,
    page_route,
    redirect_back,
)
from rowhook.render.configuration import Fault
from rowhook.services import access, installation, lookups
from rowhook.services.access import AuditEntry
from rowhook.services.context import KeyringContext, Rejected
from rowhook.services.installation import System
from rowhook.services.lookups import KnownWebhook

_FLASH_MESSAGES = {
    "adopted": "Database adopted. Deliveries are sent from it. Cancelled waiting deliveries: {}."
}
_FILTERS = ("actor", "action", "subject")


@page_route("/system", outside_portals=True)
async def system(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Shows the workers; operators with the scope admin see the rest as well."""
    system_ = await _system(request)
    processes = system_.workers if system_ else await installation.workers(ctx)
    done = flash_message(FormData.from_query(request).text("done"), _FLASH_MESSAGES)
    return page(request, "system.html", processes=processes, system=system_, done=done)


async def _system(request: SessionRequest) -> System | None:
    session, server_ctx = request.auth, server_ctx_of(request)
    if not (session.is_operator and session.has_scope("admin")):
        return None
    # Of all organizations, even if one is selected.
    ctx = server_ctx.ctx.for_actor(server_ctx.pool, None, session.caller.actor)
    return await installation.system(ctx, server_ctx.settings, server_ctx.ctx.standby)


@page_route("/adopt", scope="admin", operators_only=True)
async def adoption_form(request: SessionRequest) -> Page:
    """Shows why deliveries are suspended, how many wait, and the choices."""
    waiting = await installation.count_waiting(_operator_ctx(request))
    return page(request, "adopt.html", waiting=waiting)


@form_route("/adopt", scope="admin", operators_only=True)
async def adopt(request: SessionRequest) -> Response[Any]:
    """Adopts the database, and sends or cancels its waiting deliveries."""
    choice = (await FormData.from_body(request)).text("waiting")
    if choice not in {"send", "cancel"}:
        raise Rejected(
            Fault(
                pointer="/waiting",
                message="Choose whether to send or cancel the waiting deliveries.",
            )
        )
    adopted = await installation.adopt(_operator_ctx(request), cancel_waiting=choice == "cancel")
    return redirect_back("/system", "adopted", adopted.cancelled)


def _operator_ctx(request: SessionRequest) -> KeyringContext:
    """The KeyringContext of all organizations, even if one is selected."""
    server_ctx = server_ctx_of(request)
    return server_ctx.ctx.for_actor(server_ctx.pool, None, request.auth.caller.actor)


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
    entries = await access.list_audit(
        ctx,
        request.auth.organization,
        cursor=query_params.text("cursor"),
        actor=filters["actor"],
        action=filters["action"],
        subject=filters["subject"],
    )
    query = [(name, value) for name, value in filters.items() if value is not None]
    ids = (_webhook_id(entry) for entry in entries.items)
    return page(
        request,
        "audit.html",
        audit=entries,
        changes_of=changes_of,
        object_of=object_of,
        names=await lookups.names_of_webhooks(ctx, (id_ for id_ in ids if id_ is not None)),
        organizations=await owner_names(request, entries.items),
        filters=filters,
        query=query,
    )


class AuditObject(NamedTuple):
    """The object of an entry: its name, and its page if it has one."""

    name: str
    path: str | None


def _kind(entry: AuditEntry) -> str:
    """The kind of the object: the first part of the action, such as `webhook`."""
    return entry.action.partition(".")[0]


def _webhook_id(entry: AuditEntry) -> UUID | None:
    try:
        return UUID(entry.subject) if _kind(entry) in {"webhook", "link"} else None
    except ValueError:
        return None


def object_of(entry: AuditEntry, names: dict[UUID, KnownWebhook]) -> AuditObject:
    """Names the object of an entry. A deleted object has the name it had last."""
    webhook = names.get(_webhook_id(entry) or UUID(int=0))
    if webhook is not None and webhook.name is not None:
        return AuditObject(webhook.name, f"/webhooks/{webhook.id}" if webhook.exists else None)
    if _kind(entry) == "delivery" and re.fullmatch(r"\d{1,18}", entry.subject):
        return AuditObject(f"Delivery {entry.subject}", f"/deliveries/{entry.subject}")
    named = {**_fields(entry.before), **_fields(entry.after)}.get("name")
    return AuditObject(named if isinstance(named, str) else entry.subject, None)


def changes_of(entry: AuditEntry) -> list[Change]:
    """Lists the fields that differ."""
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


HANDLERS = [system, adoption_form, adopt, audit]
