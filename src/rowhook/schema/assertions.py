"""The keywords that check a single value: type, bounds, lengths, enum, pattern, format.

They have the signature of jsonschema. Messages contain no part of the instance.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import starmap
from operator import ge, gt, le, lt
from typing import Any

from jsonschema.exceptions import ValidationError

from rowhook.schema.budget import printable
from rowhook.schema.formats import conforms, name_of
from rowhook.schema.reader import as_number, canonical, is_integral, is_multiple, kind

Errors = Iterable[ValidationError]
Keyword = Callable[[Any, Any, Any, Any], Errors]
_LISTED_VALUES = 10
_CHARACTERS = "character long", "characters long"
_ITEMS = "item", "items"
_PROPERTIES = "property", "properties"


def fault(message: str) -> Errors:
    """Returns one error in the form of a keyword's result."""
    return (ValidationError(message),)


def type_(_validator: Any, types: Any, instance: Any, _schema: Any) -> Errors:
    """`type`; 1.0 and 1E3 are integers."""
    allowed = (types,) if isinstance(types, str) else types
    actual = kind(instance)
    if actual in allowed or (actual == "integer" and "number" in allowed):
        return ()
    if actual == "number" and "integer" in allowed and is_integral(instance):
        return ()
    return fault(f"Must be of type {' or '.join(allowed)}, but is of type {actual}.")


def enum(validator: Any, allowed: Any, instance: Any, _schema: Any) -> Errors:
    """`enum`, in time independent of the number of values."""
    run = validator.format_checker
    values = run.enums.get(id(allowed))
    if values is None:
        values = run.enums[id(allowed)] = frozenset(
            canonical(value, run.spend) for value in allowed
        )
    if canonical(instance, run.spend) in values:
        return ()
    listed = ", ".join(_json(value) for value in allowed[:_LISTED_VALUES])
    more = ", …" if len(allowed) > _LISTED_VALUES else ""
    return fault(f"Must be one of {listed}{more}.")


def const(validator: Any, expected: Any, instance: Any, _schema: Any) -> Errors:
    """`const`."""
    spend = validator.format_checker.spend
    if canonical(instance, spend) == canonical(expected, spend):
        return ()
    return fault(f"Must be {_json(expected)}.")


def _json(value: Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False, default=str))


def _bound(broken: Callable[[Any, Any], bool], words: str) -> Keyword:
    def check(validator: Any, bound: Any, instance: Any, _schema: Any) -> Errors:
        number = as_number(instance, validator.format_checker.spend)
        if number is None or not broken(number, bound):
            return ()
        return fault(f"Must be {words} {printable(str(bound))}.")

    return check


minimum = _bound(lt, "at least")
maximum = _bound(gt, "at most")
exclusive_minimum = _bound(le, "greater than")
exclusive_maximum = _bound(ge, "less than")


def multiple_of(validator: Any, divisor: Any, instance: Any, _schema: Any) -> Errors:
    """`multipleOf`, calculated exactly: 19.99 is a multiple of 0.01."""
    spend = validator.format_checker.spend
    number = as_number(instance, spend)
    if number is None or is_multiple(number, divisor, spend):
        return ()
    return fault(f"Must be a multiple of {printable(str(divisor))}.")


def _size(
    type_name: str, broken: Callable[[int, Any], bool], words: str, one: str, many: str
) -> Keyword:
    def check(_validator: Any, size: Any, instance: Any, _schema: Any) -> Errors:
        if kind(instance) != type_name or not broken(len(instance), size):
            return ()
        return fault(f"Must {words} {_plain(size)} {one if size == 1 else many}.")

    return check


def _plain(size: int | Decimal) -> str:
    return printable(str(size))


min_length = _size("string", lt, "be at least", *_CHARACTERS)
max_length = _size("string", gt, "be at most", *_CHARACTERS)
min_items = _size("array", lt, "have at least", *_ITEMS)
max_items = _size("array", gt, "have at most", *_ITEMS)
min_properties = _size("object", lt, "have at least", *_PROPERTIES)
max_properties = _size("object", gt, "have at most", *_PROPERTIES)


def unique_items(validator: Any, is_required: Any, instance: Any, _schema: Any) -> Errors:
    """`uniqueItems`, in linear time; the pointer is that of the first duplicate."""
    if not is_required or not isinstance(instance, list):
        return ()
    spend = validator.format_checker.spend
    seen: dict[str, int] = {}
    for index, item in enumerate(instance):
        first = seen.setdefault(canonical(item, spend), index)
        if first != index:
            return (ValidationError(f"Duplicates item {first}.", path=(index,)),)
    return ()


def pattern(validator: Any, regex: Any, instance: Any, _schema: Any) -> Errors:
    """`pattern`, with RE2."""
    if not isinstance(instance, str) or validator.format_checker.matches(regex, instance):
        return ()
    return fault(f"Must match the pattern '{printable(regex)}'.")


def format_(validator: Any, name: Any, instance: Any, _schema: Any) -> Errors:
    """`format`, asserted; unknown formats are ignored."""
    if not isinstance(instance, str) or conforms(instance, name, validator.format_checker.spend):
        return ()
    return fault(f"Must be {name_of(name)}.")


def required(validator: Any, names: Any, instance: Any, _schema: Any) -> Errors:
    """`required`."""
    if not isinstance(instance, dict):
        return ()
    validator.format_checker.spend(len(names) >> 4)
    missing = [name for name in names if name not in instance]
    return map(_missing, missing)


def dependent_required(validator: Any, needs: Any, instance: Any, _schema: Any) -> Errors:
    """`dependentRequired`."""
    if not isinstance(instance, dict):
        return ()
    validator.format_checker.spend(sum(map(len, needs.values())) >> 4)
    missing = [
        (name, f" It is required with '{printable(present)}'.")
        for present, names in needs.items()
        if present in instance
        for name in names
        if name not in instance
    ]
    return starmap(_missing, missing)


def _missing(name: str, reason: str = "") -> ValidationError:
    return ValidationError(f"Required property '{printable(name)}' is missing.{reason}")
