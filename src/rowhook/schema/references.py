"""Visits every reachable subschema, resolves its references and compiles its patterns.

References outside the document are rejected, because the registry contains only the document.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from referencing import Registry
from referencing.exceptions import NoSuchAnchor, PointerToNowhere, Unresolvable

from rowhook import json_pointer
from rowhook.schema.budget import pointer_to, resolve
from rowhook.schema.dialects import Dialect, dialect_of
from rowhook.schema.formats import Pattern, PatternRejected, compile_pattern

Path = tuple[str | int, ...]
Rejection = tuple[str, str]
Check = Callable[[Any, Path], list[Rejection]]
MAX_PROGRAM = 50_000
_REJECTED_SIZE = 2_000  # rejecting a pattern as too large takes RE2 some milliseconds
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
# Subschemas of keywords that are not checked themselves.
_WITHOUT_CHECK = frozenset({"then", "else", "definitions"})
_WITHOUT_CHECK_SINCE_2019 = frozenset({"$defs", "contentSchema"})
_REMOTE_REFERENCE = (
    "The reference points outside the schema. Remote schemas are not fetched. "
    "Move the target under $defs and write #/$defs/<name>."
)


@dataclass(slots=True, kw_only=True)
class Survey:
    """The state and result of a visit. `resolver` is that of the root; `static` as in Plan."""

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
    """Visit a schema and the targets of its references; `check` returns the faults of a tree.

    References of a tree with faults are not followed, because its parts may have any type.
    """
    result = Survey(dialect=dialect, check=check)
    if not _is_valid(result, (), document):
        return result
    resource = dialect.specification.create_resource(document)
    uri = resource.id() or ""
    result.resolver = Registry().with_resource(uri, resource).crawl().resolver(base_uri=uri)
    _follow_all(result, (), document, result.resolver)
    while result.trees and not result.rejected:
        path, tree, resolver = result.trees.pop(0)
        if id(tree) not in result.seen and _is_valid(result, path, tree):
            _follow_all(result, path, tree, resolver)
    return result


def _is_valid(result: Survey, path: Path, tree: Any) -> bool:
    before = len(result.rejected)
    result.rejected.extend(result.check(tree, path))
    for inner_path, schema in _walk(result.dialect, path, tree):
        if inner_path and "$schema" in schema and dialect_of(schema) is not result.dialect:
            result.rejected.append(
                (pointer_to((*inner_path, "$schema")), "Must be the dialect of the whole schema.")
            )
        _read_patterns(result, inner_path, schema)
    return len(result.rejected) == before


def _read_patterns(result: Survey, path: Path, schema: dict[str, Any]) -> None:
    named = schema.get("patternProperties")
    names = named if isinstance(named, dict) else ()
    sources: dict[str, Path] = {name: (*path, "patternProperties", name) for name in names}
    if isinstance(schema.get("pattern"), str):
        sources[schema["pattern"]] = (*path, "pattern")
    for source, where in sources.items():
        if result.program_left < 0:
            return
        try:
            if source not in result.patterns:
                result.patterns[source] = compile_pattern(source)
                result.program_left -= result.patterns[source].size
        except PatternRejected as error:
            result.program_left -= _REJECTED_SIZE
            result.rejected.append((pointer_to(where), str(error)))
        if result.program_left < 0:
            result.rejected.append(
                (pointer_to(where), "The patterns of the schema are too large together.")
            )


def _walk(dialect: Dialect, path: Path, tree: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    waiting = deque([(path, tree)])
    while waiting:
        path, schema = waiting.popleft()
        if isinstance(schema, dict):
            yield path, schema
            waiting.extend(_inside(dialect, path, schema))


def _inside(dialect: Dialect, path: Path, schema: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    for keyword, value in schema.items():
        if not _is_read(dialect, keyword):
            continue
        if keyword in _HOLDS_NAMED and isinstance(value, dict):
            yield from (((*path, keyword, name), item) for name, item in value.items())
        elif keyword in _HOLDS_ONE_OR_LIST and isinstance(value, list):
            yield from (((*path, keyword, index), item) for index, item in enumerate(value))
        elif keyword in _HOLDS_ONE_OR_LIST:
            yield (*path, keyword), value


def _is_read(dialect: Dialect, keyword: str) -> bool:
    keywords = dialect.validator_class.VALIDATORS
    return (
        keyword in keywords
        or keyword in _WITHOUT_CHECK
        or (keyword in _WITHOUT_CHECK_SINCE_2019 and "dependentSchemas" in keywords)
    )


def _follow_all(result: Survey, path: Path, tree: Any, resolver: Any) -> None:
    waiting = deque([(path, tree, resolver)])
    while waiting:
        path, schema, outer = waiting.popleft()
        if not isinstance(schema, dict) or id(schema) in result.seen:
            continue
        result.seen.add(id(schema))
        inner = outer.in_subresource(result.dialect.specification.create_resource(schema))
        for keyword in _REFERENCES:
            if keyword in schema and keyword in result.dialect.validator_class.VALIDATORS:
                _follow(result, path, schema, keyword, inner)
        waiting.extend((*child, inner) for child in _inside(result.dialect, path, schema))


def _follow(result: Survey, path: Path, schema: Any, keyword: str, resolver: Any) -> None:
    result.static = result.static and keyword == "$ref"
    where = (*path, keyword)
    try:
        resolved = resolve(resolver, schema, keyword)
    except (NoSuchAnchor, PointerToNowhere, LookupError, TypeError, ValueError, AttributeError):
        # referencing raises the last four for pointers through scalars, and for invalid URIs.
        result.rejected.append(
            (pointer_to(where), "The target of the reference does not exist in the schema.")
        )
    except Unresolvable:
        result.rejected.append((pointer_to(where), _REMOTE_REFERENCE))
    else:
        target = (*json_pointer.split_reference(schema[keyword]),) or where
        result.trees.append((target, resolved.contents, resolved.resolver))
