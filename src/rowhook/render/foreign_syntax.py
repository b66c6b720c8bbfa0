"""Finds expressions of other template languages, which are sent as they stand."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from rowhook.render.configuration import Fault
from rowhook.template.compiler import ROOTS
from rowhook.template.limits import MAX_FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rowhook.template.source import Source

_ROOT = rf"(?:{'|'.join(sorted(ROOTS))})\b"
_NAME = rf"{_ROOT}(?:\.[\w-]+|\[[^\]]{{1,40}}\])*"
# A string in a tag may contain `}}`, and then any number of `{%`. The first one without an end
# extends to the end of the text; otherwise the text would be searched to its end for each of them.
_OURS = re.compile(r"\{\{.*?(?:\}\}|\Z)|\{%.*?(?:%\}|\Z)|\{#.*?(?:#\}|\Z)", re.DOTALL)
_FOREIGN = re.compile(
    rf"[$@#]\{{\s*(?P<braces>{_NAME})\s*\}}"
    rf"|<%[=-]?\s*(?P<percent>{_NAME})[^%]{{0,80}}%>"
    rf"|\{{\s*(?P<single>{_ROOT}(?:\.[A-Za-z_][\w-]*)+)\s*\}}"
)


def foreign_syntax(pointer: str, source: Source) -> Iterator[Fault]:
    """Yield warnings for the first `${name}`, `<%= name %>` and `{data.name}` of a static text."""
    static = _OURS.sub(lambda match: "\0" * len(match[0]), source.flat)
    for match in islice(_FOREIGN.finditer(static), MAX_FAULTS):
        name = match["braces"] or match["percent"] or match["single"]
        line, column = source.position(match.start())
        message = f"{match[0]} is sent as it stands. For a value write {{{{ {name} }}}}."
        yield Fault(pointer=pointer, message=message, line=line, column=column)
