"""Reads JSON text into values that keep their digits, and compares them as JSON does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from sys import getsizeof
from typing import Any, NoReturn

import msgspec

from rowhook.schema.budget import BudgetExceeded

Number = int | Decimal
Spend = Callable[[int], None]
_MAX_DIGITS = 1000
_TYPES = {
    dict: "object",
    list: "array",
    str: "string",
    int: "integer",
    float: "number",
    Decimal: "number",
    bool: "boolean",
    type(None): "null",
}
_quote = json.encoder.encode_basestring_ascii
MAX_DEPTH = 256
_TOO_DEEP = f"Nested deeper than {MAX_DEPTH} levels."
_CONSTANT_OUTSIDE_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|(-?Infinity|NaN)')
# Several times as fast, with equal results, but without positions, and stricter about surrogates.
_FAST = msgspec.json.Decoder(float_hook=Decimal)


def kind(value: object) -> str:
    """Returns the JSON type of a value; fractions and exponent forms are "number"."""
    return _TYPES.get(type(value), "unknown")


def is_integral(value: float | Decimal) -> bool:
    """Returns whether a number is an integer; 1.0 and 1E3 are."""
    if isinstance(value, float):
        return value.is_integer()
    return value.is_finite() and value == value.to_integral_value()


def as_number(value: object, spend: Spend) -> Number | None:
    """Returns the exact value of a finite JSON number, or None for other values.

    A float is converted to its shortest decimal representation instead of its binary value.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, Decimal)):
        # Arithmetic between long ints and Decimals takes quadratic time.
        spend((getsizeof(value) >> 7) ** 2)
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    return value if isinstance(value, int) else None


def is_multiple(value: Number, divisor: Number, spend: Spend) -> bool:
    """Returns whether value / divisor is an integer, exactly, in bounded time for any exponent.

    Raises BudgetExceeded for numbers of more than 1,000 digits.
    """
    if isinstance(value, int) and isinstance(divisor, int):
        return value % divisor == 0
    (digits, exponent), (by, by_exponent) = _parts(value), _parts(divisor)
    spend((digits.bit_length() + by.bit_length()) >> 5)
    shift = exponent - by_exponent
    if shift >= 0 or digits == 0:
        return digits * pow(10, max(shift, 0), by) % by == 0
    return -shift <= _MAX_DIGITS and digits % (by * 10**-shift) == 0


def _parts(number: Number) -> tuple[int, int]:
    sign, digits, exponent = Decimal(number).as_tuple()
    if len(digits) > _MAX_DIGITS or not isinstance(exponent, int):
        raise BudgetExceeded
    return int("".join(map(str, digits))) * (-1 if sign else 1), exponent


def canonical(value: Any, spend: Spend) -> str:
    """Returns a text that is the same for exactly the values that are equal (core §4.2.2).

    A text, because hashes of strings have a secret seed. Those of numbers do not, so sets of
    numbers could be made to collide.
    """
    if isinstance(value, str):
        spend(len(value) >> 10)
        return _quote(value)
    spend(1)
    if isinstance(value, list):
        return f"[{','.join([canonical(item, spend) for item in value])}]"
    if isinstance(value, dict):
        pairs = [f"{_quote(key)}:{canonical(item, spend)}" for key, item in value.items()]
        return f"{{{','.join(sorted(pairs))}}}"
    number = as_number(value, spend)
    return repr(value) if number is None else _canonical_number(number)


def _canonical_number(number: Number) -> str:
    mantissa, _, exponent = f"{Decimal(number):e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{exponent}" if number else "0"


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
    """Parses a JSON text into dict, list, str, int, Decimal, bool or None.

    Raises NotJson for invalid JSON, NaN and Infinity (with line and column), for nesting deeper
    than 256 levels, and for an exponent beyond 10^18.
    """
    try:
        value = _FAST.decode(text)
    except (msgspec.MsgspecError, InvalidOperation, RecursionError, TypeError, UnicodeEncodeError):
        # A TypeError is a subclass of str.
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
