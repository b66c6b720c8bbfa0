"""Replay: choose a range, count its deliveries, send them again, and show the progress."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response
from litestar.response import Stream

from rowhook.dashboard import display_format
from rowhook.dashboard.browser_session import SessionRequest
from rowhook.dashboard.delivery_filters import (
    DeliveryQuery,
    parse_delivery_query,
    webhook_choices,
)
from rowhook.dashboard.form_fields import FormData
from rowhook.dashboard.pages import (
    ContextDependency,
    Page,
    StreamsDependency,
    form_route,
    fragment,
    page,
    page_route,
    redirect,
    stream_route,
)
from rowhook.db.list_queries import DeliveryFilter
from rowhook.model import STATUSES, WAITING_STATUSES
from rowhook.render.configuration import Fault
from rowhook.services import deliveries, stats, webhooks
from rowhook.services.context import KeyringContext, Rejected
from rowhook.services.deliveries import REPLAYED, Remaining, Replayable, Watermark

_INTERVAL_S = 1.0
_DEFAULT_PERIOD = timedelta(days=1)
_MAX_NUMBER = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRange:
    """The deliveries to send again, from a form or a query string, with the faults in it."""

    query: DeliveryQuery
    rate: float | None
    rate_text: str
    faults: tuple[Fault, ...]

    @property
    def statuses(self) -> tuple[str, ...]:
        """The selected statuses, or the defaults of a replay."""
        return self.query.statuses or REPLAYED

    @property
    def others(self) -> DeliveryFilter:
        """The deliveries of the range that wait and are not sent again."""
        waiting = set(WAITING_STATUSES) - set(self.statuses)
        return replace(self.query.filter, statuses=tuple(waiting))

    def api_body(self, *, dry_run: bool) -> dict[str, Any]:
        """The body of the equivalent API call."""
        filter_ = self.query.filter
        times = {"since": filter_.since, "until": filter_.until}
        return {
            "webhook_id": str(filter_.webhook),
            **{name: display_format.iso(at) for name, at in times.items() if at is not None},
            "statuses": list(self.statuses),
            **({"dry_run": True} if dry_run else {}),
            **({"rate": self.rate} if self.rate is not None else {}),
        }


def _parse_range(form: FormData, request: SessionRequest) -> ReplayRange:
    query = parse_delivery_query(form, request.auth.organization)
    faults = list(query.faults)
    pointers = {fault.pointer for fault in faults}
    if query.filter.webhook is None and "/webhook_id" not in pointers:
        faults.append(Fault(pointer="/webhook_id", message="Choose a webhook."))
    if query.filter.since is None and "/since" not in pointers:
        faults.append(Fault(pointer="/since", message="Enter the start of the range."))
    rate = None
    try:
        rate = form.number("rate")
    except Rejected as error:
        faults += error.faults
    return ReplayRange(query=query, rate=rate, rate_text=form.raw("rate"), faults=tuple(faults))


@page_route("/replay", scope="replay")
async def replay(request: SessionRequest) -> Page:
    """Shows the form with the values of the query string."""
    range_ = _parse_range(FormData.from_query(request), request)
    return await _form_page(request, range_, status=200, faults=())


async def _form_page(
    request: SessionRequest, range_: ReplayRange, *, status: int, faults: tuple[Fault, ...]
) -> Page:
    since = range_.query.local_time("since")
    if not since and not faults:
        since = f"{datetime.now(UTC) - _DEFAULT_PERIOD:%Y-%m-%dT%H:%M}"
    return page(
        request,
        "replay.html",
        status=status,
        replay=range_,
        faults=faults,
        webhooks=await webhook_choices(request, range_.query.filter.webhook),
        since=since,
        replayable=get_args(Replayable),
    )


@page_route("/replay/count", scope="replay")
async def count(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Counts the deliveries of the range without sending them."""
    entered = _parse_range(FormData.from_query(request), request)
    range_ = _with_end(entered)
    try:
        number = await _replay(ctx, range_, dry_run=True)
    except Rejected as error:
        return await _form_page(request, entered, status=422, faults=error.faults)
    webhook = await webhooks.webhook_of(ctx, range_.api_body(dry_run=True)["webhook_id"])
    return page(request, "replay_count.html", replay=range_, counted=number, webhook=webhook)


def _with_end(range_: ReplayRange) -> ReplayRange:
    """The range with an end, which is now by default."""
    query = range_.query
    until = query.filter.until or datetime.now(UTC)
    return replace(range_, query=replace(query, filter=replace(query.filter, until=until)))


