"""The JSON values of templates, read and written with the digits of their numbers."""

from __future__ import annotations

import json
import math
import re
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    Context,
    Decimal,
    DecimalException,
    InvalidOperation,
    Overflow,
)
from itertools import accumulate
from typing import TYPE_CHECKING, NoReturn

import msgspec

from rowhook.template.faults import InvalidValue, RenderFault
from rowhook.template.limits import MAX_DIGITS, MAX_JSON_DEPTH, MAX_TEXT

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.template.limits import RenderState

ARITHMETIC = Context(
    prec=MAX_DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Overflow]
)
MAX_BITS = int(MAX_DIGITS * math.log2(10))
# Python's integers have no negative zero. The pattern begins with the literal text, to which the
# search skips: times and UUIDs contain -0 as well, and the other order takes 30 times as long.
_MINUS_ZERO = re.compile(r"-0(?<![^\[,:\s]-0)(?:$|[\],}\s])")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKETS_ONLY = dict.fromkeys(range(128)) | str.maketrans("[]{}", "[][]")
_LEAF_PASSES = 3
_LONG_INT = 300
_UNSAFE = re.compile("[\u2028\u2029\ud800-\udfff]")
_TOKEN = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{](?:\s*[\]}])?|[\]},:]|[^\s"\[\]{},:]+', re.DOTALL
)


class Number:
    """A JSON number with its original digits. `text` is a valid JSON number literal."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Number({self.text!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bool) or not isinstance(other, int | float | Number):
            return NotImplemented
        return as_number(self) == as_number(other)

    def __hash__(self) -> int:
        return hash(as_number(self))


class Json(str):
    """JSON text, which is not escaped outside quotes in a JSON body."""

    __slots__ = ()


class Encoded(str):
    """Percent-encoded text, which is not encoded again in a URL or form body."""

    __slots__ = ()


class Literal(str):
    """A text that the author wrote in an output expression, which is not escaped."""

    __slots__ = ()


class LiteralList(list[object]):
    """A list literal of a template, which may contain the same data many times."""

    __slots__ = ()


class LiteralObject(dict[str, object]):
    """An object literal of a template, which may contain the same data many times."""

    __slots__ = ()


class Missing:
    """An undefined value, where it is allowed: under `default`, `is defined`, and as a condition.

    `fault` returns the error of a use that needs a value.
    """

    __slots__ = ("fault",)

    def __init__(self, fault: Callable[[], RenderFault]) -> None:
        self.fault = fault

    def __bool__(self) -> bool:
        return False


def as_number(value: object) -> int | Decimal | None:
    """Returns the exact value of a number, or None for other values, including booleans."""
    if type(value) is int:
        return value
    if isinstance(value, Number):
        try:
            return Decimal(value.text)
        except DecimalException as error:
            raise InvalidValue("the number is too large to calculate with.") from error
    return Decimal(repr(value)) if isinstance(value, float) else None


def exact_number(value: object) -> int | Decimal:
    """Returns the exact value of a number. Raises InvalidValue if it has too many digits."""
    number = as_number(value)
    if number is None:
        raise InvalidValue(f"expected a number, not {type_name(value)}.")
    digits = len(value.text) if isinstance(value, Number) else 0
    if digits > MAX_DIGITS or (type(number) is int and number.bit_length() > MAX_BITS):
        raise InvalidValue(f"the number has more than {MAX_DIGITS} digits.")
    return number


def number_value(result: int | Decimal) -> object:
    """Returns the result of a calculation as a value of templates."""
    if isinstance(result, Decimal):
        return Number(str(result))
    if result.bit_length() > MAX_BITS:
        raise InvalidValue(f"the result has more than {MAX_DIGITS} digits.")
    return result


def with_point(number: Decimal) -> Number:
    """Formats like a Python float: without trailing zeros, but with a digit after the point."""
    text = str(number)
    if "E" in text:
        return Number(text)
    head, _, tail = text.partition(".")
    return Number(f"{head}.{tail.rstrip('0') or '0'}")


def is_true(value: object) -> bool:
    """Returns whether a value is true: null, false, zero and empty values are not."""
    if isinstance(value, Number):
        return value.text.lower().split("e")[0].strip("-0.") != ""
    return bool(value)


def type_name(value: object) -> str:
    """Returns the type of a value for messages, which never contain the value itself."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return "a number" if isinstance(value, int | float | Number) else "not a JSON value"


