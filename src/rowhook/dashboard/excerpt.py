"""Excerpts of long texts: the lines around the first fault, and how much is omitted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from rowhook.dashboard.shown import text_or_json

# A body may be 1 MiB, the editor renders it at each pause, and a page may show fifty bodies.
MAX_LINES, MAX_CHARACTERS = 400, 32 * 1024
_MAX_LINES_PER_PAGE, _MAX_CHARACTERS_PER_PAGE = 3 * MAX_LINES, 3 * MAX_CHARACTERS
_CONTEXT_LINES, _CONTEXT_CHARACTERS = 5, 200


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
    """Excerpt the beginning, or the lines around the first fault. `many` excerpts share a page."""
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
    """Cut a line that is longer than `room`, beginning a little before its first fault."""
    if len(line) <= room:
        return Line(number, line, 0, 0, faults)
    column = min((fault.column or 1 for fault in faults), default=1)
    begin = max(min(column - _CONTEXT_CHARACTERS, len(line) - room), 0)
    text = line[begin : begin + room]
    return Line(number, text, begin, len(line) - begin - len(text), faults)


def indented(text: str) -> str:
    """Indent JSON; return other and long texts unchanged."""
    return text if len(text) > MAX_CHARACTERS else text_or_json(text)
