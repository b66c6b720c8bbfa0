"""The overview: statistics, webhooks with problems, workers, and the first steps."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from litestar.response import Stream

from rowhook import operations
from rowhook.dashboard.given import FormData
from rowhook.dashboard.live import LiveFragment
from rowhook.dashboard.page import Page, fragment, page
from rowhook.dashboard.route import ContextDependency, StreamsDependency, page_route, stream_route
from rowhook.dashboard.visit import SessionRequest
from rowhook.operations import KeyringContext
from rowhook.operations.documents import Series, SeriesPoint
from rowhook.postgres import DeliveryFilter

Window = Literal["15m", "1h", "24h"]
_TREND_INTERVAL_FACTOR = 5
_WAITING = ("pending", "sending", "held")
_INSERT_ORGANIZATION = "insert into rowhook.organization (id, name) values ('{}', 'Acme');\n"
_INSERT_GOAL = """\
insert into rowhook.goal (id, organization_id, name)
values ('goal_1', '{}', 'My first goal');"""


class _Span(NamedTuple):
    """A time window: its label, its number and length of steps, and the refresh interval."""

    name: str
    span: timedelta
    points: int
    step: str
    interval_s: float


_SPANS: dict[str, _Span] = {
    "15m": _Span("15 minutes", timedelta(minutes=15), 30, "30 s", 2.0),
    "1h": _Span("hour", timedelta(hours=1), 60, "minute", 2.0),
    "24h": _Span("24 hours", timedelta(hours=24), 96, "15 min", 10.0),
}


@page_route("/")
async def overview(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Show the figures of a time window."""
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
    if (await operations.list_webhooks(ctx, organization=organization, limit=1)).items:
        return None
    goals = (await operations.list_goals(ctx, organization=organization, limit=1)).items
    if goals:
        return _FirstSteps(rows="", goal=goals[0].id)
    organizations = (await operations.list_organizations(ctx, limit=1)).items
    owner = organization or (organizations[0].id if organizations else uuid4())
    insert = "" if organizations else _INSERT_ORGANIZATION.format(owner)
    return _FirstSteps(rows=insert + _INSERT_GOAL.format(owner), goal="goal_1")


@stream_route("/live/overview")
async def live(
    request: SessionRequest, ctx: ContextDependency, streams: StreamsDependency
) -> Stream:
    """Stream the figures and the trend."""
    window = _window(request)

    async def figures() -> str:
        return fragment(request, "_figures.html", **await _figures(request, ctx, window))

    async def trend() -> str:
        return fragment(request, "_trend.html", **await _trend(request, ctx, window))

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
    waiting = DeliveryFilter(organization=organization, statuses=_WAITING)
    return {
        "window": window,
        "span": span,
        "stats": await operations.stats(ctx, organization, span.span),
        "waiting": await operations.count_deliveries(ctx, waiting),
        "workers": [worker for worker in await operations.workers(ctx) if worker.alive],
    }


async def _trend(request: SessionRequest, ctx: KeyringContext, window: Window) -> dict[str, Any]:
    organization, span = request.auth.organization, _SPANS[window]
    series = await operations.series(
        ctx, organization=organization, span=span.span, points=span.points
    )
    worst = await operations.worst_webhooks(ctx, organization=organization, span=span.span)
    return {
        "window": window,
        "span": span,
        "series": series,
        "chart": _chart(series),
        "worst": worst,
        "processes": await operations.workers(ctx),
    }


def _chart(series: Series) -> str:
    """The data of the chart as JSON for charts.js: deliveries per second by current status."""

    def line(label: str, tone: str, counts: list[int]) -> dict[str, Any]:
        values = [round(count / series.step_s, 4) for count in counts]
        return {"label": label, "tone": tone, "values": values}

    points = series.points
    return json.dumps(
        {
            "kind": "bars",
            "unit": "/s",
            "x": [round(point.at.timestamp()) for point in points],
            "series": [
                line("delivered", "good", [point.delivered for point in points]),
                line("dead", "bad", [point.dead for point in points]),
                line("others", "neutral", [_others(point) for point in points]),
            ],
        }
    )


def _others(step: SeriesPoint) -> int:
    return step.created - step.delivered - step.dead


HANDLERS = [overview, live]
