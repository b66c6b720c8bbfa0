"""Alerts: webhooks that report the events of other webhooks to Slack, Teams or any URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Response
from litestar.exceptions import PermissionDeniedException
from litestar.params import FromPath

from rowhook.dashboard.browser_session import SessionRequest
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import ContextDependency, Page, form_route, page, page_route, redirect
from rowhook.dashboard.presets import ALERT_DESTINATIONS
from rowhook.render.configuration import Configuration, Fault
from rowhook.services import alerts, previews, webhooks
from rowhook.services.alerts import AlertThresholds
from rowhook.services.context import Conflict, KeyringContext, RateLimited, Rejected
from rowhook.services.previews import Trial
from rowhook.services.sample_data import Sample

_SELECT_ORGANIZATION = "/organizations?next=/alerts"
_DESCRIPTIONS = {
    "webhook.failing": "every attempt has failed for 2.5 days",
    "webhook.disabled": "a webhook is disabled, after 5 days of failures or by the receiver",
    "webhook.recovered": "a failing webhook delivers again",
    "webhook.held": "a webhook holds deliveries that could not be rendered or validated",
    "webhook.backlog": "deliveries are due and wait",
}


@page_route("/alerts")
async def list_alerts(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Lists alerts, with the forms for a new one and for the thresholds."""
    if request.auth.organization is None:
        return redirect(_SELECT_ORGANIZATION)
    return await _alerts_page(request, ctx, request.auth.organization)


async def _alerts_page(
    request: SessionRequest,
    ctx: KeyringContext,
    organization: UUID,
    *,
    status: int = 200,
    draft: dict[str, Any] | None = None,
    thresholds: dict[str, Any] | None = None,
    faults: tuple[Fault, ...] = (),
    result: Trial | None = None,
    refusal: str | None = None,
) -> Page:
    stored = await alerts.alert_thresholds(ctx, organization)
    selected = request.auth.selected_organization_id
    return page(
        request,
        "alerts.html",
        status=status,
        alerts=await alerts.list_alerts(ctx, organization),
        destinations=ALERT_DESTINATIONS,
        types=_DESCRIPTIONS,
        draft=draft or {"name": "", "destination": "slack", "event_types": list(_DESCRIPTIONS)},
        thresholds=thresholds or _form_values(stored),
        stored=stored,
        faults=faults,
        result=result,
        refusal=refusal,
        owner=f"?organization_id={quote(selected, safe='')}" if selected else "",
        done=FormData.from_query(request).text("done"),
    )


def _form_values(thresholds: AlertThresholds) -> dict[str, Any]:
    """The values of the form, with the age in minutes."""
    return {
        "held": thresholds.held,
        "backlog": thresholds.backlog,
        "backlog_age_min": -(-thresholds.backlog_age_s // 60),
    }


def _require_secrets(request: SessionRequest) -> None:
    if not request.auth.has_scope("secrets"):
        message = "The URL of an alert is a secret, and this key lacks the scope secrets."
        raise PermissionDeniedException(message)


@form_route("/alerts", scope="write")
async def create_alert(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Creates an alert. The URL is never sent back, not even after an error."""
    form, organization = await FormData.from_body(request), request.auth.organization
    _require_secrets(request)
    if organization is None:
        return redirect(_SELECT_ORGANIZATION)
    draft = {
        "name": form.text("name") or "",
        "destination": form.text("destination") or "",
        "event_types": form.all("event_types"),
    }
    try:
        await _create(ctx, organization, draft, form.text("url") or "")
    except Rejected as error:
        return await _alerts_page(
            request, ctx, organization, status=422, draft=draft, faults=error.faults
        )
    except Conflict as error:
        return await _alerts_page(
            request, ctx, organization, status=409, draft=draft, refusal=str(error)
        )
    return redirect("/alerts?done=created")


async def _create(ctx: KeyringContext, organization: UUID, draft: dict[str, Any], url: str) -> None:
    destination = draft["destination"]
    if destination not in ALERT_DESTINATIONS:
        message = f"Must be one of: {', '.join(ALERT_DESTINATIONS)}."
        raise Rejected(Fault(pointer="/destination", message=message))
    title, _, body = ALERT_DESTINATIONS[destination]
    configuration = Configuration(
        name=draft["name"] or f"Alerts to {title}",
        event_types=draft["event_types"],
        body_template=body,
    )
    await alerts.create_alert(ctx, organization, url, destination, configuration)


@form_route("/alerts/thresholds", scope="write")
async def save_thresholds(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Saves the thresholds of held deliveries and of backlogs."""
    form, organization = await FormData.from_body(request), request.auth.organization
    if organization is None:
        return redirect(_SELECT_ORGANIZATION)
    entered = {name: form.raw(name) for name in ("held", "backlog", "backlog_age_min")}
    try:
        await alerts.set_alert_thresholds(
            ctx,
            organization,
            AlertThresholds(
                held=form.integer("held") or 0,
                backlog=form.integer("backlog") or 0,
                backlog_age_s=(form.integer("backlog_age_min") or 0) * 60,
            ),
        )
    except Rejected as error:
        faults = tuple(_of_form(fault) for fault in error.faults)
        return await _alerts_page(
            request, ctx, organization, status=422, thresholds=entered, faults=faults
        )
    return redirect("/alerts?done=thresholds")


def _of_form(fault: Fault) -> Fault:
    """A fault of the age, in the unit of the form."""
    if fault.pointer != "/backlog_age_s":
        return fault
    return Fault(pointer="/backlog_age_min", message="Use 1 to 43,200 minutes.")


@form_route("/alerts/{alert_id:uuid}/test", scope="write")
async def send_test(
    alert_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Sends a test request and shows its result."""
    organization = request.auth.organization
    if organization is None:
        return redirect(_SELECT_ORGANIZATION)
    await alerts.alert_of(ctx, organization, alert_id)
    try:
        result = await previews.test_webhook(ctx, alert_id, Sample())
    except RateLimited as error:
        message = f"{str(error).rstrip('.')}. Try again in {error.wait_s:.0f} s."
        return await _alerts_page(request, ctx, organization, status=429, refusal=message)
    return await _alerts_page(request, ctx, organization, result=result)


@form_route("/alerts/{alert_id:uuid}/state", scope="write")
async def set_state(
    alert_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Pauses or resumes an alert."""
    form, organization = await FormData.from_body(request), request.auth.organization
    if organization is None:
        return redirect(_SELECT_ORGANIZATION)
    await alerts.alert_of(ctx, organization, alert_id)
    is_paused = form.text("to") == "paused"
    await webhooks.set_state(ctx, alert_id, "paused" if is_paused else "active")
    return redirect(f"/alerts?done={'paused' if is_paused else 'resumed'}")


@form_route("/alerts/{alert_id:uuid}/delete", scope="write")
async def delete_alert(
    alert_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Response[Any]:
    """Deletes an alert and its URL."""
    _require_secrets(request)
    organization = request.auth.organization
    if organization is None:
        return redirect(_SELECT_ORGANIZATION)
    await alerts.delete_alert(ctx, organization, alert_id)
    return redirect("/alerts?done=deleted")


HANDLERS = [list_alerts, create_alert, save_thresholds, send_test, set_state, delete_alert]
