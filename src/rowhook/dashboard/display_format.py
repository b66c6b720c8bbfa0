"""Jinja filters that format times, durations, counts, JSON and excerpts."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

import msgspec

from rowhook.durations import format_duration, format_relative
from rowhook.model import DeliveryStatus
from rowhook.services.deliveries import MAX_COUNTED
from rowhook.services.stats import DeliveryCounts

_MAX_NAME = 200
# A body may be 1 MiB, the editor renders it at each pause, and a page may show fifty bodies.
MAX_LINES, MAX_CHARACTERS = 400, 32 * 1024
_MAX_LINES_PER_PAGE, _MAX_CHARACTERS_PER_PAGE = 3 * MAX_LINES, 3 * MAX_CHARACTERS
_CONTEXT_LINES, _CONTEXT_CHARACTERS = 5, 200


def span(seconds: float | None) -> str:
    """Formats a duration as a whole number: `12 s`, `3 min`, `2 h`."""
    return "–" if seconds is None else format_duration(max(seconds, 0), whole=True)


def ago(moment: datetime | None) -> str:
    """Formats a time relative to now: `12 s ago`, `in 3 min`."""
    return "–" if moment is None else format_relative(moment)


def elapsed(since: datetime) -> str:
    """Formats the time since then: `2 min`."""
    return span((datetime.now(UTC) - since).total_seconds())


def due(moment: datetime) -> str:
    """Formats the time of a planned action: `in 3 min`, or `due` if it has come."""
    return "due" if moment <= datetime.now(UTC) else format_relative(moment)


def upcoming(moment: datetime | None) -> str:
    """Formats a time to come relative to now: `in 3 min`; empty if it has passed."""
    return ago(moment) if moment is not None and moment > datetime.now(UTC) else ""


def absolute(moment: datetime | None) -> str:
    """Formats a time in UTC with milliseconds."""
    return "–" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def to_the_second(moment: datetime) -> str:
    """Formats a time in UTC with seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(moment: datetime) -> str:
    """Formats a time per RFC 3339, for `<time datetime>` and links."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def ms(value: float | None) -> str:
    """Formats milliseconds with two digits or more, as seconds from one second on."""
    return "–" if value is None else format_duration(value / 1000)


def count(value: float | None) -> str:
    """Formats a number with thousands separators."""
    return "–" if value is None else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """Formats a share from 0 to 1. A share below 1 is never rounded to 100 %."""
    if share is None:
        return "–"
    return (
        "100 %" if share == 1 else f"{min(share * 100, 99.99):.2f}".rstrip("0").rstrip(".") + " %"
    )


def pretty(value: Any) -> str:
    """Formats a value as indented JSON. Numbers in a Raw keep their digits."""
    if isinstance(value, msgspec.Raw):
        return text_or_json(bytes(value).decode())
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2)


def text_or_json(text: str | None) -> str:
    """Indents JSON; returns other texts unchanged."""
    if text is None:
        return ""
    try:
        return msgspec.json.format(text.encode(), indent=2).decode()
    except (msgspec.DecodeError, RecursionError):
        return text


def tojson_text(value: Any) -> str:
    """Formats JSON for a data attribute, where it is escaped like any text."""
    return json.dumps(value, ensure_ascii=False)


def clipped(text: str, length: int = _MAX_NAME) -> str:
    """Cuts a name or another text that may have any length, for a list or a heading."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def segment(text: str) -> str:
    """Encodes a text as one segment of a path, slashes included."""
    return quote(text, safe="")


def goal_path(goal: str) -> str:
    """The path of a goal's page. Browsers resolve segments of dots, so those go into the query."""
    inner = segment(goal)
    return f"/goals?goal_id={inner}" if goal.strip(".") == "" else f"/goals/{inner}"


