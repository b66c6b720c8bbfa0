"""The API keys page: create, list and delete keys."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from litestar import Response

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard.given import FormData
from rowhook.dashboard.page import Page, page, redirect
from rowhook.dashboard.route import ContextDependency, form_route, page_route
from rowhook.dashboard.visit import SessionRequest
from rowhook.operations import KeyringContext, NotFound
from rowhook.operations.documents import NewApiKey, Scope

_SCOPE_DESCRIPTIONS = {
    "read": "view everything except keys and audit",
    "write": "manage webhooks and links, send tests",
    "secrets": "save and delete secrets",
    "replay": "retry, cancel and replay deliveries",
    "admin": "manage keys, view audit and system",
}
_EMPTY_DRAFT = {"name": "", "scopes": ["read"], "organization_id": "", "expires_at": ""}


@page_route("/keys", scope="admin")
async def keys(request: SessionRequest, ctx: ContextDependency) -> Page:
    """List keys, with the form for a new one."""
    return await _keys_page(request, ctx)


async def _keys_page(
    request: SessionRequest,
    ctx: KeyringContext,
    *,
    status: int = 200,
    draft: dict[str, Any] | None = None,
    faults: tuple[Fault, ...] = (),
    new_key: NewApiKey | None = None,
) -> Page:
    params = FormData.from_query(request)
    keys_page = await operations.list_keys(
        ctx, request.auth.organization, cursor=params.text("cursor")
    )
    return page(
        request,
        "keys.html",
        status=status,
        keys=keys_page,
        done=params.text("done"),
        new_key=new_key,
        draft=draft or _EMPTY_DRAFT,
        faults=faults,
        scopes=list(_SCOPE_DESCRIPTIONS.items()),
    )


@form_route("/keys", scope="admin")
async def create_key(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Create a key and show it once, in this response."""
    form = await FormData.from_body(request)
    draft = {name: form.raw(name) for name in _EMPTY_DRAFT} | {"scopes": form.all("scopes")}
    try:
        organization = request.auth.organization
        if organization is None and (text := form.text("organization_id")) is not None:
            organization = await operations.organization_id(ctx, text)
        new_key = await operations.grant_key(
            ctx,
            request.auth.caller,
            organization,
            form.text("name") or "",
            _scopes(form),
            form.timestamp("expires_at"),
        )
    except operations.Rejected as error:
        return await _keys_page(request, ctx, status=422, draft=draft, faults=error.faults)
    except operations.NotFound as error:
        fault = Fault(pointer="/organization_id", message=str(error))
        return await _keys_page(request, ctx, status=422, draft=draft, faults=(fault,))
    return await _keys_page(request, ctx, new_key=new_key)


def _scopes(form: FormData) -> list[Scope]:
    scopes = form.all("scopes")
    return [msgspec.convert(scope, Scope) for scope in scopes if scope in get_args(Scope)]


@form_route("/keys/delete", scope="admin")
async def delete_key(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Delete a key."""
    key = (await FormData.from_body(request)).uuid("key_id")
    if key is None:
        raise NotFound("The form names no key.")
    await operations.delete_key(ctx, key)
    return redirect("/keys?done=deleted")


HANDLERS = [keys, create_key, delete_key]
