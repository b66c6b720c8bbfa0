"""The first page: how deliveries go now, and where they do not."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any, Literal, NamedTuple
from uuid import uuid4

from litestar.response import Stream

from rowhook import operations
from rowhook.dashboard.given import Given
from rowhook.dashboard.live import Live
from rowhook.dashboard.page import Page, fragment, page
from rowhook.dashboard.route import TheOffice, TheStreams, lives, shows
from rowhook.dashboard.visit import Visitor
from rowhook.operations import Office
from rowhook.operations.documents import Series, Step
from rowhook.postgres import DeliveryFilter

Window = Literal["15m", "1h", "24h"]
_TREND_SELDOMER = 5
_WAITING = ("pending", "sending", "held")
_ORGANIZATION = "insert into rowhook.organization (id, name) values ('{}', 'Acme');\n"
_GOAL = """\
insert into rowhook.goal (id, organization_id, name)
values ('goal_1', '{}', 'My first goal');"""


class _Span(NamedTuple):
    """How far back, in how many steps, and how often it is counted: the longer, the seldomer."""

    name: str
    span: timedelta
    points: int
    step: str
    every_s: float


_SPANS: dict[str, _Span] = {
    "15m": _Span("15 minutes", timedelta(minutes=15), 30, "30 s", 2.0),
    "1h": _Span("hour", timedelta(hours=1), 60, "minute", 2.0),
    "24h": _Span("24 hours", timedelta(hours=24), 96, "15 min", 10.0),
}


@shows("/")
async def overview(request: Visitor, office: TheOffice) -> Page:
    """The figures of a window of time."""
    window = _window(request)
    # Two connections count at once: over a day each takes its time.
    figures, trend = await asyncio.gather(
        _figures(request, office, window), _trend(request, office, window)
    )
    first_steps = await _first_steps(request, office)
    return page(
        request, "overview.html", spans=_SPANS, first_steps=first_steps, **(figures | trend)
    )


class _FirstSteps(NamedTuple):
    """The rows to insert before anything can be linked, and the goal of the first commit."""

    rows: str
    goal: str


async def _first_steps(request: Visitor, office: Office) -> _FirstSteps | None:
    """Instructions for an organization without webhooks."""
    organization = request.auth.organization
    if (await operations.list_webhooks(office, organization=organization, limit=1)).items:
        return None
    goals = (await operations.list_goals(office, organization=organization, limit=1)).items
    if goals:
        return _FirstSteps(rows="", goal=goals[0].id)
    there = (await operations.list_organizations(office, limit=1)).items
    whose = organization or (there[0].id if there else uuid4())
    insert = "" if there else _ORGANIZATION.format(whose)
    return _FirstSteps(rows=insert + _GOAL.format(whose), goal="goal_1")


@lives("/live/overview")
async def live(request: Visitor, office: TheOffice, streams: TheStreams) -> Stream:
    """The same figures, as they change."""
    window = _window(request)

    async def figures() -> str:
        return fragment(request, "_figures.html", **await _figures(request, office, window))

    async def trend() -> str:
        return fragment(request, "_trend.html", **await _trend(request, office, window))

    every_s = _SPANS[window].every_s
    return streams.all_of(
        Live("figures", every_s, figures), Live("trend", every_s * _TREND_SELDOMER, trend)
    )


def _window(request: Visitor) -> Window:
    window: Window | None = Given.query(request).one_of("window", Window)
    return window or "1h"


async def _figures(request: Visitor, office: Office, window: Window) -> dict[str, Any]:
    organization, span = request.auth.organization, _SPANS[window]
    waiting = DeliveryFilter(organization=organization, statuses=_WAITING)
    return {
        "window": window,
        "span": span,
        "stats": await operations.stats(office, organization, span.span),
        "waiting": await operations.tally(office, waiting),
        "workers": [one for one in await operations.workers(office) if one.alive],
    }


async def _trend(request: Visitor, office: Office, window: Window) -> dict[str, Any]:
    organization, span = request.auth.organization, _SPANS[window]
    series = await operations.series(
        office, organization=organization, span=span.span, points=span.points
    )
    worst = await operations.worst_webhooks(office, organization=organization, span=span.span)
    return {
        "window": window,
        "span": span,
        "series": series,
        "chart": _chart(series),
        "worst": worst,
        "processes": await operations.workers(office),
    }


def _chart(series: Series) -> str:
    """What charts.js draws: deliveries a second in each step, by what became of them."""

    def line(label: str, tone: str, counted: list[int]) -> dict[str, Any]:
        values = [round(one / series.step_s, 4) for one in counted]
        return {"label": label, "tone": tone, "values": values}

    points = series.points
    return json.dumps(
        {
            "kind": "bars",
            "unit": "/s",
            "x": [round(one.at.timestamp()) for one in points],
            "series": [
                line("delivered", "good", [one.delivered for one in points]),
                line("dead", "bad", [one.dead for one in points]),
                line("others", "neutral", [_others(one) for one in points]),
            ],
        }
    )


def _others(step: Step) -> int:
    return step.created - step.delivered - step.dead


HANDLERS = [overview, live]
