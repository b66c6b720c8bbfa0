"""What differs between two versions of a webhook: as a patch for the API, as lines for people."""

from __future__ import annotations

import difflib
from typing import Any, NamedTuple

import msgspec

from rowhook.compose import Configuration

_CONTEXT = 3
# A template may have 64 Ki lines; comparing takes the square of them.
_MAX_COMPARED_LINES, _MAX_DIFF_LINES = 1_000, 400


class Line(NamedTuple):
    """A line of a difference: `plus`, `minus`, `same`, or `skip` where lines are left out."""

    kind: str
    text: str


def draft_document(draft: Configuration) -> dict[str, Any]:
    """What must be said of it: all that is not the default."""
    return changed_fields(Configuration(name=""), draft)


def changed_fields(was: Configuration, is_now: Configuration) -> dict[str, Any]:
    """A merge patch from one to the other (RFC 7396)."""
    before, after = _fields(was), _fields(is_now)
    return {
        name: _merged(before.get(name), value)
        for name, value in after.items()
        if value != before.get(name)
    }


def _merged(before: Any, after: Any) -> Any:
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return after
    gone = {name: None for name in before if name not in after}
    return gone | {name: value for name, value in after.items() if value != before.get(name)}


def _fields(given: Configuration) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(given)
    return fields


def difference(was: dict[str, Any], is_now: dict[str, Any]) -> list[Line]:
    """Line by line, with texts such as templates as lines of their own; of many, the first."""
    before, after = _lines(was), _lines(is_now)
    if max(len(before), len(after)) > _MAX_COMPARED_LINES and before:
        return [
            Line("skip", f"… too many lines to compare: {len(before)} before, {len(after)} after")
        ]
    made = _compared(before, after)
    left = len(made) - _MAX_DIFF_LINES
    return made if left <= 0 else [*made[:_MAX_DIFF_LINES], Line("skip", f"… {left} more lines")]


def _compared(before: list[str], after: list[str]) -> list[Line]:
    made: list[Line] = []
    for group in difflib.SequenceMatcher(None, before, after).get_grouped_opcodes(_CONTEXT):
        if made:
            made.append(Line("skip", "…"))
        for tag, one, two, three, four in group:
            if tag == "equal":
                made += [Line("same", text) for text in before[one:two]]
                continue
            made += [Line("minus", text) for text in before[one:two]]
            made += [Line("plus", text) for text in after[three:four]]
    return made


def _lines(configuration: dict[str, Any]) -> list[str]:
    made: list[str] = []
    for name, value in configuration.items():
        text = value if isinstance(value, str) else _pretty(_plain(value))
        first, *rest = text.split("\n")
        made += [f"{name}: {first}", *(f"    {line}" for line in rest)]
    return made


def _plain(value: Any) -> Any:
    """15.0 is 15: which of the two is kept depends on who wrote it."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
