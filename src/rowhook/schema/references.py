"""Visits every subschema that a validation can reach, resolves its references, reads its patterns.

Nothing outside the document is ever looked for: the registry knows the document alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from referencing import Registry
from referencing.exceptions import NoSuchAnchor, PointerToNowhere, Unresolvable

from rowhook.schema.dialects import Dialect, dialect_of
from rowhook.schema.fault import pointer_to
from rowhook.schema.fence import resolve
from rowhook.schema.patterns import Pattern, PatternRejected, compile_pattern

Path = tuple[str | int, ...]
Rejection = tuple[str, str]
Check = Callable[[Any, Path], list[Rejection]]
MAX_PROGRAM = 50_000
_REFUSED_SIZE = 2_000  # RE2 takes some milliseconds to find that a pattern is too large
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_HOLDS_NAMED = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)
_HOLDS_ONE_OR_LIST = frozenset(
    {
        *("additionalItems", "additionalProperties", "allOf", "anyOf", "contains", "contentSchema"),
        *("else", "if", "items", "not", "oneOf", "prefixItems", "propertyNames", "then"),
        *("unevaluatedItems", "unevaluatedProperties"),
    }
)
# Subschemas that no check of ours reads by itself, but that are looked at all the same.
_SILENT = frozenset({"then", "else", "definitions"})
_SILENT_SINCE_2019 = frozenset({"$defs", "contentSchema"})
_ELSEWHERE = (
    "The reference points outside the schema. Remote schemas are not fetched. "
    "Move the target under $defs and write #/$defs/<name>."
)


@dataclass(slots=True, kw_only=True)
class Survey:
    """What a visit found; `resolver` stands at the root, `static` is Plan's."""

    dialect: Dialect
    check: Check
    resolver: Any = None
    rejected: list[Rejection] = field(default_factory=list)
    patterns: dict[str, Pattern] = field(default_factory=dict)
    program_left: int = MAX_PROGRAM
    static: bool = True
    seen: set[int] = field(default_factory=set)
    trees: list[tuple[Path, Any, Any]] = field(default_factory=list)


def survey(document: Any, dialect: Dialect, check: Check) -> Survey:
    """Visit a schema and all that its references reach; `check` tells what is wrong with a tree.

    References are followed only where a tree has no fault: else its parts may have any shape.
    """
    found = Survey(dialect=dialect, check=check)
    if not _is_sound(found, (), document):
        return found
    resource = dialect.specification.create_resource(document)
    uri = resource.id() or ""
    found.resolver = Registry().with_resource(uri, resource).crawl().resolver(base_uri=uri)
    _follow_all(found, (), document, found.resolver)
    while found.trees and not found.rejected:
        path, tree, resolver = found.trees.pop(0)
        if id(tree) not in found.seen and _is_sound(found, path, tree):
            _follow_all(found, path, tree, resolver)
    return found


def _is_sound(found: Survey, path: Path, tree: Any) -> bool:
    before = len(found.rejected)
    found.rejected.extend(found.check(tree, path))
    for place, schema in _walk(found.dialect, path, tree):
        if place and "$schema" in schema and dialect_of(schema) is not found.dialect:
            found.rejected.append(
                (pointer_to((*place, "$schema")), "Must be the dialect of the whole schema.")
            )
        _read_patterns(found, place, schema)
    return len(found.rejected) == before


def _read_patterns(found: Survey, place: Path, schema: dict[str, Any]) -> None:
    named = schema.get("patternProperties")
    names = named if isinstance(named, dict) else ()
    sources: dict[str, Path] = {one: (*place, "patternProperties", one) for one in names}
    if isinstance(schema.get("pattern"), str):
        sources[schema["pattern"]] = (*place, "pattern")
    for source, where in sources.items():
        if found.program_left < 0:
            return
        try:
            if source not in found.patterns:
                found.patterns[source] = compile_pattern(source)
                found.program_left -= found.patterns[source].size
        except PatternRejected as error:
            found.program_left -= _REFUSED_SIZE
            found.rejected.append((pointer_to(where), str(error)))
        if found.program_left < 0:
            found.rejected.append(
                (pointer_to(where), "The patterns of the schema are too large together.")
            )


def _walk(dialect: Dialect, path: Path, tree: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    waiting = deque([(path, tree)])
    while waiting:
        place, schema = waiting.popleft()
        if isinstance(schema, dict):
            yield place, schema
            waiting.extend(_inside(dialect, place, schema))


def _inside(dialect: Dialect, path: Path, schema: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    for word, value in schema.items():
        if not _is_read(dialect, word):
            continue
        if word in _HOLDS_NAMED and isinstance(value, dict):
            yield from (((*path, word, name), one) for name, one in value.items())
        elif word in _HOLDS_ONE_OR_LIST and isinstance(value, list):
            yield from (((*path, word, index), one) for index, one in enumerate(value))
        elif word in _HOLDS_ONE_OR_LIST:
            yield (*path, word), value


def _is_read(dialect: Dialect, word: str) -> bool:
    known = dialect.validator_class.VALIDATORS
    return (
        word in known
        or word in _SILENT
        or (word in _SILENT_SINCE_2019 and "dependentSchemas" in known)
    )


def _follow_all(found: Survey, path: Path, tree: Any, resolver: Any) -> None:
    waiting = deque([(path, tree, resolver)])
    while waiting:
        place, schema, outer = waiting.popleft()
        if not isinstance(schema, dict) or id(schema) in found.seen:
            continue
        found.seen.add(id(schema))
        inner = outer.in_subresource(found.dialect.specification.create_resource(schema))
        for keyword in _REFERENCES:
            if keyword in schema and keyword in found.dialect.validator_class.VALIDATORS:
                _follow(found, place, schema, keyword, inner)
        waiting.extend((*one, inner) for one in _inside(found.dialect, place, schema))


def _follow(found: Survey, place: Path, schema: Any, keyword: str, resolver: Any) -> None:
    found.static = found.static and keyword == "$ref"
    where = (*place, keyword)
    try:
        resolved = resolve(resolver, schema, keyword)
    except (NoSuchAnchor, PointerToNowhere, LookupError, TypeError, ValueError, AttributeError):
        # referencing raises the last four for pointers through strings, numbers and odd URIs.
        found.rejected.append(
            (pointer_to(where), "The target of the reference does not exist in the schema.")
        )
    except Unresolvable:
        found.rejected.append((pointer_to(where), _ELSEWHERE))
    else:
        target = _path_of(schema[keyword]) or where
        found.trees.append((target, resolved.contents, resolved.resolver))


def _path_of(reference: str) -> Path:
    fragment = unquote(reference.partition("#")[2])
    steps = fragment.split("/")[1:]
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)
