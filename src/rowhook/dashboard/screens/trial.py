"""A test send: the exact request, the answer, how long each phase took, and how to verify it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar.params import FromPath

from rowhook import operations
from rowhook.compose import Fault, kept_headers
from rowhook.dashboard.editing import sampling
from rowhook.dashboard.editing.snippets import snippets
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import TheOffice, does, shows
from rowhook.dashboard.visit import Visitor
from rowhook.delivery import Timings
from rowhook.operations import Office, Trial

_PHASES = ("dns", "connect", "tls", "first_byte")


@shows("/webhooks/{webhook_id:uuid}/test")
async def trial(webhook_id: FromPath[UUID], request: Visitor, office: TheOffice) -> Page:
    """The form."""
    return await _shown(request, office, webhook_id, Given.query(request))


@does("/webhooks/{webhook_id:uuid}/test", scope="write")
async def send_test(webhook_id: FromPath[UUID], request: Visitor, office: TheOffice) -> Page:
    """Sends it now, and shows what became of it."""
    form = await Given.form(request)
    await operations.webhook_of(office, webhook_id)
    try:
        result = await operations.test_webhook(office, webhook_id, sampling.sample_in(form))
    except operations.NotFound as error:
        gone = Fault(pointer="/sample", message=str(error))
        return await _shown(request, office, webhook_id, form, faults=(gone,), status=422)
    except operations.Rejected as error:
        return await _shown(request, office, webhook_id, form, faults=error.faults, status=422)
    except operations.TooMany as error:
        said = f"{str(error).rstrip('.')}. Try again in {error.wait_s:.0f} s."
        fault = Fault(pointer="/sample", message=said)
        return await _shown(request, office, webhook_id, form, faults=(fault,), status=429)
    return await _shown(request, office, webhook_id, form, result=result)


async def _shown(
    request: Visitor,
    office: Office,
    webhook_id: UUID,
    given: Given,
    *,
    result: Trial | None = None,
    faults: tuple[Fault, ...] = (),
    status: int = 200,
) -> Page:
    webhook = await operations.webhook_of(office, webhook_id)
    owner = await operations.webhook_owner(office, webhook_id)
    choices = await sampling.choices(office, owner, webhook_id)
    return page(
        request,
        "trial.html",
        status=status,
        webhook=webhook,
        result=result,
        faults=faults,
        choices=choices,
        call=sampling.call_of(given, choices),
        **sampling.typed(given),
        snippets=snippets(office.brand),
        written=kept_headers(webhook.headers, office.brand),
        bars=bars(result.timings) if result else [],
        brand=office.brand,
    )


def bars(timings: Timings) -> list[dict[str, Any]]:
    """The phases as bars: where each begins and how long it is, in per cent of the whole."""
    whole = timings.total or 0
    begins = 0.0
    made = []
    for name in _PHASES:
        took = getattr(timings, name)
        if took is None:
            continue
        share = 100 / whole if whole else 0
        made.append(
            {
                "name": name.replace("_", " "),
                "ms": took,
                "x": begins * share,
                "width": max(took * share, 0.6),
            }
        )
        begins += took
    return made


HANDLERS = [trial, send_test]
