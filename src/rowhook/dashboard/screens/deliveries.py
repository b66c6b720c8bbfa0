"""Deliveries: found, watched as they come, sent again or stopped many at a time."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from litestar import Response
from litestar.response import Stream

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard.choices import webhook_choices
from rowhook.dashboard.done import back, said
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, fragment, page
from rowhook.dashboard.route import TheOffice, TheStreams, does, lives, shows
from rowhook.dashboard.sought import EVENT_TYPES, STATUSES, Sought, sought
from rowhook.dashboard.visit import Visitor
from rowhook.operations import Office, Rejected
from rowhook.operations.documents import Deliveries, Tally

_EVERY_S = 1.0
_MOST_IDS = 200
_MOST_GOALS = 200
_NOTHING = Tally(total=0, by_status={}, capped=False)
_DONE = {
    "retried": "{} of {} sent again.",
    "retried_some": "{} of {} sent again. Deliveries that are being sent were not changed.",
    "cancelled": "{} of {} cancelled.",
    "cancelled_some": "{} of {} cancelled. Finished deliveries cannot be cancelled.",
}


@shows("/deliveries")
async def deliveries(request: Visitor, office: TheOffice) -> Page:
    """A page of what the address asks for, newest first."""
    asked = Given.query(request)
    wanted = sought(asked, request.auth.organization)
    found, tally = Deliveries([], None), _NOTHING
    if not wanted.faults:
        found = await operations.list_deliveries(office, wanted.wanted, cursor=asked.text("cursor"))
        tally = await operations.tally(office, replace(wanted.wanted, statuses=STATUSES))
    return page(
        request,
        "deliveries.html",
        status=422 if wanted.faults else 200,
        found=found,
        tally=tally,
        sought=wanted,
        webhooks=await webhook_choices(request, wanted.wanted.webhook),
        statuses=STATUSES,
        event_types=EVENT_TYPES,
        said=said(asked.text("done"), _DONE),
        live=asked.flag("live") and not wanted.faults,
        **await _begins(office, found, wanted),
    )


async def _begins(office: Office, found: Deliveries, wanted: Sought) -> dict[str, Any]:
    """Where nothing was ever delivered: a goal whose commits would be, if there is one."""
    if found.items or wanted.query:
        return {"goal": None}
    goals = (await operations.list_goals(office, limit=_MOST_GOALS)).items
    return {"goal": next((one for one in goals if one.webhooks), None)}


@lives("/live/deliveries")
async def live(request: Visitor, office: TheOffice, streams: TheStreams) -> Stream:
    """The newest page of the same address, as its rows come and change. Raises Rejected."""
    asked, organization = Given.query(request), request.auth.organization
    if faults := sought(asked, organization).faults:
        raise Rejected(*faults)

    async def rows() -> str:
        wanted = sought(asked, organization).wanted
        found = await operations.list_deliveries(office, wanted)
        return fragment(request, "_delivery_rows.html", found=found)

    return streams.of("rows", _EVERY_S, rows)


@does("/deliveries/retry", scope="replay")
async def retry(request: Visitor, office: TheOffice) -> Response[Any]:
    """Sends the chosen ones again."""
    chosen = await _chosen(request)
    counted = await operations.retry(office, chosen)
    return back(_list(request), "retried", counted.deliveries, len(chosen))


@does("/deliveries/cancel", scope="replay")
async def cancel(request: Visitor, office: TheOffice) -> Response[Any]:
    """Stops the chosen ones."""
    chosen = await _chosen(request)
    counted = await operations.cancel(office, chosen)
    return back(_list(request), "cancelled", counted.deliveries, len(chosen))


async def _chosen(request: Visitor) -> list[int]:
    given = await Given.form(request)
    chosen = [int(one) for one in dict.fromkeys(given.all("id")) if re.fullmatch(r"\d{1,18}", one)]
    if not chosen:
        raise Rejected(Fault(pointer="/id", message="Select at least one delivery."))
    return chosen[:_MOST_IDS]


def _list(request: Visitor) -> str:
    """The list that the form stood in."""
    return f"/deliveries?{request.url.query}"


HANDLERS = [deliveries, live, retry, cancel]
