"""Recognizes instances that are certainly valid, by closures compiled once per schema.

A body that matches its schema, as nearly all do, then needs no walk of jsonschema. Only keywords
that check a value without branches, references or dynamic scope are compiled. Everything else, and
every doubt, is left to the validation, which also words the faults. An instance is accepted here
only if the validation accepts it, within its budget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import ge, gt, le, lt
from sys import getsizeof
from typing import Any

from rowhook.schema.budget import MAX_STEPS, Plan
from rowhook.schema.formats import NAMES, SLOW_NAMES, Pattern, conforms

Accepts = Callable[[Any], bool]
_Compiled = tuple[Accepts, int]

# Half of the budget of a validation, because the steps are only estimated.
_MAX_COST = MAX_STEPS // 2
# The most items of a list; the largest at which the schema stays within _MAX_COST.
_MOST_ITEMS = (256, 64, 16, 4)
_VISIT_COST = 3
_PATTERN_COST = 50
_MAX_TEXT = 1_000
_FORMAT_COST = 1 + (_MAX_TEXT >> 5)
_LARGE = 10**18
_SMALL_SIZE = 128
_CLASSES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float, Decimal),
    "boolean": (bool,),
    "null": (type(None),),
}
_OTHER_THAN_NUMBERS = frozenset((dict, list, str, bool, type(None)))
_SCALARS = frozenset((str, int, bool, type(None)))
_ABSENT = object()


def compile_acceptance(plan: Plan) -> Accepts:
    """Returns a function that returns True only for valid instances; False means unknown."""
    for most_items in _MOST_ITEMS:
        accepts, cost = _Compilation(plan, most_items).node(plan.schema)
        if cost <= _MAX_COST:
            return accepts
    return _never


def _never(_value: Any) -> bool:
    return False


def _always(_value: Any) -> bool:
    return True


class _Compilation:
    """Compiles one schema; the costs are at least the steps of the validation."""

    def __init__(self, plan: Plan, most_items: int) -> None:
        self._keywords = plan.validator_class.VALIDATORS
        self._patterns = plan.patterns
        self._most_items = most_items

    def node(self, schema: Any) -> _Compiled:
        """Compiles a schema or a subschema."""
        if schema is True:
            return _always, 0
        if schema is False:
            return _never, 0
        compiled = [
            _CHECKS[keyword](self, value, schema) if keyword in _CHECKS else (_never, 0)
            for keyword, value in schema.items()
            if keyword in self._keywords
        ]
        checks = tuple(check for check, _ in compiled if check is not _always)
        cost = _VISIT_COST + sum(2 + cost for _, cost in compiled)
        if _never in checks:
            return _never, 0
        return _all(checks), cost

    def properties(self, subschemas: Mapping[str, Any], _schema: Any) -> _Compiled:
        compiled = {name: self.node(subschema) for name, subschema in subschemas.items()}
        pairs = tuple((name, accepts) for name, (accepts, _) in compiled.items())
        cost = (len(pairs) >> 4) + sum(cost for _, cost in compiled.values())

        def check(value: Any) -> bool:
            if not isinstance(value, dict):
                return True
            for name, accepts in pairs:
                item = value.get(name, _ABSENT)
                if item is not _ABSENT and not accepts(item):
                    return False
            return True

        return check, cost

    def additional(self, subschema: Any, schema: Mapping[str, Any]) -> _Compiled:
        named = schema.get("properties", {}).keys()
        accepts, cost = self.node(subschema)
        if accepts is _always:
            return _always, 0
        most = self._most_items

        def check(value: Any) -> bool:
            if not isinstance(value, dict) or value.keys() <= named:
                return True
            return len(value) <= most and all(
                accepts(item) for name, item in value.items() if name not in named
            )

        return check, (max(len(named), most) >> 3) + most * cost

    def items(self, subschema: Any, _schema: Any) -> _Compiled:
        if isinstance(subschema, list):
            return _never, 0
        accepts, cost = self.node(subschema)
        most = self._most_items

        def check(value: Any) -> bool:
            return not isinstance(value, list) or (len(value) <= most and all(map(accepts, value)))

        return check, most * cost

    def pattern(self, regex: str, _schema: Any) -> _Compiled:
        return _pattern(self._patterns[regex]), _PATTERN_COST


def _all(checks: tuple[Accepts, ...]) -> Accepts:
    if len(checks) <= 1:
        return checks[0] if checks else _always

    def check(value: Any) -> bool:
        for accepts in checks:  # noqa: SIM110  # half the time of `all` with a generator
            if not accepts(value):
                return False
        return True

    return check


def _type(types: str | list[str]) -> _Compiled:
    allowed = [types] if isinstance(types, str) else types
    classes = frozenset(class_ for name in allowed for class_ in _CLASSES[name])
    return lambda value: type(value) in classes, 0


def _enum(allowed: list[Any]) -> _Compiled:
    if any(type(value) not in _SCALARS for value in allowed):
        return _never, 0
    values = frozenset(map(identity, allowed))
    cost = sum(1 + (getsizeof(value) >> 7) ** 2 for value in allowed)

    def check(value: Any) -> bool:
        return type(value) in _SCALARS and identity(value) in values

    return check, cost


def identity(value: Any) -> tuple[type, Any]:
    """Returns a key that differs between different scalars, also between True and 1.

    An integer becomes a text, because hashes of strings have a secret seed. Those of numbers do
    not, so an enum of numbers could be made to collide.
    """
    return type(value), f"{value:x}" if type(value) is int else value


def _required(names: list[str]) -> _Compiled:
    needed = frozenset(names)
    return lambda value: not isinstance(value, dict) or needed <= value.keys(), len(names) >> 4


def _bound(broken: Callable[[Any, Any], bool]) -> Callable[[Any], _Compiled]:
    def compile_bound(bound: Any) -> _Compiled:
        def check(value: Any) -> bool:
            class_ = type(value)
            if class_ is int:
                return -_LARGE < value < _LARGE and not broken(value, bound)
            if class_ is Decimal:
                is_small = getsizeof(value) < _SMALL_SIZE and value.is_finite()
                return is_small and not broken(value, bound)
            return class_ in _OTHER_THAN_NUMBERS

        return check, 0

    return compile_bound


def _size(class_: type, broken: Callable[[int, Any], bool]) -> Callable[[Any], _Compiled]:
    def compile_size(size: Any) -> _Compiled:
        def check(value: Any) -> bool:
            actual: object = type(value)
            return actual is not class_ or not broken(len(value), size)

        return check, 0

    return compile_size


def _pattern(pattern: Pattern) -> Accepts:
    def check(value: Any) -> bool:
        return not isinstance(value, str) or (
            pattern.steps(value) <= _PATTERN_COST and pattern.is_in(value)
        )

    return check


def _format(name: str) -> _Compiled:
    if name not in NAMES:
        return _always, 0
    if name in SLOW_NAMES:
        return lambda value: not isinstance(value, str), 0

    def check(value: Any) -> bool:
        return not isinstance(value, str) or (
            len(value) <= _MAX_TEXT and conforms(value, name, _spend_nothing)
        )

    return check, _FORMAT_COST


def _spend_nothing(_steps: int) -> None:
    """Charges nothing, because _FORMAT_COST is charged when the schema is compiled."""


_VALUE_CHECKS: dict[str, Callable[[Any], _Compiled]] = {
    "const": lambda expected: _enum([expected]),
    "enum": _enum,
    "exclusiveMaximum": _bound(ge),
    "exclusiveMinimum": _bound(le),
    "format": _format,
    "maxItems": _size(list, gt),
    "maxLength": _size(str, gt),
    "maxProperties": _size(dict, gt),
    "maximum": _bound(gt),
    "minItems": _size(list, lt),
    "minLength": _size(str, lt),
    "minProperties": _size(dict, lt),
    "minimum": _bound(lt),
    "required": _required,
    "type": _type,
}


def _of_value(compile_check: Callable[[Any], _Compiled]) -> Callable[..., _Compiled]:
    return lambda _compilation, value, _schema: compile_check(value)


_CHECKS: dict[str, Callable[[_Compilation, Any, Any], _Compiled]] = {
    "additionalProperties": _Compilation.additional,
    "items": _Compilation.items,
    "pattern": _Compilation.pattern,
    "properties": _Compilation.properties,
    **{keyword: _of_value(check) for keyword, check in _VALUE_CHECKS.items()},
}
