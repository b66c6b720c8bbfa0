"""API keys: made and shown once, listed by what may be known of them, deleted."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from litestar import Response

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, go, page
from rowhook.dashboard.route import TheOffice, does, shows
from rowhook.dashboard.visit import Visitor
from rowhook.operations import NotFound, Office
from rowhook.operations.documents import NewApiKey, Scope

_MEANINGS = {
    "read": "view everything except keys and audit",
    "write": "manage webhooks and links, send tests",
    "secrets": "save and delete secrets",
    "replay": "retry, cancel and replay deliveries",
    "admin": "manage keys, view audit and system",
}
_BLANK = {"name": "", "scopes": ["read"], "organization_id": "", "expires_at": ""}


@shows("/keys", scope="admin")
async def keys(request: Visitor, office: TheOffice) -> Page:
    """The list, and the form for a new one."""
    return await _listed(request, office)


async def _listed(
    request: Visitor,
    office: Office,
    *,
    status: int = 200,
    draft: dict[str, Any] | None = None,
    faults: tuple[Fault, ...] = (),
    new_key: NewApiKey | None = None,
) -> Page:
    asked = Given.query(request)
    found = await operations.list_keys(
        office, request.auth.organization, cursor=asked.text("cursor")
    )
    return page(
        request,
        "keys.html",
        status=status,
        keys=found,
        done=asked.text("done"),
        new_key=new_key,
        draft=draft or _BLANK,
        faults=faults,
        scopes=list(_MEANINGS.items()),
    )


@does("/keys", scope="admin")
async def make_key(request: Visitor, office: TheOffice) -> Page:
    """A new key, on the page that answers and never again."""
    given = await Given.form(request)
    draft = {name: given.raw(name) for name in _BLANK} | {"scopes": given.all("scopes")}
    try:
        holder = request.auth.organization
        if holder is None and (named := given.text("organization_id")) is not None:
            holder = await operations.organization_id(office, named)
        new_key = await operations.grant_key(
            office,
            request.auth.caller,
            holder,
            given.text("name") or "",
            _scopes(given),
            given.moment("expires_at"),
        )
    except operations.Rejected as error:
        return await _listed(request, office, status=422, draft=draft, faults=error.faults)
    except operations.NotFound as error:
        fault = Fault(pointer="/organization_id", message=str(error))
        return await _listed(request, office, status=422, draft=draft, faults=(fault,))
    return await _listed(request, office, new_key=new_key)


def _scopes(given: Given) -> list[Scope]:
    return [msgspec.convert(one, Scope) for one in given.all("scopes") if one in get_args(Scope)]


@does("/keys/delete", scope="admin")
async def delete_key(request: Visitor, office: TheOffice) -> Response[Any]:
    """It admits nobody from now on."""
    key = (await Given.form(request)).uuid("key_id")
    if key is None:
        raise NotFound("The form names no key.")
    await operations.delete_key(office, key)
    return go("/keys?done=deleted")


HANDLERS = [keys, make_key, delete_key]
