"""Faults of templates: of compiling and of rendering.

Messages never contain values of the data or of secrets.
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CANDIDATES = 100
_LONGEST = 64
_SIMILAR = 0.75


class TemplateFault(ValueError):
    """A fault of a template's source. `line` and `column` start at 1; columns are characters."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"Line {line}, column {column}: {message}")
        self.message = message
        self.line = line
        self.column = column


class TemplateFaults(ValueError):
    """A template cannot be compiled; `faults` are all its faults, in order."""

    def __init__(self, faults: Iterable[TemplateFault]) -> None:
        self.faults = tuple(faults)
        super().__init__(" ".join(str(fault) for fault in self.faults))


class RenderFault(ValueError):
    """Rendering failed. The message names the variable or filter, never a value.

    `subject` is the failing expression in the form of `path_name`, if there is one.
    """

    def __init__(self, message: str, subject: str | None = None) -> None:
        super().__init__(message)
        self.subject = subject


class StepsExceeded(RenderFault):
    """A render needs more steps than its budget."""


class InvalidValue(ValueError):
    """A value is not valid for an operation; the caller adds the name of the expression."""


def closest_match(name: str, candidates: Iterable[str]) -> str | None:
    """Returns the most similar candidate, or None. Considers the first 100 names.

    A weak similarity misleads, as between count and round, unless two letters are swapped.
    """
    if len(name) > _LONGEST:
        return None
    short = [other for other in islice(candidates, _CANDIDATES) if len(other) <= _LONGEST]
    swapped = [other for other in short if sorted(other) == sorted(name)]
    matches = swapped or get_close_matches(name, short, n=1, cutoff=_SIMILAR)
    return matches[0] if matches else None
