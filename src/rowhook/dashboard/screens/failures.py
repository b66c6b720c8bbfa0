"""Failures: what went wrong alike, by webhook and error, and the way to send it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard import shown
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, page
from rowhook.dashboard.route import TheOffice, shows
from rowhook.dashboard.screens.deliveries import webhook_names
from rowhook.dashboard.visit import Visitor
from rowhook.operations import Rejected
from rowhook.operations.documents import Failure

_WINDOWS = {"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24}


@shows("/failures")
async def failures(request: Visitor, office: TheOffice) -> Page:
    """The groups, the latest first."""
    asked = Given.query(request)
    webhook, window, since = asked.uuid("webhook_id"), *_since(asked)
    found = await operations.list_failures(
        office, organization=request.auth.organization, webhook=webhook, since=since
    )
    return page(
        request, "failures.html", found=found, window=window, webhook=webhook,
        windows=_WINDOWS, webhooks=await webhook_names(office, webhook), those=those, again=again,
        call=_call(since, webhook),
    )  # fmt: skip


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


def those(one: Failure, *statuses: str) -> str:
    """The address of the list of a group's deliveries."""
    answered = [] if one.status_code is None else [("status_code", one.status_code)]
    return f"/deliveries?{urlencode([*_query(one, *statuses), *answered])}"


def again(one: Failure) -> str | None:
    """The address that counts what of a group would be sent again; None: nothing can be."""
    statuses = [name for name in ("dead", "held") if getattr(one, name)]
    return f"/replay/count?{urlencode(_query(one, *statuses))}" if statuses else None


def _query(one: Failure, *statuses: str) -> list[tuple[str, Any]]:
    whose: list[tuple[str, Any]] = [("webhook_id", one.webhook_id)]
    among = [("status", status) for status in statuses]
    return [*whose, *among, ("since", shown.iso(one.first_at))]


HANDLERS = [failures]
