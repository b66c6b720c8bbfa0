"""Template filters that format times, durations, numbers and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_SECOND_MS = 1000


def span(seconds: float | None) -> str:
    """Format a duration in its largest unit: `12 s`, `3 min`, `2 h`."""
    if seconds is None:
        return "–"
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "0 s" if seconds <= 0 else f"{seconds * _SECOND_MS:.0f} ms"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Format a time relative to now: `12 s ago`, `in 3 min`."""
    if moment is None:
        return "–"
    away = ((now or datetime.now(UTC)) - moment).total_seconds()
    if abs(away) < 1:
        return "now"
    return f"{span(away)} ago" if away > 0 else f"in {span(-away)}"


def absolute(moment: datetime | None) -> str:
    """Format a time in UTC with milliseconds."""
    return "–" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"


def iso(moment: datetime) -> str:
    """Format a time per RFC 3339, for `<time datetime>` and links."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def ms(value: float | None) -> str:
    """Format milliseconds, as seconds from one second on."""
    if value is None:
        return "–"
    if value >= _SECOND_MS:
        return (
            span(value / _SECOND_MS) if value >= 60 * _SECOND_MS else f"{value / _SECOND_MS:.1f} s"
        )
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"  # noqa: PLR2004  # two digits


def count(value: float | None) -> str:
    """Format a number with thousands separators."""
    return "–" if value is None else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """Format a share from 0 to 1. A share below 1 is never rounded to 100 %."""
    if share is None:
        return "–"
    return (
        "100 %" if share == 1 else f"{min(share * 100, 99.99):.2f}".rstrip("0").rstrip(".") + " %"
    )


def pretty(value: Any) -> str:
    """Format a value as indented JSON. Numbers in a Raw keep their digits."""
    if isinstance(value, msgspec.Raw):
        return text_or_json(bytes(value).decode())
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False, indent=2)


def text_or_json(text: str | None) -> str:
    """Indent JSON; return other texts unchanged."""
    if text is None:
        return ""
    try:
        return msgspec.json.format(text.encode(), indent=2).decode()
    except (msgspec.DecodeError, RecursionError):
        return text


def tojson_text(value: Any) -> str:
    """Format JSON for a data attribute, where it is escaped like any text."""
    return json.dumps(value, ensure_ascii=False)


def segment(text: str) -> str:
    """Encode a text as one segment of a path, slashes included."""
    return quote(text, safe="")


def goal_path(goal: str) -> str:
    """The path of a goal's page. Browsers resolve segments of dots, so those go into the query."""
    inner = segment(goal)
    return f"/goals?goal_id={inner}" if goal.strip(".") == "" else f"/goals/{inner}"


FILTERS: dict[str, Callable[..., str]] = {
    "span": span,
    "ago": ago,
    "absolute": absolute,
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
