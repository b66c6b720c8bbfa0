"""Differences between two versions of a webhook, as a merge patch and as lines."""

from __future__ import annotations

import difflib
from typing import Any, NamedTuple

import msgspec

from rowhook.render.configuration import Configuration

# The fields that a patch merges (RFC 7396).
_MERGED = frozenset(("headers", "metadata"))
_CONTEXT = 3
# A template may have 64 Ki lines, and comparing takes quadratic time.
_MAX_COMPARED_LINES, _MAX_DIFF_LINES = 1_000, 400


class Line(NamedTuple):
    """A line of a difference: `plus`, `minus`, `same`, or `skip` for omitted lines."""

    kind: str
    text: str


def draft_document(draft: Configuration) -> dict[str, Any]:
    """The fields of a draft that differ from the defaults."""
    return changed_fields(Configuration(name=""), draft)


def changed_fields(was: Configuration, is_now: Configuration) -> dict[str, Any]:
    """Build a patch between two configurations. Headers and metadata are merged, not replaced."""
    before, after = _fields(was), _fields(is_now)
    return {
        name: _merge_patch(before.get(name), value) if name in _MERGED else value
        for name, value in after.items()
        if value != before.get(name)
    }


def _merge_patch(before: Any, after: Any) -> Any:
    """Build a merge patch (RFC 7396)."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return after
    gone = {name: None for name in before if name not in after}
    return gone | {
        name: _merge_patch(before.get(name), value)
        for name, value in after.items()
        if value != before.get(name)
    }


def _fields(configuration: Configuration) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(configuration)
    return fields


def difference(was: dict[str, Any], is_now: dict[str, Any]) -> list[Line]:
    """Compare line by line, splitting texts such as templates. Long differences are cut."""
    before, after = _lines(was), _lines(is_now)
    if max(len(before), len(after)) > _MAX_COMPARED_LINES and before:
        return [
            Line("skip", f"… too many lines to compare: {len(before)} before, {len(after)} after")
        ]
    lines = _compared(before, after)
    left = len(lines) - _MAX_DIFF_LINES
    return lines if left <= 0 else [*lines[:_MAX_DIFF_LINES], Line("skip", f"… {left} more lines")]


def _compared(before: list[str], after: list[str]) -> list[Line]:
    lines: list[Line] = []
    for group in difflib.SequenceMatcher(None, before, after).get_grouped_opcodes(_CONTEXT):
        if lines:
            lines.append(Line("skip", "…"))
        for tag, start, end, new_start, new_end in group:
            if tag == "equal":
                lines += [Line("same", text) for text in before[start:end]]
                continue
            lines += [Line("minus", text) for text in before[start:end]]
            lines += [Line("plus", text) for text in after[new_start:new_end]]
    return lines


def _lines(configuration: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, value in configuration.items():
        text = value if isinstance(value, str) else _pretty(_plain(value))
        first, *rest = text.split("\n")
        lines += [f"{name}: {first}", *(f"    {line}" for line in rest)]
    return lines


def _plain(value: Any) -> Any:
    """Convert floats such as 15.0 to integers, because both forms occur in revisions."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
