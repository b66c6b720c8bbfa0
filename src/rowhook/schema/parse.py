"""Parses JSON, keeping all digits: fractions become Decimal instead of float."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

MAX_DEPTH = 256
_TOO_DEEP = f"Nested deeper than {MAX_DEPTH} levels."
_CONSTANT_OUTSIDE_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|(-?Infinity|NaN)')


class NotJson(ValueError):
    """The text is not JSON (RFC 8259); the message has the reason and position, but no content."""


class _InvalidConstant(ValueError):
    """The text contains NaN or an infinity, which are not JSON."""


def _reject_constant(name: str) -> NoReturn:
    raise _InvalidConstant(name)


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_reject_constant)
# Python does not convert integers of more than 4,300 digits, but Decimal does, in linear time.
_LONG_INTEGERS = json.JSONDecoder(
    parse_float=Decimal, parse_int=Decimal, parse_constant=_reject_constant
)


def parse_instance(text: str) -> object:
    """Parse a JSON text into dict, list, str, int, Decimal, bool or None.

    Raises NotJson for invalid JSON, NaN and Infinity (with line and column), for nesting deeper
    than 256 levels, and for an exponent beyond 10^18.
    """
    value = _decode(_DECODER, text)
    # A text with few brackets cannot be deep, and counting them is quicker than walking.
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(value)
    return value


def _decode(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise NotJson(f"{error.msg} at {where}.") from None
    except _InvalidConstant as error:
        raise NotJson(f"{error} at {_constant_position(text)}.") from None
    except RecursionError:
        raise NotJson(_TOO_DEEP) from None
    except InvalidOperation:
        raise NotJson("The exponent of a number is out of range.") from None
    except ValueError:
        if decoder is _LONG_INTEGERS:
            raise
        return _decode(_LONG_INTEGERS, text)


def _constant_position(text: str) -> str:
    matches = _CONSTANT_OUTSIDE_STRINGS.finditer(text)
    at = next(match.start() for match in matches if match.group(1))
    return f"line {text.count(chr(10), 0, at) + 1}, column {at - text.rfind(chr(10), 0, at)}"


def _check_depth(value: object) -> None:
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
        [item for item in value if isinstance(item, (dict, list))]
        if isinstance(value, list)
        else []
    )