def scalar_text(value: object) -> str:
    """Returns a value as text. Raises InvalidValue for lists and objects."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return value.text
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    raise InvalidValue(f"is {type_name(value)}. Write one of its items, or join them.")


_FAST = msgspec.json.Decoder(float_hook=Number)


def parse_json(text: str) -> object:
    """Parses a JSON text (RFC 8259) into None, bool, int, Number, str, list and dict.

    Numbers keep their digits, and of duplicate keys the last wins. Raises RenderFault for invalid
    JSON, NaN and Infinity, and for nesting deeper than MAX_JSON_DEPTH.
    """
    try:
        value = _parse(text)
    except RecursionError as error:
        raise RenderFault("The JSON is nested too deeply.") from error
    _check_depth(text)
    return value


def _parse(text: str) -> object:
    try:
        if _MINUS_ZERO.search(text) is None:
            return _FAST.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        pass  # lone surrogates and very long integers need the slower parser
    return _parse_slowly(text)


def _parse_slowly(text: str) -> object:
    try:
        return json.loads(
            text, parse_float=Number, parse_int=_integer, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        # the message of JSONDecodeError does not quote the document
        message = f"Invalid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        raise RenderFault(message) from error


def _integer(text: str) -> object:
    return Number(text) if text == "-0" or len(text) > _LONG_INT else int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise RenderFault(f"Invalid JSON: {name} is not a JSON number.")


def _check_depth(text: str) -> None:
    """Checks the depth of a valid JSON text; most texts have too few brackets to be too deep."""
    if len(text) <= MAX_JSON_DEPTH or text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return
    brackets = _STRING.sub("", text).translate(_BRACKETS_ONLY)
    for _ in range(_LEAF_PASSES):  # removes most of a flat document at C speed
        brackets = brackets.replace("[]", "")
    deepest = max(accumulate(1 if bracket == "[" else -1 for bracket in brackets), default=0)
    if deepest > MAX_JSON_DEPTH - _LEAF_PASSES:
        raise RenderFault(f"The JSON is nested deeper than {MAX_JSON_DEPTH} levels.")


def json_string(text: str) -> str:
    """Returns a JSON string with quotes; lone surrogates and U+2028/9 are escaped."""
    return f'"{json_inner(text)}"'


def json_inner(text: str) -> str:
    """Returns the content of a JSON string, without quotes."""
    try:
        inner = msgspec.json.encode(text).decode()[1:-1]
    except (TypeError, UnicodeEncodeError):  # a subclass of str, or lone surrogates
        inner = json.encoder.encode_basestring(text)[1:-1]
    return inner if inner.isascii() else _UNSAFE.sub(_escaped, inner)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def indented_json(text: str, width: int, state: RenderState) -> str:
    """Indents compact JSON as Python's json does. Raises InvalidValue if it is too long."""
    pieces: list[str] = []
    depth, remaining = 0, MAX_TEXT
    for match in _TOKEN.finditer(text):
        state.spend(4)
        token = match[0]
        if token in {"[", "{"}:
            depth += 1
            piece = f"{token}\n{' ' * width * depth}"
        elif token in {"]", "}"}:
            depth -= 1
            piece = f"\n{' ' * width * depth}{token}"
        else:
            piece = {",": f",\n{' ' * width * depth}", ":": ": "}.get(token, token)
        pieces.append(piece)
        remaining -= len(piece)
        _check_length(MAX_TEXT - remaining)
    return "".join(pieces)


def any_json(value: object, state: RenderState) -> str:
    """Returns a value as compact JSON. Raises InvalidValue if it is too long."""
    if type(value) is int:
        return repr(value)
    if isinstance(value, list | dict):
        return compact_json(value, state)
    if isinstance(value, str):
        _check_length(len(value))
        state.spend(len(value) // 32)
        return json_string(value)
    return "null" if value is None else scalar_text(value)


def compact_json(value: object, state: RenderState) -> str:
    """Returns a list or object as compact JSON, keeping the digits of numbers."""
    if isinstance(value, LiteralList | LiteralObject):
        return _written_container_json(value, state)

    def write_number(number: object) -> msgspec.Raw:
        if not isinstance(number, Number):
            raise InvalidValue("contains a value that is not JSON.")
        state.spend(4)
        return msgspec.Raw(number.text.encode())

    try:
        written = msgspec.json.encode(value, enc_hook=write_number)
    except UnicodeEncodeError:
        return _surrogates_kept(value, state)
    except RecursionError as error:
        raise InvalidValue("is nested too deeply.") from error
    state.spend(len(written) // 32)
    _check_length(len(written))
    text = written.decode()
    return text if text.isascii() else _UNSAFE.sub(_escaped, text)


def _written_container_json(value: LiteralList | LiteralObject, state: RenderState) -> str:
    """Writes item by item, to stop before a long result fills the memory."""
    is_list = isinstance(value, LiteralList)
    texts: list[str] = []
    remaining = MAX_TEXT
    for key in range(len(value)) if is_list else value:
        item = any_json(value[key], state)  # type: ignore[call-overload, index]  # the key fits its container
        texts.append(item if is_list else f"{json_string(str(key))}:{item}")
        remaining -= len(texts[-1]) + 1
        _check_length(MAX_TEXT - remaining)
    return f"[{','.join(texts)}]" if is_list else f"{{{','.join(texts)}}}"


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        raise InvalidValue(f"is more than {MAX_TEXT // 2**20} MiB of JSON.")


def _surrogates_kept(value: object, state: RenderState) -> str:
    pieces: list[str] = []
    _write(value, pieces.append, state)
    text = "".join(pieces)
    _check_length(len(text))
    return text


def _write(value: object, emit: Callable[[str], None], state: RenderState) -> None:
    """Writes a value that contains lone surrogates, which msgspec does not support."""
    state.spend(8)
    if isinstance(value, str):
        state.spend(len(value) // 4)
        emit(json_string(value))
    elif isinstance(value, Number):
        emit(value.text)
    elif isinstance(value, dict):
        for index, (key, item) in enumerate(value.items()):
            emit(f"{',' if index else '{'}{json_string(key)}:")
            _write(item, emit, state)
        emit("}" if value else "{}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            emit("," if index else "[")
            _write(item, emit, state)
        emit("]" if value else "[]")
    else:
        emit("null" if value is None else scalar_text(value))
