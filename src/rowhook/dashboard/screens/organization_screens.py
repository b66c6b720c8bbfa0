"""The settings of an organization: API keys, secrets and quotas."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Response

from rowhook.dashboard.browser_session import SessionRequest, owner_names, server_ctx_of
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import ContextDependency, Page, form_route, page, page_route, redirect
from rowhook.render.configuration import Fault
from rowhook.services import access, lookups, organizations
from rowhook.services import secrets as secrets_service
from rowhook.services.access import NewApiKey, Scope
from rowhook.services.context import Conflict, KeyringContext, NotFound, Rejected
from rowhook.services.organizations import Quota, QuotaPatch
from rowhook.services.secrets import list_secrets, secret_hosts

_SCOPE_DESCRIPTIONS = {
    "read": "view everything except API keys and the audit",
    "write": "manage webhooks and links, and send tests",
    "secrets": "save and delete secrets",
    "replay": "retry, cancel and replay deliveries",
    "admin": "manage API keys, and view the audit and the system",
}
_EMPTY_DRAFT = {"name": "", "scopes": ["read"], "organization_id": "", "expires_at": ""}
_SELECT_FOR_SECRETS = "/organizations?next=/secrets"
_SELECT_FOR_QUOTAS = "/organizations?next=/quotas"
_MEGABYTE = 1_000_000
_ROUNDING = 1e-6
# The field of a quota, its factor, and the values that it accepts.
_FIELDS = {
    "webhooks": ("webhooks", 1, "Enter a whole number up to 1,000,000, or nothing for no limit."),
    "deliveries_per_s": (
        "deliveries_per_s",
        1,
        "Enter a number above 0 and up to 1,000,000, or nothing for no limit.",
    ),
    "megabytes_per_day": (
        "bytes_per_day",
        _MEGABYTE,
        "Enter a number above 0 and up to 1,000,000,000, or nothing for no limit.",
    ),
}


@page_route("/keys", scope="admin")
async def keys(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Lists keys, with the form for a new one."""
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
    keys_page = await access.list_keys(ctx, request.auth.organization, cursor=params.text("cursor"))
    return page(
        request,
        "keys.html",
        status=status,
        keys=keys_page,
        organizations=await owner_names(request, keys_page.items),
        done=params.text("done"),
        new_key=new_key,
        draft=draft or _EMPTY_DRAFT,
        faults=faults,
        scopes=list(_SCOPE_DESCRIPTIONS.items()),
    )


