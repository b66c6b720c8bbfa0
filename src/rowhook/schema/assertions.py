"""The keywords that look at one value: type, bounds, lengths, enum, pattern, format.

Each has jsonschema's signature and yields errors whose message holds no part of the instance.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import starmap
from operator import ge, gt, le, lt
from typing import Any

from jsonschema.exceptions import ValidationError

from rowhook.schema.fault import shown
from rowhook.schema.formats import conforms, name_of
from rowhook.schema.values import as_number, canonical, is_integral, is_multiple, kind

Found = Iterable[ValidationError]
Keyword = Callable[[Any, Any, Any, Any], Found]
_LISTED = 10


def fault(message: str) -> Found:
    """One error, as a keyword returns it."""
    return (ValidationError(message),)


def type_(_validator: Any, types: Any, instance: Any, _schema: Any) -> Found:
    """`type`: a whole number is an integer however it is written."""
    wanted = (types,) if isinstance(types, str) else types
    found = kind(instance)
    if found in wanted or (found == "integer" and "number" in wanted):
        return ()
    if found == "number" and "integer" in wanted and is_integral(instance):
        return ()
    return fault(f"Must be of type {' or '.join(wanted)}, but is of type {found}.")


def enum(validator: Any, allowed: Any, instance: Any, _schema: Any) -> Found:
    """`enum`: in time independent of how many values are allowed."""
    run = validator.format_checker
    known = run.enums.get(id(allowed))
    if known is None:
        known = run.enums[id(allowed)] = frozenset(canonical(one, run.spend) for one in allowed)
    if canonical(instance, run.spend) in known:
        return ()
    listed = ", ".join(_json(one) for one in allowed[:_LISTED])
    more = ", …" if len(allowed) > _LISTED else ""
    return fault(f"Must be one of {listed}{more}.")


def const(validator: Any, expected: Any, instance: Any, _schema: Any) -> Found:
    """`const`."""
    spend = validator.format_checker.spend
    if canonical(instance, spend) == canonical(expected, spend):
        return ()
    return fault(f"Must be {_json(expected)}.")


def _json(value: Any) -> str:
    return shown(json.dumps(value, ensure_ascii=False, default=str))


def _bound(broken: Callable[[Any, Any], bool], words: str) -> Keyword:
    def check(validator: Any, bound: Any, instance: Any, _schema: Any) -> Found:
        number = as_number(instance, validator.format_checker.spend)
        if number is None or not broken(number, bound):
            return ()
        return fault(f"Must be {words} {shown(str(bound))}.")

    return check


minimum = _bound(lt, "at least")
maximum = _bound(gt, "at most")
exclusive_minimum = _bound(le, "greater than")
exclusive_maximum = _bound(ge, "less than")


def multiple_of(validator: Any, divisor: Any, instance: Any, _schema: Any) -> Found:
    """`multipleOf`: exact, 19.99 is a multiple of 0.01."""
    spend = validator.format_checker.spend
    number = as_number(instance, spend)
    if number is None or is_multiple(number, divisor, spend):
        return ()
    return fault(f"Must be a multiple of {shown(str(divisor))}.")


def _size(type_name: str, broken: Callable[[int, Any], bool], words: str) -> Keyword:
    def check(_validator: Any, size: Any, instance: Any, _schema: Any) -> Found:
        if kind(instance) != type_name or not broken(len(instance), size):
            return ()
        return fault(words.format(_plain(size)))

    return check


def _plain(size: int | Decimal) -> str:
    return shown(str(size))


min_length = _size("string", lt, "Must be at least {} characters long.")
max_length = _size("string", gt, "Must be at most {} characters long.")
min_items = _size("array", lt, "Must have at least {} items.")
max_items = _size("array", gt, "Must have at most {} items.")
min_properties = _size("object", lt, "Must have at least {} properties.")
max_properties = _size("object", gt, "Must have at most {} properties.")


def unique_items(validator: Any, wanted: Any, instance: Any, _schema: Any) -> Found:
    """`uniqueItems`, in linear time; the error stands at the first item that repeats one."""
    if not wanted or not isinstance(instance, list):
        return ()
    spend = validator.format_checker.spend
    seen: dict[str, int] = {}
    for index, one in enumerate(instance):
        first = seen.setdefault(canonical(one, spend), index)
        if first != index:
            return (ValidationError(f"Duplicates item {first}.", path=(index,)),)
    return ()


def pattern(validator: Any, regex: Any, instance: Any, _schema: Any) -> Found:
    """`pattern`, through RE2."""
    if not isinstance(instance, str) or validator.format_checker.matches(regex, instance):
        return ()
    return fault(f"Must match the pattern '{shown(regex)}'.")


def format_(validator: Any, name: Any, instance: Any, _schema: Any) -> Found:
    """`format`, asserted; a format that nobody defined asserts nothing."""
    if not isinstance(instance, str) or conforms(instance, name, validator.format_checker.spend):
        return ()
    return fault(f"Must be {name_of(name)}.")


def required(validator: Any, names: Any, instance: Any, _schema: Any) -> Found:
    """`required`."""
    if not isinstance(instance, dict):
        return ()
    validator.format_checker.spend(len(names) >> 4)
    absent = [name for name in names if name not in instance]
    return map(_missing, absent)


def dependent_required(validator: Any, needs: Any, instance: Any, _schema: Any) -> Found:
    """`dependentRequired`."""
    if not isinstance(instance, dict):
        return ()
    validator.format_checker.spend(sum(map(len, needs.values())) >> 4)
    absent = [
        (name, f" It is required with '{shown(present)}'.")
        for present, names in needs.items()
        if present in instance
        for name in names
        if name not in instance
    ]
    return starmap(_missing, absent)


def _missing(name: str, beside: str = "") -> ValidationError:
    return ValidationError(f"Required property '{shown(name)}' is missing.{beside}")