FILTERS: dict[str, Callable[..., str]] = {
    "clipped": clipped,
    "span": span,
    "ago": ago,
    "due": due,
    "upcoming": upcoming,
    "elapsed": elapsed,
    "absolute": absolute,
    "to_the_second": to_the_second,
    "iso": iso,
    "ms": ms,
    "count": count,
    "percent": percent,
    "pretty": pretty,
    "text_or_json": text_or_json,
    "segment": segment,
    "goal_path": goal_path,
    "tojson_text": tojson_text,
}


def capped_count(number: int) -> str:
    """Formats the count of one status."""
    return count(number) + ("+" if number >= MAX_COUNTED else "")


def status_count(tally: DeliveryCounts, *statuses: DeliveryStatus, narrowed: bool = False) -> str:
    """Formats how many deliveries have one of the statuses.

    `narrowed`: filters apply to the capped rows, so any count may be too low.
    """
    counts = [tally.by_status.get(status, 0) for status in statuses]
    more = tally.capped and (narrowed or max(counts) >= MAX_COUNTED)
    return count(sum(counts)) + ("+" if more else "")


COUNT_FILTERS: dict[str, Callable[..., str]] = {
    "clipped": clipped,
    "capped_count": capped_count,
    "status_count": status_count,
}


class Fault(Protocol):
    """A fault in a text. Line and column count from 1; None if unknown."""

    @property
    def line(self) -> int | None:
        """The line."""

    @property
    def column(self) -> int | None:
        """The column."""


class Line(NamedTuple):
    """A line, or the part of it between the first `before` and the last `after` characters."""

    number: int
    text: str
    before: int
    after: int
    faults: list[Fault]


class Excerpt(NamedTuple):
    """Consecutive lines, the number of omitted lines before and after, and the faults in those."""

    lines: list[Line]
    before: int
    after: int
    elsewhere: list[Fault]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is omitted."""
        cut = any(line.before or line.after for line in self.lines)
        return not (self.before or self.after or cut)


def excerpt(text: str, faults: Iterable[Fault] = (), many: int = 1) -> Excerpt:
    """Excerpts the beginning, or the lines around the first fault. `many` excerpts share a page."""
    lines, at = text.split("\n"), defaultdict(list)
    for fault in faults:
        at[fault.line or 0].append(fault)
    most = min(MAX_LINES, _MAX_LINES_PER_PAGE // many)
    room = min(MAX_CHARACTERS, _MAX_CHARACTERS_PER_PAGE // many)
    begin = _begin(lines, min((number for number in at if number), default=1), most, room)
    displayed: list[Line] = []
    for number, line in enumerate(lines[begin : begin + most], begin + 1):
        if room <= 0:
            break
        displayed.append(_cut(number, line, at.pop(number, []), room))
        room -= len(displayed[-1].text) + 1
    at.pop(0, None)
    elsewhere = [fault for number in sorted(at) for fault in at[number]]
    return Excerpt(displayed, begin, len(lines) - begin - len(displayed), elsewhere)


def _begin(lines: Sequence[str], fault: int, most: int, room: int) -> int:
    """The index of the first line, so that the excerpt has the line `fault` with some context."""
    begin = fault - 1
    if fault <= most and sum(len(line) + 1 for line in lines[:begin]) < room // 2:
        return 0
    above = 0
    while begin > max(fault - 1 - _CONTEXT_LINES, 0):
        above += len(lines[begin - 1]) + 1
        if above > room // 4:
            break
        begin -= 1
    return begin


def _cut(number: int, line: str, faults: list[Fault], room: int) -> Line:
    """Cuts a line that is longer than `room`, beginning a little before its first fault."""
    if len(line) <= room:
        return Line(number, line, 0, 0, faults)
    column = min((fault.column or 1 for fault in faults), default=1)
    begin = max(min(column - _CONTEXT_CHARACTERS, len(line) - room), 0)
    text = line[begin : begin + room]
    return Line(number, text, begin, len(line) - begin - len(text), faults)


def indented(text: str) -> str:
    """Indents JSON; returns other and long texts unchanged."""
    return text if len(text) > MAX_CHARACTERS else text_or_json(text)
