"""Compiles a schema into one that validates within a budget, or says all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

from jsonschema.exceptions import ValidationError

from rowhook.schema.copying import CopyRefused, private_copy
from rowhook.schema.descend import errors_under
from rowhook.schema.dialects import BY_URI, Dialect, dialect_of
from rowhook.schema.fault import Fault, pointer_to
from rowhook.schema.fence import Plan, Run, TooCostly
from rowhook.schema.metaschema import folded
from rowhook.schema.references import Path, Rejection, Survey, survey

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
_TOO_COSTLY = (
    "The schema is too expensive to check for this data: the limit of steps or depth was reached. "
    "Simplify anyOf, oneOf, unevaluated… and references, or send less data."
)


class SchemaRejected(ValueError):
    """A schema cannot be used; `faults` are (JSON pointer into the schema, message) pairs."""

    def __init__(self, faults: tuple[tuple[str, str], ...]) -> None:
        super().__init__(" ".join(f"{pointer or '/'}: {message}" for pointer, message in faults))
        self.faults = faults


class Schema:
    """A compiled schema, safe to use from several threads at once.

    `branches`: it looks at a value more than once, so that a small instance may cost much.
    """

    __slots__ = ("_idle", "_plan", "branches")

    def __init__(self, plan: Plan) -> None:
        self.branches = _branches(plan.schema)
        self._plan = plan
        self._idle: list[Run] = []

    def faults(self, instance: object) -> tuple[Fault, ...]:
        """What is wrong with an instance, at most 20 faults; empty means valid.

        `instance` is plain JSON: dict, list, str, int, float or Decimal, bool, None. A check that
        reaches its budget ends with a fault whose keyword is "cost".
        """
        # A run keeps the validators it has built; pop and append are atomic, so none is shared.
        run = self._idle.pop() if self._idle else Run(self._plan)
        run.restart()
        found = tuple(_faults(run, instance))
        self._idle.append(run)
        return found


def _branches(document: Any) -> bool:
    if isinstance(document, list):
        return any(map(_branches, document))
    if not isinstance(document, dict):
        return False
    return not _BRANCHING.isdisjoint(document) or any(map(_branches, document.values()))


def compile_schema(schema: object) -> Schema:
    """Compile a JSON Schema of 2020-12 (the default), 2019-09 or draft-07, as `$schema` says.

    Raises SchemaRejected with up to 20 faults: not valid against its metaschema, a reference that
    leaves the document, a pattern that needs backtracking, too large, another dialect.
    """
    dialect = dialect_of(schema)
    if dialect is None:
        known = ", ".join(BY_URI)
        raise SchemaRejected((("/$schema", f"Unknown dialect. Use one of {known}."),))
    try:
        document = private_copy(schema)
    except CopyRefused as error:
        raise SchemaRejected((("", str(error)),)) from None
    metaschema = Run(_metaschema(dialect), METASCHEMA_STEPS)
    found = survey(document, dialect, lambda tree, path: _rejections(metaschema, tree, path))
    if found.rejected:
        raise SchemaRejected(tuple(found.rejected[:MAX_FAULTS]))
    return Schema(_plan(document, found))


def _plan(document: Any, found: Survey) -> Plan:
    return Plan(
        validator_class=found.dialect.validator_class,
        specification=found.dialect.specification,
        schema=document,
        resolver=found.resolver,
        patterns=found.patterns,
        static=found.static,
    )


@cache
def _metaschema(dialect: Dialect) -> Plan:
    document = folded(dialect.uri)
    return _plan(document, survey(document, dialect, lambda _tree, _path: []))


def _rejections(run: Run, tree: Any, path: Path) -> list[Rejection]:
    # One run for all trees of a schema: together they have one budget.
    found = islice(_faults(run, tree), MAX_FAULTS)
    start = pointer_to(path)
    return [(start + one.pointer, _about_schema(one)) for one in found]


def _about_schema(found: Fault) -> str:
    if found.keyword == "cost":
        return "The schema is too large or too deep to check. Split it."
    return found.message


def _faults(run: Run, instance: object) -> Iterator[Fault]:
    try:
        for error in islice(errors_under(run.root(), instance), MAX_FAULTS):
            yield _fault(error)
    except (TooCostly, RecursionError):
        yield Fault(pointer="", keyword="cost", message=_TOO_COSTLY)


def _fault(error: ValidationError) -> Fault:
    # Where the whole schema is `false`, no keyword has found the error.
    keyword = error.validator if isinstance(error.validator, str) else "false"
    return Fault(pointer=pointer_to(error.path), keyword=keyword, message=error.message)
