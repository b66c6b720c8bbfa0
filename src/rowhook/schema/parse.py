"""Reads a JSON text into plain values, digits kept: fractions become Decimal, never float."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

MAX_DEPTH = 256
_TOO_DEEP = f"Nested deeper than {MAX_DEPTH} levels."
_CONSTANT_OUTSIDE_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|(-?Infinity|NaN)')


class NotJson(ValueError):
    """The text is not JSON (RFC 8259); the message says why and where, and holds none of it."""


class _ConstantFound(ValueError):
    """The decoder met NaN or an infinity, which RFC 8259 does not have."""


def _refuse_constant(name: str) -> NoReturn:
    raise _ConstantFound(name)


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)
# Python refuses to read an int of more than 4,300 digits; a Decimal of them costs linear time.
_LONG_INTEGERS = json.JSONDecoder(
    parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse_constant
)


def parse_instance(text: str) -> object:
    """The value of a JSON text: dict, list, str, int, Decimal, bool or None.

    Raises NotJson with line and column for what is no JSON, for NaN and Infinity, for nesting
    deeper than 256 levels, and for an exponent beyond 10^18.
    """
    value = _decode(_DECODER, text)
    # Only brackets nest: few of them cannot be deep, and counting them is quicker than walking.
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _refuse_depth(value)
    return value


def _decode(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise NotJson(f"{error.msg} at {where}.") from None
    except _ConstantFound as error:
        raise NotJson(f"{error} at {_constant_place(text)}.") from None
    except RecursionError:
        raise NotJson(_TOO_DEEP) from None
    except InvalidOperation:
        raise NotJson("The exponent of a number is out of range.") from None
    except ValueError:
        if decoder is _LONG_INTEGERS:
            raise
        return _decode(_LONG_INTEGERS, text)


def _constant_place(text: str) -> str:
    found = (one for one in _CONSTANT_OUTSIDE_STRINGS.finditer(text) if one.group(1))
    at = next(found).start()
    return f"line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"


def _refuse_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise NotJson(_TOO_DEEP)


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    return (
        [one for one in value if isinstance(one, (dict, list))] if isinstance(value, list) else []
    )