@form_route("/keys", scope="admin")
async def create_key(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Creates a key and shows it once, in this response."""
    form = await FormData.from_body(request)
    draft = {name: form.raw(name) for name in _EMPTY_DRAFT} | {"scopes": form.all("scopes")}
    name, scopes, faults = form.text("name") or "", _scopes(form), list[Fault]()
    organization = await _organization(request, ctx, form, faults)
    expires_at = _expiry(form, faults)
    if faults:
        faults = [*access.key_faults(name, scopes, expires_at), *faults]
        return await _keys_page(request, ctx, status=422, draft=draft, faults=tuple(faults))
    try:
        new_key = await access.grant_key(
            ctx, request.auth.caller, organization, name, scopes, expires_at
        )
    except Rejected as error:
        return await _keys_page(request, ctx, status=422, draft=draft, faults=error.faults)
    return await _keys_page(request, ctx, new_key=new_key)


async def _organization(
    request: SessionRequest, ctx: KeyringContext, form: FormData, faults: list[Fault]
) -> UUID | None:
    """The organization of the session, or the one that an operator entered."""
    text = form.text("organization_id")
    if request.auth.organization is not None or text is None:
        return request.auth.organization
    try:
        return await lookups.organization_id(ctx, text)
    except NotFound as error:
        faults.append(Fault(pointer="/organization_id", message=str(error)))
        return None


def _expiry(form: FormData, faults: list[Fault]) -> datetime | None:
    try:
        return form.timestamp("expires_at")
    except Rejected as error:
        faults.extend(error.faults)
        return None


def _scopes(form: FormData) -> list[Scope]:
    scopes = form.all("scopes")
    return [msgspec.convert(scope, Scope) for scope in scopes if scope in get_args(Scope)]


@form_route("/keys/delete", scope="admin")
async def delete_key(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Deletes a key."""
    key = (await FormData.from_body(request)).uuid("key_id")
    if key is None:
        raise NotFound("The form names no key.")
    await access.delete_key(ctx, key)
    return redirect("/keys?done=deleted")


@page_route("/secrets")
async def secrets(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Lists secrets, with the form for a new or an existing one."""
    params = FormData.from_query(request)
    organization = request.auth.organization
    if organization is None:
        return redirect(_SELECT_FOR_SECRETS)
    name = params.text("edit")
    exists, hosts = await secret_hosts(ctx, organization, name or "")
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
    secrets_page = await list_secrets(ctx, organization, cursor=params.text("cursor"))
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
    """Saves or replaces a secret. The value is never sent back, not even after an error."""
    form, organization = await FormData.from_body(request), request.auth.organization
    if organization is None:
        return redirect(_SELECT_FOR_SECRETS)
    name, entered = form.text("secret_id") or "", (form.text("allowed_hosts") or "").split()
    hosts = entered if entered or form.flag("to_no_host") else None
    replaces = form.flag("replaces")
    try:
        if not replaces:
            await _require_new(ctx, organization, name)
        await secrets_service.put_secret(ctx, organization, name, form.raw("value"), hosts)
    except Rejected as error:
        draft = _draft(name, hosts, replaces=replaces)
        return await _secrets_page(
            request, ctx, organization, status=422, draft=draft, faults=error.faults
        )
    return redirect("/secrets?done=saved")


async def _require_new(ctx: KeyringContext, organization: UUID, name: str) -> None:
    exists, _ = await secret_hosts(ctx, organization, name)
    if exists:
        message = "A secret with this id exists. Select it in the list to replace its value."
        raise Rejected(Fault(pointer="/secret_id", message=message))


@form_route("/secrets/delete", scope="secrets")
async def delete_secret(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Deletes a secret, or names the webhooks that use it."""
    form, organization = await FormData.from_body(request), request.auth.organization
    if organization is None:
        return redirect(_SELECT_FOR_SECRETS)
    try:
        await secrets_service.delete_secret(ctx, organization, form.text("secret_id") or "")
    except Conflict as error:
        refusal = {"message": str(error), "users": [user for user in error.errors if "id" in user]}
        return await _secrets_page(request, ctx, organization, status=409, refusal=refusal)
    return redirect("/secrets?done=deleted")


@page_route("/quotas")
async def quotas(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Shows the quotas; operators with the scope admin have a form."""
    if request.auth.organization is None:
        return redirect(_SELECT_FOR_QUOTAS)
    return await _quotas_page(request, ctx, request.auth.organization)


async def _quotas_page(
    request: SessionRequest,
    ctx: KeyringContext,
    organization: UUID,
    *,
    status: int = 200,
    entered: dict[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
) -> Page:
    details = await organizations.organization_of(ctx, organization)
    return page(
        request,
        "quotas.html",
        status=status,
        details=details,
        entered=entered or _form_texts(details.quota),
        faults=faults,
        may_change=request.auth.is_operator and request.auth.has_scope("admin"),
        done=FormData.from_query(request).text("done"),
    )


def _form_texts(quota: Quota) -> dict[str, str]:
    """The texts of the form."""
    values = {name: (getattr(quota, of), factor) for name, (of, factor, _) in _FIELDS.items()}
    return {
        name: "" if value is None else f"{value / factor:.6f}".rstrip("0").rstrip(".")
        for name, (value, factor) in values.items()
    }


@form_route("/quotas", scope="admin", operators_only=True)
async def set_quotas(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Sets the quotas of the form; an empty field removes the limit."""
    form, organization = await FormData.from_body(request), request.auth.organization
    if organization is None:
        return redirect(_SELECT_FOR_QUOTAS)
    entered = {name: form.raw(name) for name in _FIELDS}
    try:
        patch = _patch(form)
    except Rejected as error:
        return await _quotas_page(
            request, ctx, organization, status=422, entered=entered, faults=error.faults
        )
    # With the context of the operator: an organization cannot change its own quotas.
    server_ctx, actor = server_ctx_of(request), request.auth.caller.actor
    operator = server_ctx.ctx.for_actor(server_ctx.pool, None, actor)
    await organizations.set_quotas(operator, organization, patch)
    return redirect("/quotas?done=saved")


def _patch(form: FormData) -> QuotaPatch:
    """The quotas of the form. Raises Rejected with all faults."""
    numbers: dict[str, float | int | None] = {}
    faults: list[Fault] = []
    for name, (quota, factor, expected) in _FIELDS.items():
        try:
            number = form.number(name)
            numbers[quota] = None if number is None else _whole(number * factor)
            msgspec.convert({quota: numbers[quota]}, QuotaPatch)
        except (ValueError, OverflowError, msgspec.ValidationError):
            faults.append(Fault(pointer=f"/{name}", message=expected))
    if faults:
        raise Rejected(*faults)
    return msgspec.convert(numbers, QuotaPatch)


def _whole(number: float) -> float | int:
    """The number as an integer where it is one, up to the rounding of a factor."""
    return round(number) if abs(number - round(number)) < _ROUNDING else number


HANDLERS = [keys, create_key, delete_key, secrets, put_secret, delete_secret, quotas, set_quotas]
