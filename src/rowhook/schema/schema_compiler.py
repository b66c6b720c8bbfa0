"""Compiles a JSON Schema into a validator with a budget, or reports all its faults.

References outside the document are rejected, because the registry contains only the document.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Any

from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.exceptions import NoSuchAnchor, PointerToNowhere, Unresolvable

from rowhook import json_pointer
from rowhook.schema.acceptance import compile_acceptance
from rowhook.schema.applicators import errors_under
from rowhook.schema.budget import BudgetExceeded, Fault, Plan, Run, pointer_to, resolve
from rowhook.schema.dialects import BY_URI, Dialect, dialect_of, merged_metaschema
from rowhook.schema.formats import Pattern, PatternRejected, compile_pattern
from rowhook.schema.reader import as_number

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
    """Visits a schema and the targets of its references; `check` returns the faults of a tree.

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


MAX_NODES = 10_000
MAX_DEPTH = 64
MAX_CHARACTERS = 262_144
_MAX_WEIGHT = 16  # of `as_number`
MAX_FAULTS = 20
_BRANCHING = frozenset(
    (
        "$ref",
        "$dynamicRef",
        "$recursiveRef",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "contains",
        "dependentSchemas",
        "dependencies",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
# For the metaschemas a step is well under 1 microsecond.
METASCHEMA_STEPS = 200_000
_TOO_EXPENSIVE = (
    "The schema is too expensive to check for this data: the limit of steps or depth was reached. "
    "Simplify anyOf, oneOf, unevaluated… and references, or send less data."
)


class CopyRejected(ValueError):
    """The schema is not JSON or exceeds a limit, which the message names."""


def private_copy(schema: object) -> Any:
    """Copies a schema, with floats as exact Decimals and no shared objects. Raises CopyRejected."""
    budget = [MAX_NODES, MAX_CHARACTERS]
    return _copy(schema, budget, MAX_DEPTH)


def _copy(value: Any, budget: list[int], depth: int) -> Any:
    _spend(value, budget, depth)
    if isinstance(value, dict):
        return {_key(key, budget): _copy(item, budget, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item, budget, depth - 1) for item in value]
    return _number(value) if isinstance(value, (int, float, Decimal)) else value


def _spend(value: Any, budget: list[int], depth: int) -> None:
    if value is not None and not isinstance(value, (dict, list, str, bool, int, float, Decimal)):
        raise CopyRejected("The schema is not JSON.")
    budget[0] -= 1
    budget[1] -= len(value) if isinstance(value, str) else 0
    if budget[0] < 0:
        raise CopyRejected(f"The schema has more than {MAX_NODES:,} values. Split it.")
    if budget[1] < 0:
        raise CopyRejected(f"The schema has more than {MAX_CHARACTERS:,} characters. Shorten it.")
    if depth < 0:
        raise CopyRejected(
            f"The schema is nested deeper than {MAX_DEPTH} levels. Use $defs and $ref."
        )


def _key(key: Any, budget: list[int]) -> str:
    if not isinstance(key, str):
        raise CopyRejected("The schema is not JSON: a property name is not a string.")
    budget[1] -= len(key)
    return key


def _check_weight(weight: int) -> None:
    if weight > _MAX_WEIGHT:
        raise CopyRejected("The schema contains a number of more than 1,000 digits.")


def _number(value: float | Decimal) -> Any:
    if isinstance(value, bool):
        return value
    number = as_number(value, _check_weight)
    if number is None:
        raise CopyRejected("The schema is not JSON: it contains NaN or an infinity.")
    return number


class SchemaRejected(ValueError):
    """A schema is not valid; `faults` are pairs of a JSON pointer into it and a message."""

    def __init__(self, faults: tuple[tuple[str, str], ...]) -> None:
        super().__init__(" ".join(f"{pointer or '/'}: {message}" for pointer, message in faults))
        self.faults = faults


class Schema:
    """A compiled schema, which is thread-safe.

    `branches`: a value may be checked more than once, so that a small instance may be expensive.
    """

    __slots__ = ("_accepts", "_idle", "branches", "plan")

    def __init__(self, plan: Plan) -> None:
        self.branches = _branches(plan.schema)
        self._accepts = compile_acceptance(plan)
        self.plan = plan
        self._idle: list[Run] = []

    def faults(self, instance: object) -> tuple[Fault, ...]:
        """Returns the first 20 faults of an instance; none if it is valid.

        `instance` is plain JSON: dict, list, str, int, float or Decimal, bool, None. A validation
        that exceeds its budget ends with a fault whose keyword is "cost".
        """
        if self._accepts(instance):
            return ()
        return self.validate(instance)

    def validate(self, instance: object) -> tuple[Fault, ...]:
        """Returns `faults` without the shortcut for instances that are certainly valid."""
        # A run caches validators. Pop and append are atomic, so threads never share a run.
        run = self._idle.pop() if self._idle else Run(self.plan)
        run.restart()
        faults = tuple(_faults(run, instance))
        self._idle.append(run)
        return faults


def _branches(document: Any) -> bool:
    if isinstance(document, list):
        return any(map(_branches, document))
    if not isinstance(document, dict):
        return False
    return not _BRANCHING.isdisjoint(document) or any(map(_branches, document.values()))


def compile_schema(schema: object) -> Schema:
    """Compiles a JSON Schema of draft 2020-12 (the default), 2019-09 or 7, as named by `$schema`.

    Raises SchemaRejected with up to 20 faults: violations of the metaschema, references outside the
    document, unsupported patterns, an unknown dialect, or a schema that is too large.
    """
    dialect = dialect_of(schema)
    if dialect is None:
        supported = ", ".join(BY_URI)
        raise SchemaRejected((("/$schema", f"Unknown dialect. Use one of {supported}."),))
    try:
        document = private_copy(schema)
    except CopyRejected as error:
        raise SchemaRejected((("", str(error)),)) from None
    metaschema = Run(_metaschema(dialect), METASCHEMA_STEPS)
    result = survey(document, dialect, lambda tree, path: _rejections(metaschema, tree, path))
    if result.rejected:
        # each vocabulary of the metaschema repeats the fault of a schema that is not an object
        raise SchemaRejected(tuple(dict.fromkeys(result.rejected))[:MAX_FAULTS])
    return Schema(_plan(document, result))


def _plan(document: Any, result: Survey) -> Plan:
    return Plan(
        validator_class=result.dialect.validator_class,
        specification=result.dialect.specification,
        schema=document,
        resolver=result.resolver,
        patterns=result.patterns,
        static=result.static,
    )


@cache
def _metaschema(dialect: Dialect) -> Plan:
    document = merged_metaschema(dialect.uri)
    return _plan(document, survey(document, dialect, lambda _tree, _path: []))


def _rejections(run: Run, tree: Any, path: Path) -> list[Rejection]:
    # All trees of a schema share one run, and so one budget.
    faults = islice(_faults(run, tree), MAX_FAULTS)
    start = pointer_to(path)
    return [(start + fault.pointer, _schema_message(fault)) for fault in faults]


def _schema_message(fault: Fault) -> str:
    if fault.keyword == "cost":
        return "The schema is too large or too deep to check. Split it."
    return fault.message


def _faults(run: Run, instance: object) -> Iterator[Fault]:
    try:
        for error in islice(errors_under(run.root(), instance), MAX_FAULTS):
            yield _fault(error)
    except (BudgetExceeded, RecursionError):
        yield Fault(pointer="", keyword="cost", message=_TOO_EXPENSIVE)


def _fault(error: ValidationError) -> Fault:
    # If the whole schema is `false`, the error has no keyword.
    keyword = error.validator if isinstance(error.validator, str) else "false"
    return Fault(pointer=pointer_to(error.path), keyword=keyword, message=error.message)
