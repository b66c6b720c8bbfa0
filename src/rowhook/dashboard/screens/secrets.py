"""Secrets of an organization: saved, replaced, deleted where nothing uses them; never shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Response

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, go, page
from rowhook.dashboard.route import TheOffice, does, shows
from rowhook.dashboard.visit import Visitor
from rowhook.operations import Office

_CHOOSE = "/organizations?next=/secrets"


@shows("/secrets")
async def secrets(request: Visitor, office: TheOffice) -> Response[Any]:
    """The list, and the form for one."""
    asked = Given.query(request)
    organization = request.auth.organization
    if organization is None:
        return go(_CHOOSE)
    named = asked.text("edit")
    is_there, hosts = await operations.secret_hosts(office, organization, named or "")
    draft = _draft(named, hosts, replaces=is_there)
    return await _listed(request, office, organization, draft=draft)


def _draft(name: str | None, hosts: list[str] | None, *, replaces: bool) -> dict[str, Any]:
    """What the form shows. `hosts` is None for any host, and empty for none at all."""
    return {
        "secret_id": name,
        "allowed_hosts": " ".join(hosts or ()),
        "hosts": hosts,
        "replaces": replaces,
    }


async def _listed(
    request: Visitor,
    office: Office,
    organization: UUID,
    *,
    status: int = 200,
    draft: dict[str, Any] | None = None,
    faults: tuple[Fault, ...] = (),
    refusal: Any = None,
) -> Page:
    asked, whose = Given.query(request), request.auth.chosen_id
    found = await operations.list_secrets(office, organization, cursor=asked.text("cursor"))
    return page(
        request,
        "secrets.html",
        status=status,
        secrets=found,
        done=asked.text("done"),
        draft=draft or _draft(None, None, replaces=False),
        faults=faults,
        refusal=refusal,
        owner=f"?organization_id={quote(whose, safe='')}" if whose else "",
    )


@does("/secrets", scope="secrets")
async def put_secret(request: Visitor, office: TheOffice) -> Response[Any]:
    """Saves or replaces one. The value is never given back, not even with its faults."""
    given, organization = await Given.form(request), request.auth.organization
    if organization is None:
        return go(_CHOOSE)
    name, named = given.text("secret_id") or "", (given.text("allowed_hosts") or "").split()
    hosts = named if named or given.flag("to_no_host") else None
    replaces = given.flag("replaces")
    try:
        if not replaces:
            await _require_new(office, organization, name)
        await operations.put_secret(office, organization, name, given.raw("value"), hosts)
    except operations.Rejected as error:
        draft = _draft(name, hosts, replaces=replaces)
        return await _listed(
            request, office, organization, status=422, draft=draft, faults=error.faults
        )
    return go("/secrets?done=saved")


async def _require_new(office: Office, organization: UUID, name: str) -> None:
    is_there, _ = await operations.secret_hosts(office, organization, name)
    if is_there:
        said = "A secret with this id exists. Select it in the list to replace its value."
        raise operations.Rejected(Fault(pointer="/secret_id", message=said))


@does("/secrets/delete", scope="secrets")
async def delete_secret(request: Visitor, office: TheOffice) -> Response[Any]:
    """Deletes one; the page names the webhooks that hold it."""
    given, organization = await Given.form(request), request.auth.organization
    if organization is None:
        return go(_CHOOSE)
    try:
        await operations.delete_secret(office, organization, given.text("secret_id") or "")
    except operations.Conflict as error:
        refusal = {"said": str(error), "users": [one for one in error.errors if "id" in one]}
        return await _listed(request, office, organization, status=409, refusal=refusal)
    return go("/secrets?done=deleted")


HANDLERS = [secrets, put_secret, delete_secret]
