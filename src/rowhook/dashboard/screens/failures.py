"""Failures: what went wrong alike, by webhook and error, and the way to send it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard import shown
from rowhook.dashboard.choices import webhook_choices
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import ContextDependency, shows
from rowhook.dashboard.visit import Visitor
from rowhook.operations import Rejected
from rowhook.operations.documents import Failure

_WINDOWS = {"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24}


@shows("/failures")
async def failures(request: Visitor, ctx: ContextDependency) -> Page:
    """The groups, the latest first."""
    asked = Given.query(request)
    webhook, window, since = asked.uuid("webhook_id"), *_since(asked)
    found = await operations.list_failures(
        ctx, organization=request.auth.organization, webhook=webhook, since=since
    )
    return page(
        request,
        "failures.html",
        found=found,
        window=window,
        webhook=webhook,
        windows=_WINDOWS,
        webhooks=await webhook_choices(request, webhook),
        those=those,
        again=again,
        call=_call(since, webhook),
    )


def _since(asked: Given) -> tuple[str, datetime]:
    """The choice, empty where a time stands there itself."""
    if (since := asked.moment("since")) is not None:
        return "", since
    window = asked.text("window") or "24h"
    if window not in _WINDOWS:
        raise Rejected(Fault(pointer="/window", message=f"one of {', '.join(_WINDOWS)}"))
    return window, datetime.now(UTC) - timedelta(hours=_WINDOWS[window])


def _call(since: datetime, webhook: object) -> str:
    query = {"since": shown.iso(since)} | ({"webhook_id": str(webhook)} if webhook else {})
    return f"/failures?{urlencode(query)}"


def those(one: Failure, status: str) -> str | None:
    """The address of the list of a group's deliveries, as far as a list can tell them from others.

    None for those that wait without an answer: they would be among all that wait.
    """
    if status == "pending" and one.status_code is None:
        return None
    answered = [] if one.status_code is None else [("status_code", one.status_code)]
    # A list ends before `until`, and times are of microseconds.
    until = ("until", shown.iso(one.last_at + timedelta(microseconds=1)))
    return f"/deliveries?{urlencode([*_query(one, status), *answered, until])}"


class Again(NamedTuple):
    """What of a webhook can be sent again since a group's first, and the address that counts it."""

    what: str
    address: str


def again(one: Failure) -> Again | None:
    """None where of the group nothing can be sent again."""
    statuses = [name for name in ("dead", "held") if getattr(one, name)]
    if not statuses:
        return None
    return Again(" and ".join(statuses), f"/replay/count?{urlencode(_query(one, *statuses))}")


def _query(one: Failure, *statuses: str) -> list[tuple[str, Any]]:
    whose: list[tuple[str, Any]] = [("webhook_id", one.webhook_id)]
    among = [("status", status) for status in statuses]
    return [*whose, *among, ("since", shown.iso(one.first_at))]


HANDLERS = [failures]
