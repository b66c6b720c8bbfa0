"""What can be wrong with a template: when it is saved, and when it is rendered.

A message says what to do and never holds a value of the data or of a secret.
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CANDIDATES = 100
_LONGEST = 64


class TemplateFault(ValueError):
    """One fault of a source. `line` and `column` count from 1, columns in characters."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"Line {line}, column {column}: {message}")
        self.message = message
        self.line = line
        self.column = column


class TemplateFaults(ValueError):
    """A source that is refused, with every fault that was found in it, in order."""

    def __init__(self, faults: Iterable[TemplateFault]) -> None:
        self.faults = tuple(faults)
        super().__init__(" ".join(str(fault) for fault in self.faults))


class RenderFault(ValueError):
    """A render that failed. It names the variable or filter, never a value.

    `subject` is the expression that it failed at, as `path_name` writes it, where there is one.
    """

    def __init__(self, message: str, subject: str | None = None) -> None:
        super().__init__(message)
        self.subject = subject


class Misfit(ValueError):
    """A value that does not fit where it stands. Who catches it knows the value's name."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, or None. Looks at the first 100 names."""
    if len(name) > _LONGEST:
        return None
    short = [other for other in islice(known, _CANDIDATES) if len(other) <= _LONGEST]
    found = get_close_matches(name, short, n=1, cutoff=0.6)
    return found[0] if found else None
