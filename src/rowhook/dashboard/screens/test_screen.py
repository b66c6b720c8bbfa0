"""Test sends: the exact request, the response, timings, and code to verify the signature."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar.params import FromPath

from rowhook.dashboard import preview_sample
from rowhook.dashboard.browser_session import SessionRequest
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import ContextDependency, Page, form_route, page, page_route
from rowhook.dashboard.verification_snippets import snippets
from rowhook.model import Timings
from rowhook.render.configuration import Fault
from rowhook.render.webhook_parts import custom_header_names
from rowhook.services import lookups, previews, webhooks
from rowhook.services.context import KeyringContext, NotFound, RateLimited, Rejected
from rowhook.services.previews import Trial

_PHASES = ("dns", "connect", "tls", "first_byte")


@page_route("/webhooks/{webhook_id:uuid}/test")
async def test_form(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Show the form."""
    return await _test_page(request, ctx, webhook_id, FormData.from_query(request))


@form_route("/webhooks/{webhook_id:uuid}/test", scope="write")
async def send_test(
    webhook_id: FromPath[UUID], request: SessionRequest, ctx: ContextDependency
) -> Page:
    """Send a test request and show the result."""
    form = await FormData.from_body(request)
    await webhooks.webhook_of(ctx, webhook_id)
    try:
        result = await previews.test_webhook(ctx, webhook_id, preview_sample.read_sample(form))
    except NotFound as error:
        fault = Fault(pointer="/sample", message=str(error))
        return await _test_page(request, ctx, webhook_id, form, faults=(fault,), status=422)
    except Rejected as error:
        return await _test_page(request, ctx, webhook_id, form, faults=error.faults, status=422)
    except RateLimited as error:
        message = f"{str(error).rstrip('.')}. Try again in {error.wait_s:.0f} s."
        fault = Fault(pointer="/sample", message=message)
        return await _test_page(request, ctx, webhook_id, form, faults=(fault,), status=429)
    return await _test_page(request, ctx, webhook_id, form, result=result)


async def _test_page(
    request: SessionRequest,
    ctx: KeyringContext,
    webhook_id: UUID,
    form: FormData,
    *,
    result: Trial | None = None,
    faults: tuple[Fault, ...] = (),
    status: int = 200,
) -> Page:
    webhook = await webhooks.webhook_of(ctx, webhook_id)
    owner = await lookups.webhook_owner(ctx, webhook_id)
    choices = await preview_sample.choices(ctx, owner, webhook_id)
    return page(
        request,
        "test_send.html",
        status=status,
        webhook=webhook,
        result=result,
        faults=faults,
        choices=choices,
        call=preview_sample.api_sample(form, choices),
        **preview_sample.form_values(form),
        snippets=snippets(ctx.brand),
        written=custom_header_names(webhook.headers, ctx.brand),
        bars=bars(result.timings) if result else [],
        brand=ctx.brand,
    )


def bars(timings: Timings) -> list[dict[str, Any]]:
    """The phases of a request as bars: start and width in per cent of the total."""
    total = timings.total or 0
    start_ms = 0.0
    bars_: list[dict[str, Any]] = []
    for name in _PHASES:
        duration = getattr(timings, name)
        if duration is None:
            continue
        percent_per_ms = 100 / total if total else 0
        bars_.append(
            {
                "name": name.replace("_", " "),
                "ms": duration,
                "x": start_ms * percent_per_ms,
                "width": max(duration * percent_per_ms, 0.6),
            }
        )
        start_ms += duration
    return bars_


HANDLERS = [test_form, send_test]
