"""Recognizes instances that are certainly valid, by closures compiled once per schema.

A body that matches its schema, as nearly all do, then needs no walk of jsonschema. Only keywords
that check a value without branches, references or dynamic scope are compiled. Everything else, and
every doubt, is left to the validation, which also words the faults. An instance is accepted here
only if the validation accepts it, within its budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from operator import ge, gt, le, lt
from sys import getsizeof
from typing import Any

from rowhook.schema.budget import MAX_STEPS, Plan
from rowhook.schema.formats import NAMES, SLOW_NAMES, Pattern, conforms

Accepts = Callable[[Any], bool]
# For each class of JSON values a function, which does not test the class of its value again. None
# accepts every value of the class.
_ByClass = Mapping[type, Accepts | None]
_Compiled = tuple[_ByClass, int]
# The checks of a keyword, only for the classes whose values it may refuse.
_Checks = tuple[Mapping[type, Accepts], int]

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
_ALL_CLASSES = frozenset(class_ for classes in _CLASSES.values() for class_ in classes)
_SCALARS = frozenset((str, int, bool, type(None)))


def compile_acceptance(plan: Plan) -> Accepts:
    """Returns a function that returns True only for valid instances; False means unknown."""
    for most_items in _MOST_ITEMS:
        by_class, cost = _Compilation(plan, most_items).node(plan.schema)
        if cost <= _MAX_COST:
            return _root(by_class)
    return _never


def _root(by_class: _ByClass) -> Accepts:
    def accepts(value: Any) -> bool:
        try:
            check = by_class[type(value)]
            return check is None or check(value)
        except KeyError:
            return False  # it is or contains a value that is not JSON

    return accepts


def _never(_value: Any) -> bool:
    return False


class _Compilation:
    """Compiles one schema; the costs are at least the steps of the validation."""

    def __init__(self, plan: Plan, most_items: int) -> None:
        self._keywords = plan.validator_class.VALIDATORS
        self._patterns = plan.patterns
        self._most_items = most_items

    def node(self, schema: Any) -> _Compiled:
        """Compiles a schema or a subschema."""
        if schema is True:
            return dict.fromkeys(_ALL_CLASSES), 0
        if schema is False:
            return dict.fromkeys(_ALL_CLASSES, _never), 0
        compiled = [
            _CHECKS[keyword](self, value, schema) if keyword in _CHECKS else _UNKNOWN
            for keyword, value in schema.items()
            if keyword in self._keywords
        ]
        by_class = {
            class_: _all(tuple(checks[class_] for checks, _ in compiled if class_ in checks))
            for class_ in _ALL_CLASSES
        }
        cost = _VISIT_COST + sum(2 + cost for _, cost in compiled)
        return by_class, 0 if _refuses_all(by_class) else cost

    def properties(self, subschemas: Mapping[str, Any], _schema: Any) -> _Checks:
        compiled = {name: self.node(subschema) for name, subschema in subschemas.items()}
        pairs = tuple((name, by_class) for name, (by_class, _) in compiled.items())
        cost = (len(pairs) >> 4) + sum(cost for _, cost in compiled.values())

        def check(value: dict[str, Any]) -> bool:
            for name, by_class in pairs:
                if name in value:
                    item = value[name]
                    accepts = by_class[type(item)]
                    if accepts is not None and not accepts(item):
                        return False
            return True

        return {dict: check}, cost

    def additional(self, subschema: Any, schema: Mapping[str, Any]) -> _Checks:
        named = frozenset(schema.get("properties", ()))
        by_class, cost = self.node(subschema)
        if all(accepts is None for accepts in by_class.values()):
            return {}, 0
        if _refuses_all(by_class):
            return {dict: named.issuperset}, len(named) >> 3
        most = self._most_items

        def check(value: dict[str, Any]) -> bool:
            return named.issuperset(value) or (
                len(value) <= most
                and _accepts_all(by_class, [value[name] for name in value if name not in named])
            )

        return {dict: check}, (max(len(named), most) >> 3) + most * cost

    def items(self, subschema: Any, _schema: Any) -> _Checks:
        if isinstance(subschema, list):
            return {list: _never}, 0
        by_class, cost = self.node(subschema)
        most = self._most_items

        def check(value: list[Any]) -> bool:
            return len(value) <= most and _accepts_all(by_class, value)

        return {list: check}, most * cost

    def pattern(self, regex: str, _schema: Any) -> _Checks:
        return {str: _pattern(self._patterns[regex])}, _PATTERN_COST


def _accepts_all(by_class: _ByClass, values: Iterable[Any]) -> bool:
    for value in values:
        accepts = by_class[type(value)]
        if accepts is not None and not accepts(value):
            return False
    return True


def _refuses_all(by_class: _ByClass) -> bool:
    return all(accepts is _never for accepts in by_class.values())


def _all(checks: tuple[Accepts, ...]) -> Accepts | None:
    if _never in checks:
        return _never
    if len(checks) <= 1:
        return checks[0] if checks else None

    def check(value: Any) -> bool:
        for accepts in checks:  # noqa: SIM110  # half the time of `all` with a generator
            if not accepts(value):
                return False
        return True

    return check


def _type(types: str | list[str]) -> _Checks:
    names = [types] if isinstance(types, str) else types
    allowed = {class_ for name in names for class_ in _CLASSES[name]}
    return dict.fromkeys(_ALL_CLASSES - allowed, _never), 0


def _enum(allowed: list[Any]) -> _Checks:
    if any(type(value) not in _SCALARS for value in allowed):
        return _UNKNOWN
    by_class: dict[type, Accepts] = dict.fromkeys(_ALL_CLASSES, _never)
    for class_ in {type(value) for value in allowed} - {int}:
        values = frozenset(value for value in allowed if type(value) is class_)
        by_class[class_] = values.__contains__
    numbers = frozenset(integer_text(value) for value in allowed if type(value) is int)
    if numbers:
        by_class[int] = lambda value: integer_text(value) in numbers
    return by_class, sum(1 + (getsizeof(value) >> 7) ** 2 for value in allowed)


def integer_text(value: int) -> str:
    """Returns an integer as text.

    Hashes of strings have a secret seed. Those of numbers do not, so an enum of numbers could be
    made to collide.
    """
    return f"{value:x}"


def _required(names: list[str]) -> _Checks:
    needed = frozenset(names)
    return {dict: lambda value: needed <= value.keys()}, len(names) >> 4


def _bound(broken: Callable[[Any, Any], bool]) -> Callable[[Any], _Checks]:
    def compile_bound(bound: Any) -> _Checks:
        def check_integer(value: int) -> bool:
            return -_LARGE < value < _LARGE and not broken(value, bound)

        def check_decimal(value: Decimal) -> bool:
            is_small = getsizeof(value) < _SMALL_SIZE and value.is_finite()
            return is_small and not broken(value, bound)

        return {int: check_integer, Decimal: check_decimal, float: _never}, 0

    return compile_bound


def _size(class_: type, broken: Callable[[int, Any], bool]) -> Callable[[Any], _Checks]:
    return lambda size: ({class_: lambda value: not broken(len(value), size)}, 0)


def _pattern(pattern: Pattern) -> Accepts:
    return lambda value: pattern.steps(value) <= _PATTERN_COST and pattern.is_in(value)


def _format(name: str) -> _Checks:
    if name not in NAMES:
        return {}, 0
    if name in SLOW_NAMES:
        return {str: _never}, 0

    def check(value: str) -> bool:
        return len(value) <= _MAX_TEXT and conforms(value, name, _spend_nothing)

    return {str: check}, _FORMAT_COST


def _spend_nothing(_steps: int) -> None:
    """Charges nothing, because _FORMAT_COST is charged when the schema is compiled."""


_UNKNOWN: _Checks = (dict.fromkeys(_ALL_CLASSES, _never), 0)
_VALUE_CHECKS: dict[str, Callable[[Any], _Checks]] = {
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


def _of_value(compile_checks: Callable[[Any], _Checks]) -> Callable[..., _Checks]:
    return lambda _compilation, value, _schema: compile_checks(value)


_CHECKS: dict[str, Callable[[_Compilation, Any, Any], _Checks]] = {
    "additionalProperties": _Compilation.additional,
    "items": _Compilation.items,
    "pattern": _Compilation.pattern,
    "properties": _Compilation.properties,
    **{keyword: _of_value(checks) for keyword, checks in _VALUE_CHECKS.items()},
}
