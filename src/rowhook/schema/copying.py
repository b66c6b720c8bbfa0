"""Copies a schema within limits, converting floats to exact decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rowhook.schema.values import as_number

MAX_NODES = 10_000
MAX_DEPTH = 64
MAX_CHARACTERS = 262_144
_MAX_WEIGHT = 16  # of `as_number`


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
