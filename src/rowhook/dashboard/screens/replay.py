"""Replay: choose a range, see how many it is, send it again, watch it until all have ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from litestar import Response
from litestar.response import Stream

from rowhook import operations
from rowhook.compose import Fault
from rowhook.dashboard import shown
from rowhook.dashboard.choices import webhook_choices
from rowhook.dashboard.given import Given
from rowhook.dashboard.page import Page, fragment, go, page
from rowhook.dashboard.progress import Begun, begin, begun, so_far
from rowhook.dashboard.route import TheOffice, TheStreams, does, lives, shows
from rowhook.dashboard.sought import STATUSES, Sought, sought
from rowhook.dashboard.visit import Visitor
from rowhook.operations import Office, Rejected
from rowhook.operations.deliveries import REPLAYED
from rowhook.operations.documents import Replayable
from rowhook.postgres import DeliveryFilter

_EVERY_S = 1.0
_DEFAULT_SINCE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What is to be sent again, as a form or an address says; `until` is set once it is counted."""

    sought: Sought
    rate: float | None
    rate_text: str
    faults: tuple[Fault, ...]

    @property
    def statuses(self) -> tuple[str, ...]:
        """What is ticked; where nothing is, what a replay is of by itself."""
        return self.sought.statuses or REPLAYED

    @property
    def others(self) -> DeliveryFilter:
        """What waits in the range and is not sent again."""
        waiting = {"pending", "sending", "held"} - set(self.statuses)
        return replace(self.sought.wanted, statuses=tuple(waiting))

    def body(self, *, dry_run: bool) -> dict[str, Any]:
        """As the API takes it."""
        wanted = self.sought.wanted
        times = {"since": wanted.since, "until": wanted.until}
        return {
            "webhook_id": str(wanted.webhook),
            **{name: shown.iso(at) for name, at in times.items() if at is not None},
            "statuses": list(self.statuses),
            **({"dry_run": True} if dry_run else {}),
            **({"rate": self.rate} if self.rate is not None else {}),
        }


def _range(given: Given, request: Visitor) -> Range:
    wanted = sought(given, request.auth.organization)
    faults = list(wanted.faults)
    if wanted.wanted.webhook is None and not any(one.pointer == "/webhook_id" for one in faults):
        faults.append(Fault(pointer="/webhook_id", message="Choose a webhook."))
    if wanted.wanted.since is None and not any(one.pointer == "/since" for one in faults):
        faults.append(Fault(pointer="/since", message="Enter the start of the range."))
    rate = None
    try:
        rate = given.number("rate")
    except Rejected as error:
        faults += error.faults
    return Range(sought=wanted, rate=rate, rate_text=given.raw("rate"), faults=tuple(faults))


@shows("/replay", scope="replay")
async def replay(request: Visitor) -> Page:
    """The form; what the address says stands in it."""
    asked = _range(Given.query(request), request)
    return await _form(request, asked, status=200, faults=())


async def _form(request: Visitor, asked: Range, *, status: int, faults: tuple[Fault, ...]) -> Page:
    return page(
        request,
        "replay.html",
        status=status,
        asked=asked,
        faults=faults,
        webhooks=await webhook_choices(request, asked.sought.wanted.webhook),
        since=asked.sought.local("since") or f"{datetime.now(UTC) - _DEFAULT_SINCE:%Y-%m-%dT%H:%M}",
        replayable=get_args(Replayable),
    )


@shows("/replay/count", scope="replay")
async def count(request: Visitor, office: TheOffice) -> Page:
    """How many it would be; nothing is sent. The range ends now, if it ends nowhere else."""
    asked = _ended(_range(Given.query(request), request))
    try:
        counted = await _replayed(office, asked, dry_run=True)
    except Rejected as error:
        return await _form(request, asked, status=422, faults=error.faults)
    found = await operations.webhook_of(office, asked.body(dry_run=True)["webhook_id"])
    return page(request, "replay_count.html", asked=asked, counted=counted, webhook=found)


def _ended(asked: Range) -> Range:
    wanted = asked.sought.wanted
    ends = wanted.until or datetime.now(UTC)
    return replace(asked, sought=replace(asked.sought, wanted=replace(wanted, until=ends)))


async def _replayed(office: Office, asked: Range, *, dry_run: bool) -> int:
    wanted = asked.sought.wanted
    if asked.faults or wanted.webhook is None or wanted.since is None:
        raise Rejected(*asked.faults)
    counted = await operations.replay(
        office,
        wanted.webhook,
        wanted.since,
        until=wanted.until,
        statuses=asked.statuses,
        dry_run=dry_run,
        rate=asked.rate,
    )
    return counted.deliveries


@does("/replay", scope="replay")
async def send_again(request: Visitor, office: TheOffice) -> Response[Any]:
    """Sends the range again, then shows how it goes."""
    asked = _ended(_range(await Given.form(request), request))
    try:
        mark, before = await begin(office, asked.others)
        counted = await _replayed(office, asked, dry_run=False)
    except Rejected as error:
        return await _form(request, asked, status=422, faults=error.faults)
    start = Begun(of=counted, before=before, mark=mark)
    return go(f"/replay/progress{asked.sought.call}&{start.address}")


@shows("/replay/progress", scope="replay")
async def progress(request: Visitor, office: TheOffice) -> Page:
    """How many of a range still wait."""
    return page(request, "replay_progress.html", **await _progress(request, office))


@lives("/live/replay", scope="replay")
async def live(request: Visitor, office: TheOffice, streams: TheStreams) -> Stream:
    """The same, as it goes on."""
    await _progress(request, office)

    async def piece() -> str:
        return fragment(request, "_progress.html", **await _progress(request, office))

    return streams.of("progress", _EVERY_S, piece)


async def _progress(request: Visitor, office: Office) -> dict[str, Any]:
    given = Given.query(request)
    asked = _range(given, request)
    wanted = asked.sought.wanted
    if asked.faults or wanted.webhook is None:
        raise Rejected(*asked.faults)
    start = begun(given)
    return {
        "asked": asked,
        "query_string": f"{asked.sought.call}&{start.address}",
        "tally": await operations.tally(office, replace(wanted, statuses=STATUSES)),
        "progress": await so_far(
            office, start, wanted.webhook, since=wanted.since, until=wanted.until
        ),
    }


HANDLERS = [replay, count, send_again, progress, live]
