"""What a page shows of a long text: the lines around what matters, and how much is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from rowhook.dashboard.shown import text_or_json

# A body may be 1 MiB, an editor asks for it anew at each pause, and a page may hold fifty.
MAX_LINES, MAX_CHARACTERS = 400, 32 * 1024
_MAX_LINES_PER_PAGE, _MAX_CHARACTERS_PER_PAGE = 3 * MAX_LINES, 3 * MAX_CHARACTERS
_CONTEXT_LINES, _CONTEXT_CHARACTERS = 5, 200


class Fault(Protocol):
    """What is wrong with a text, and where; both from 1, or None."""

    @property
    def line(self) -> int | None:
        """The line."""

    @property
    def column(self) -> int | None:
        """The column."""


class Line(NamedTuple):
    """One line; of a long one the part from `before` on, with `after` characters behind it."""

    number: int
    text: str
    before: int
    after: int
    faults: list[Fault]


class Excerpt(NamedTuple):
    """Lines in a row, how many are left out on both sides, and the faults of those."""

    lines: list[Line]
    before: int
    after: int
    elsewhere: list[Fault]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        cut = any(one.before or one.after for one in self.lines)
        return not (self.before or self.after or cut)


def excerpt(text: str, faults: Iterable[Fault] = (), many: int = 1) -> Excerpt:
    """The beginning, or where the first fault is if that is further on; `many` share a page."""
    lines, at = text.split("\n"), defaultdict(list)
    for one in faults:
        at[one.line or 0].append(one)
    most = min(MAX_LINES, _MAX_LINES_PER_PAGE // many)
    room = min(MAX_CHARACTERS, _MAX_CHARACTERS_PER_PAGE // many)
    begin = _begin(lines, min((one for one in at if one), default=1), most, room)
    shown: list[Line] = []
    for number, line in enumerate(lines[begin : begin + most], begin + 1):
        if room <= 0:
            break
        shown.append(_cut(number, line, at.pop(number, []), room))
        room -= len(shown[-1].text) + 1
    at.pop(0, None)
    elsewhere = [one for number in sorted(at) for one in at[number]]
    return Excerpt(shown, begin, len(lines) - begin - len(shown), elsewhere)


def _begin(lines: Sequence[str], fault: int, most: int, room: int) -> int:
    """Where to begin, so that the line of the fault is in it, with some lines above."""
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
    """A line that is longer than there is room begins a little before its first fault."""
    if len(line) <= room:
        return Line(number, line, 0, 0, faults)
    column = min((one.column or 1 for one in faults), default=1)
    begin = max(min(column - _CONTEXT_CHARACTERS, len(line) - room), 0)
    text = line[begin : begin + room]
    return Line(number, text, begin, len(line) - begin - len(text), faults)


def indented(text: str) -> str:
    """JSON to read; what is no JSON that we read, or long, as it is."""
    return text if len(text) > MAX_CHARACTERS else text_or_json(text)
