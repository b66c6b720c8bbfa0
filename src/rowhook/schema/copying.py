"""Takes a private copy of a schema, within limits, its fractions read as they were written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rowhook.schema.values import as_number

MAX_NODES = 10_000
MAX_DEPTH = 64
MAX_CHARACTERS = 262_144
_MAX_WEIGHT = 16  # of `as_number`


class CopyRefused(ValueError):
    """The schema is too large or no JSON; the message says which limit."""


def private_copy(schema: object) -> Any:
    """The schema with floats as exact Decimals and no object in two places. Raises CopyRefused."""
    left = [MAX_NODES, MAX_CHARACTERS]
    return _copied(schema, left, MAX_DEPTH)


def _copied(value: Any, left: list[int], depth: int) -> Any:
    _pay(value, left, depth)
    if isinstance(value, dict):
        return {_key(key, left): _copied(one, left, depth - 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_copied(one, left, depth - 1) for one in value]
    return _number(value) if isinstance(value, (int, float, Decimal)) else value


def _pay(value: Any, left: list[int], depth: int) -> None:
    if value is not None and not isinstance(value, (dict, list, str, bool, int, float, Decimal)):
        raise CopyRefused("The schema is not JSON.")
    left[0] -= 1
    left[1] -= len(value) if isinstance(value, str) else 0
    if left[0] < 0:
        raise CopyRefused(f"The schema has more than {MAX_NODES:,} values. Split it.")
    if left[1] < 0:
        raise CopyRefused(f"The schema has more than {MAX_CHARACTERS:,} characters. Shorten it.")
    if depth < 0:
        raise CopyRefused(
            f"The schema is nested deeper than {MAX_DEPTH} levels. Use $defs and $ref."
        )


def _key(key: Any, left: list[int]) -> str:
    if not isinstance(key, str):
        raise CopyRefused("The schema is not JSON: a property name is not a string.")
    left[1] -= len(key)
    return key


def _refuse_long(weight: int) -> None:
    if weight > _MAX_WEIGHT:
        raise CopyRefused("The schema contains a number of more than 1,000 digits.")


def _number(value: float | Decimal) -> Any:
    if isinstance(value, bool):
        return value
    number = as_number(value, _refuse_long)
    if number is None:
        raise CopyRefused("The schema is not JSON: it contains NaN or an infinity.")
    return number
