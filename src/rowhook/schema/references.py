"""Visits every subschema that a validation can reach, resolves its references, reads its patterns.

Nothing outside the document is ever looked for: the registry knows the document alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from referencing import Registry
from referencing.exceptions import NoSuchResource, Unresolvable, Unretrievable

from rowhook.schema.dialects import Dialect, dialect_of
from rowhook.schema.fault import pointer_to
from rowhook.schema.fence import resolve
from rowhook.schema.patterns import Pattern, PatternRejected, compile_pattern

Path = tuple[str | int, ...]
Rejection = tuple[str, str]
Check = Callable[[Any, Path], list[Rejection]]
MAX_PROGRAM = 50_000
_DYNAMIC = ("$dynamicRef", "$recursiveRef")
_HOLDS_NAMED = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)
_NOT_SCHEMAS = frozenset({"const", "enum"})
_ELSEWHERE = (
    "points outside this schema, and nothing is ever fetched: "
    "put what it needs under $defs and write #/$defs/<name>"
)


@dataclass(slots=True, kw_only=True)
class Survey:
    """What a visit of a schema found; `resolver` stands at the document's root."""

    dialect: Dialect
    resolver: Any
    rejected: list[Rejection] = field(default_factory=list)
    patterns: dict[str, Pattern] = field(default_factory=dict)
    static: bool = True
    seen: set[int] = field(default_factory=set)
    waiting: list[tuple[Path, Any, Any]] = field(default_factory=list)


def survey(document: Any, dialect: Dialect, check: Check) -> Survey:
    """Visit a schema and what its references reach; `check` gives what is wrong with a tree.

    A tree that `check` finds fault with is not visited: its parts may have any shape.
    """
    resource = dialect.specification.create_resource(document)
    found = Survey(dialect=dialect, resolver=None)
    found.rejected.extend(check(document, ()))
    if found.rejected:
        return found
    uri = resource.id() or ""
    found.resolver = Registry().with_resource(uri, resource).crawl().resolver(base_uri=uri)
    found.waiting.append(((), document, found.resolver))
    while found.waiting:
        _visit(found, *found.waiting.pop(), check)
    return found
