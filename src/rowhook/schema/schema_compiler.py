"""Compile a JSON Schema into a validator with a budget, or report all its faults."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Any

from jsonschema.exceptions import ValidationError

from rowhook.schema.acceptance import compile_acceptance
from rowhook.schema.applicators import errors_under
from rowhook.schema.budget import BudgetExceeded, Fault, Plan, Run, pointer_to
from rowhook.schema.dialects import BY_URI, Dialect, dialect_of, merged_metaschema
from rowhook.schema.reader import as_number
from rowhook.schema.references import Path, Rejection, Survey, survey

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
    """Copy a schema, with floats as exact Decimals and no shared objects. Raises CopyRejected."""
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
        """Return the first 20 faults of an instance; none if it is valid.

        `instance` is plain JSON: dict, list, str, int, float or Decimal, bool, None. A validation
        that exceeds its budget ends with a fault whose keyword is "cost".
        """
        if self._accepts(instance):
            return ()
        return self.validate(instance)

    def validate(self, instance: object) -> tuple[Fault, ...]:
        """Return `faults` without the shortcut for instances that are certainly valid."""
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
    """Compile a JSON Schema of draft 2020-12 (the default), 2019-09 or 7, as named by `$schema`.

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
