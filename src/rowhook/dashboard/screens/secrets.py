"""The secrets page: save, replace and delete secrets, without ever showing them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Response

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard.given import FormData
from rowhook.dashboard.page import Page, page, redirect
from rowhook.dashboard.route import ContextDependency, form_route, page_route
from rowhook.dashboard.visit import SessionRequest
from rowhook.operations import KeyringContext

_SELECT_ORGANIZATION = "/organizations?next=/secrets"


@page_route("/secrets")
async def secrets(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """List secrets, with the form for a new or an existing one."""
    params = FormData.from_query(request)
    organization = request.auth.organization
    if organization is None:
        return redirect(_SELECT_ORGANIZATION)
    name = params.text("edit")
    exists, hosts = await operations.secret_hosts(ctx, organization, name or "")
    draft = _draft(name, hosts, replaces=exists)
    return await _secrets_page(request, ctx, organization, draft=draft)


def _draft(name: str | None, hosts: list[str] | None, *, replaces: bool) -> dict[str, Any]:
    """The values of the form. `hosts` is None for any host, and empty for no host."""
    return {
        "secret_id": name,
        "allowed_hosts": " ".join(hosts or ()),
        "hosts": hosts,
        "replaces": replaces,
    }


async def _secrets_page(
    request: SessionRequest,
    ctx: KeyringContext,
    organization: UUID,
    *,
    status: int = 200,
    draft: dict[str, Any] | None = None,
    faults: tuple[Fault, ...] = (),
    refusal: Any = None,
) -> Page:
    params, selected = FormData.from_query(request), request.auth.selected_organization_id
    secrets_page = await operations.list_secrets(ctx, organization, cursor=params.text("cursor"))
    return page(
        request,
        "secrets.html",
        status=status,
        secrets=secrets_page,
        done=params.text("done"),
        draft=draft or _draft(None, None, replaces=False),
        faults=faults,
        refusal=refusal,
        owner=f"?organization_id={quote(selected, safe='')}" if selected else "",
    )


@form_route("/secrets", scope="secrets")
async def put_secret(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Save or replace a secret. The value is never sent back, not even after an error."""
    form, organization = await FormData.from_body(request), request.auth.organization
    if organization is None:
        return redirect(_SELECT_ORGANIZATION)
    name, entered = form.text("secret_id") or "", (form.text("allowed_hosts") or "").split()
    hosts = entered if entered or form.flag("to_no_host") else None
    replaces = form.flag("replaces")
    try:
        if not replaces:
            await _require_new(ctx, organization, name)
        await operations.put_secret(ctx, organization, name, form.raw("value"), hosts)
    except operations.Rejected as error:
        draft = _draft(name, hosts, replaces=replaces)
        return await _secrets_page(
            request, ctx, organization, status=422, draft=draft, faults=error.faults
        )
    return redirect("/secrets?done=saved")


async def _require_new(ctx: KeyringContext, organization: UUID, name: str) -> None:
    exists, _ = await operations.secret_hosts(ctx, organization, name)
    if exists:
        message = "A secret with this id exists. Select it in the list to replace its value."
        raise operations.Rejected(Fault(pointer="/secret_id", message=message))


@form_route("/secrets/delete", scope="secrets")
async def delete_secret(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Delete a secret, or name the webhooks that use it."""
    form, organization = await FormData.from_body(request), request.auth.organization
    if organization is None:
        return redirect(_SELECT_ORGANIZATION)
    try:
        await operations.delete_secret(ctx, organization, form.text("secret_id") or "")
    except operations.Conflict as error:
        refusal = {"message": str(error), "users": [user for user in error.errors if "id" in user]}
        return await _secrets_page(request, ctx, organization, status=409, refusal=refusal)
    return redirect("/secrets?done=deleted")


HANDLERS = [secrets, put_secret, delete_secret]
