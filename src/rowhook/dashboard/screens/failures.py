"""The failures page: failed deliveries grouped by webhook and error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard import shown
from rowhook.dashboard.choices import webhook_choices
from rowhook.dashboard.given import FormData
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import ContextDependency, page_route
from rowhook.dashboard.visit import SessionRequest
from rowhook.operations import Rejected
from rowhook.operations.documents import Failure

_WINDOWS = {"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24}


@page_route("/failures")
async def failures(request: SessionRequest, ctx: ContextDependency) -> Page:
    """List the groups of failures, latest first."""
    params = FormData.from_query(request)
    webhook, (window, since) = params.uuid("webhook_id"), _since(params)
    groups = await operations.list_failures(
        ctx, organization=request.auth.organization, webhook=webhook, since=since
    )
    return page(
        request,
        "failures.html",
        failures=groups,
        window=window,
        webhook=webhook,
        windows=_WINDOWS,
        webhooks=await webhook_choices(request, webhook),
        list_address=list_address,
        replay_of=replay_of,
        call=_call(since, webhook),
    )


def _since(params: FormData) -> tuple[str, datetime]:
    """The name of the window, which is empty if `since` is set, and the start of the period."""
    if (since := params.timestamp("since")) is not None:
        return "", since
    window = params.text("window") or "24h"
    if window not in _WINDOWS:
        raise Rejected(Fault(pointer="/window", message=f"Must be one of: {', '.join(_WINDOWS)}."))
    return window, datetime.now(UTC) - timedelta(hours=_WINDOWS[window])


def _call(since: datetime, webhook: object) -> str:
    query = {"since": shown.iso(since)} | ({"webhook_id": str(webhook)} if webhook else {})
    return f"/failures?{urlencode(query)}"


def list_address(group: Failure, status: str) -> str | None:
    """Address of a group's deliveries, as precisely as the filters of the list allow.

    None for retrying deliveries without a status code: the filters cannot select them.
    """
    if status == "pending" and group.status_code is None:
        return None
    status_code = [] if group.status_code is None else [("status_code", group.status_code)]
    # `until` is exclusive, and times have microseconds.
    until = ("until", shown.iso(group.last_at + timedelta(microseconds=1)))
    return f"/deliveries?{urlencode([*_query(group, status), *status_code, until])}"


class Replay(NamedTuple):
    """The statuses that a replay covers, and the address of its count page."""

    statuses: str
    address: str


def replay_of(group: Failure) -> Replay | None:
    """The replay of the webhook's deliveries since the group's first; None if there are none."""
    statuses = [status for status in ("dead", "held") if getattr(group, status)]
    if not statuses:
        return None
    return Replay(" and ".join(statuses), f"/replay/count?{urlencode(_query(group, *statuses))}")


def _query(group: Failure, *statuses: str) -> list[tuple[str, Any]]:
    return [
        ("webhook_id", group.webhook_id),
        *(("status", status) for status in statuses),
        ("since", shown.iso(group.first_at)),
    ]


HANDLERS = [failures]
