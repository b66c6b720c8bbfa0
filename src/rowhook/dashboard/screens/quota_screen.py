"""The quotas of one organization and its usage; operators set them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import Response

from rowhook.dashboard.browser_session import SessionRequest, server_ctx_of
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import ContextDependency, Page, form_route, page, page_route, redirect
from rowhook.render.configuration import Fault
from rowhook.services import organizations
from rowhook.services.context import KeyringContext, Rejected
from rowhook.services.organizations import Quota, QuotaPatch

_SELECT_ORGANIZATION = "/organizations?next=/quotas"
_MEGABYTE = 1_000_000
_ROUNDING = 1e-6
# The field of a quota, its factor, and what it accepts.
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


@page_route("/quotas")
async def quotas(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Show the quotas; operators with the scope admin have a form."""
    if request.auth.organization is None:
        return redirect(_SELECT_ORGANIZATION)
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
        entered=entered or _shown(details.quota),
        faults=faults,
        may_change=request.auth.is_operator and request.auth.has_scope("admin"),
        done=FormData.from_query(request).text("done"),
    )


def _shown(quota: Quota) -> dict[str, str]:
    """The texts of the form."""
    values = {name: (getattr(quota, of), factor) for name, (of, factor, _) in _FIELDS.items()}
    return {
        name: "" if value is None else f"{value / factor:.6f}".rstrip("0").rstrip(".")
        for name, (value, factor) in values.items()
    }


@form_route("/quotas", scope="admin", operators_only=True)
async def set_quotas(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Set the quotas of the form; an empty field is no limit."""
    form, organization = await FormData.from_body(request), request.auth.organization
    if organization is None:
        return redirect(_SELECT_ORGANIZATION)
    entered = {name: form.raw(name) for name in _FIELDS}
    try:
        patch = _patch(form)
    except Rejected as error:
        return await _quotas_page(
            request, ctx, organization, status=422, entered=entered, faults=error.faults
        )
    # As the operator: an organization, also one that an operator selected, cannot change its own.
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


HANDLERS = [quotas, set_quotas]
