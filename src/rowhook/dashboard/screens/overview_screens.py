"""The pages about all webhooks: the overview, failures by webhook and error, and the search."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

from litestar.response import Stream

from rowhook.dashboard import display_format
from rowhook.dashboard.browser_session import SessionRequest, owners_of_webhooks
from rowhook.dashboard.delivery_filters import webhook_choices
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.live_updates import LiveFragment
from rowhook.dashboard.pages import (
    ContextDependency,
    Page,
    StreamsDependency,
    fragment,
    page,
    page_route,
    pages_named,
    stream_route,
)
from rowhook.dashboard.timeline import attempt_chart
from rowhook.dashboard.window_lines import last_half, window_lines
from rowhook.db.list_queries import DeliveryFilter
from rowhook.model import WAITING_STATUSES
from rowhook.render.configuration import Fault
from rowhook.services import installation, lookups, stats, webhooks
from rowhook.services.context import KeyringContext, Rejected
from rowhook.services.lookups import find_objects
from rowhook.services.stats import Failure

Window = Literal["15m", "1h", "24h"]
_TREND_INTERVAL_FACTOR = 5
_INSERT_ORGANIZATION = "insert into rowhook.organization (id, name) values ('{}', 'Acme');\n"
_INSERT_GOAL = """\
insert into rowhook.goal (id, organization_id, name)
values ('goal_1', '{}', 'My first goal');"""
_WINDOWS = {"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24}


class _Span(NamedTuple):
    """A time window: labels of it and the one before, its steps, and the refresh interval."""

    name: str
    before: str
    span: timedelta
    points: int
    step: str
    interval_s: float


_SPANS: dict[str, _Span] = {
    "15m": _Span("15 minutes", "15 minutes before", timedelta(minutes=15), 15, "minute", 2.0),
    "1h": _Span("hour", "hour before", timedelta(hours=1), 60, "minute", 2.0),
    "24h": _Span("24 hours", "day before", timedelta(hours=24), 96, "15 min", 10.0),
}


@page_route("/")
async def overview(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Shows the figures of a time window."""
    window = _window(request)
    # Concurrently, on two connections: counting a day is slow.
    figures, trend = await asyncio.gather(
        _figures(request, ctx, window), _trend(request, ctx, window)
    )
    first_steps = await _first_steps(request, ctx)
    return page(
        request, "overview.html", spans=_SPANS, first_steps=first_steps, **(figures | trend)
    )


class _FirstSteps(NamedTuple):
    """The rows to insert before anything can be linked, and the goal of the first commit."""

    rows: str
    goal: str


async def _first_steps(request: SessionRequest, ctx: KeyringContext) -> _FirstSteps | None:
    """Instructions for an organization without webhooks."""
    organization = request.auth.organization
    if (await webhooks.list_webhooks(ctx, organization=organization, limit=1)).items:
        return None
    goals = (await lookups.list_goals(ctx, organization=organization, limit=1)).items
    if goals:
        return _FirstSteps(rows="", goal=goals[0].id)
    organizations = (await lookups.list_organizations(ctx, limit=1)).items
    owner = organization or (organizations[0].id if organizations else uuid4())
    insert = "" if organizations else _INSERT_ORGANIZATION.format(owner)
    return _FirstSteps(rows=insert + _INSERT_GOAL.format(owner), goal="goal_1")


@stream_route("/live/overview")
async def live(
    request: SessionRequest, ctx: ContextDependency, streams: StreamsDependency
) -> Stream:
    """Streams the figures and the trend."""
    window = _window(request)

    latest = await _trend(request, ctx, window)

    async def figures() -> str:
        figures = await _figures(request, ctx, window)
        return fragment(request, "_figures.html", **figures, lines=latest["lines"])

    async def trend() -> str:
        latest.update(await _trend(request, ctx, window))
        return fragment(request, "_trend.html", **latest)

    interval_s = _SPANS[window].interval_s
    return streams.fragments(
        LiveFragment("figures", interval_s, figures),
        LiveFragment("trend", interval_s * _TREND_INTERVAL_FACTOR, trend),
    )


def _window(request: SessionRequest) -> Window:
    window: Window | None = FormData.from_query(request).one_of("window", Window)
    return window or "1h"


async def _figures(request: SessionRequest, ctx: KeyringContext, window: Window) -> dict[str, Any]:
    organization, span = request.auth.organization, _SPANS[window]
    waiting = DeliveryFilter(organization=organization, statuses=WAITING_STATUSES)
    return {
        "window": window,
        "span": span,
        "stats": await stats.stats(ctx, organization, span.span),
        "waiting": await stats.count_deliveries(ctx, waiting),
        "workers": [worker for worker in await installation.workers(ctx) if worker.alive],
    }


async def _trend(request: SessionRequest, ctx: KeyringContext, window: Window) -> dict[str, Any]:
    organization, span = request.auth.organization, _SPANS[window]
    both = await stats.series(
        ctx, organization=organization, span=2 * span.span, points=2 * span.points
    )
    worst = await stats.worst_webhooks(ctx, organization=organization, span=span.span)
    return {
        "window": window,
        "span": span,
        "attempts": attempt_chart(last_half(both)),
        "lines": window_lines(both),
        "worst": worst,
        "owners": await owners_of_webhooks(request, (webhook.webhook_id for webhook in worst)),
        "processes": await installation.workers(ctx),
    }


@page_route("/failures")
async def failures(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Lists the groups of failures, latest first."""
    params = FormData.from_query(request)
    webhook, (window, since) = params.uuid("webhook_id"), _since(params)
    groups = await stats.list_failures(
        ctx, organization=request.auth.organization, webhook=webhook, since=since
    )
    return page(
        request,
        "failures.html",
        failures=groups,
        owners=await owners_of_webhooks(request, (group.webhook_id for group in groups.items)),
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
    query = {"since": display_format.iso(since)} | ({"webhook_id": str(webhook)} if webhook else {})
    return f"/failures?{urlencode(query)}"


def list_address(group: Failure, status: str) -> str | None:
    """Address of a group's deliveries, as precisely as the filters of the list allow.

    None for retrying deliveries without a status code: the filters cannot select them.
    """
    if status == "pending" and group.status_code is None:
        return None
    status_code = [] if group.status_code is None else [("status_code", group.status_code)]
    # `until` is exclusive, and times have microseconds.
    until = ("until", display_format.iso(group.last_at + timedelta(microseconds=1)))
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
        ("since", display_format.iso(group.first_at)),
    ]


@page_route("/search")
async def search(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Shows the matches of `q`: as a page, or as a fragment for the search dialog."""
    text = FormData.from_query(request).text("q") or ""
    return page(
        request,
        "_matches.html" if "hx-request" in request.headers else "search.html",
        text=text,
        matches=await find_objects(ctx, text),
        pages=pages_named(request.auth, text),
    )


HANDLERS = [overview, live, failures, search]