async def _replay(ctx: KeyringContext, range_: ReplayRange, *, dry_run: bool) -> int:
    filter_ = range_.query.filter
    if range_.faults or filter_.webhook is None or filter_.since is None:
        raise Rejected(*range_.faults)
    replayed = await deliveries.replay(
        ctx,
        filter_.webhook,
        filter_.since,
        until=filter_.until,
        statuses=range_.statuses,
        dry_run=dry_run,
        rate=range_.rate,
    )
    return replayed.deliveries


@form_route("/replay", scope="replay")
async def send_again(request: SessionRequest, ctx: ContextDependency) -> Response[Any]:
    """Sends the range again, and redirects to its progress."""
    range_ = _with_end(_parse_range(await FormData.from_body(request), request))
    try:
        mark, before = await mark_start(ctx, range_.others)
        number = await _replay(ctx, range_, dry_run=False)
    except Rejected as error:
        return await _form_page(request, range_, status=422, faults=error.faults)
    start = ProgressStart(of=number, before=before, mark=mark)
    return redirect(f"/replay/progress{range_.query.api_query}&{start.address}")


@page_route("/replay/progress", scope="replay")
async def progress(request: SessionRequest, ctx: ContextDependency) -> Page:
    """Shows how many deliveries of the range have finished."""
    return page(request, "replay_progress.html", **await _progress(request, ctx))


@stream_route("/live/replay", scope="replay")
async def live(
    request: SessionRequest, ctx: ContextDependency, streams: StreamsDependency
) -> Stream:
    """Streams the progress."""
    await _progress(request, ctx)

    async def render() -> str:
        return fragment(request, "_progress.html", **await _progress(request, ctx))

    return streams.fragment("progress", _INTERVAL_S, render)


async def _progress(request: SessionRequest, ctx: KeyringContext) -> dict[str, Any]:
    params = FormData.from_query(request)
    range_ = _parse_range(params, request)
    filter_ = range_.query.filter
    if range_.faults or filter_.webhook is None:
        raise Rejected(*range_.faults)
    start = progress_start(params)
    return {
        "replay": range_,
        "query_string": f"{range_.query.api_query}&{start.address}",
        "tally": await stats.count_deliveries(ctx, replace(filter_, statuses=STATUSES)),
        "progress": await current_progress(
            ctx, start, filter_.webhook, since=filter_.since, until=filter_.until
        ),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressStart:
    """The start of an operation on `of` deliveries, while `before` others were already waiting."""

    of: int
    before: int
    mark: Watermark

    @property
    def address(self) -> str:
        """The start as query parameters, read back by `progress_start`."""
        at = display_format.iso(self.mark.at)
        return urlencode({"of": self.of, "before": self.before, "mark": self.mark.token, "at": at})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many deliveries of an operation wait, at most; `capped` if too many wait to count."""

    start: ProgressStart
    waits: int
    capped: bool

    @property
    def is_exact(self) -> bool:
        """Whether no delivery that waited before can be counted among those that wait."""
        return self.start.before == 0 or self.waits == 0

    @property
    def ended(self) -> int | None:
        """The minimum number of finished deliveries; None if too many wait to count."""
        return None if self.capped else self.start.of - self.waits


async def mark_start(ctx: KeyringContext, others: DeliveryFilter) -> tuple[Watermark, int]:
    """Marks the moment before an operation, and counts the other deliveries that wait."""
    mark = await deliveries.watermark(ctx)
    return mark, (await stats.count_deliveries(ctx, others)).total


def progress_start(query: FormData) -> ProgressStart:
    """Reads the start from query parameters. Raises Rejected."""
    of, before, token = (
        min(max(query.integer(name) or 0, 0), _MAX_NUMBER) for name in ("of", "before", "mark")
    )
    at = query.timestamp("at") or datetime.now(UTC)
    return ProgressStart(of=of, before=before, mark=Watermark(token, at))


async def current_progress(
    ctx: KeyringContext, start: ProgressStart, webhook: UUID, **range_: Any
) -> Progress:
    """Counts the deliveries that still wait. `range_` is as for `deliveries.replay_remaining`."""
    left: Remaining = await deliveries.replay_remaining(ctx, webhook, start.mark, **range_)
    capped = left.capped and start.of > 0
    waits = start.of if capped else min(left.waiting, start.of)
    return Progress(start=start, waits=waits, capped=capped)


HANDLERS = [replay, count, send_again, progress, live]
