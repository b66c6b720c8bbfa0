"""JSON in and out, digit for digit. It never fetches, and never recurses without a bound."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import TYPE_CHECKING, NoReturn

import msgspec

from .faults import Misfit, RenderFault
from .limits import MAX_JSON_DEPTH, MAX_TEXT
from .values import MadeList, MadeObject, Number, scalar_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from .frame import Frame

_FAST = msgspec.json.Decoder(float_hook=Number)
# Python's integers lose this sign, and only these do
_MINUS_ZERO = re.compile(r"(?:^|[\[,:\s])-0(?:$|[\],}\s])")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKETS_ONLY = dict.fromkeys(range(128)) | str.maketrans("[]{}", "[][]")
_LEAF_PASSES = 3
_LONG_INT = 300
_UNSAFE = re.compile("[\u2028\u2029\ud800-\udfff]")


def parse_json(text: str) -> object:
    """Parse a JSON text (RFC 8259) into None, bool, int, Number, str, list and dict.

    Numbers render as they were written; of duplicate keys the last wins; NaN and Infinity are
    refused. Raises RenderFault for what is no JSON or is nested deeper than MAX_JSON_DEPTH.
    """
    try:
        value = _parse(text)
    except RecursionError as error:
        raise RenderFault("The JSON is nested too deeply.") from error
    _refuse_depth(text)
    return value


def _parse(text: str) -> object:
    try:
        if "-0" not in text or not _MINUS_ZERO.search(text):
            return _FAST.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        pass  # lone surrogates and very long integers: the slower parser knows them
    return _parse_slowly(text)


def _parse_slowly(text: str) -> object:
    try:
        return json.loads(
            text, parse_float=Number, parse_int=_integer, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        # its own text never quotes the document, only says where in it the fault is
        message = f"Invalid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        raise RenderFault(message) from error


def _integer(text: str) -> object:
    return Number(text) if text == "-0" or len(text) > _LONG_INT else int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise RenderFault(f"Invalid JSON: {name} is not a JSON number.")


def _refuse_depth(text: str) -> None:
    """Count the levels of a valid JSON text; most texts have too few brackets to need it."""
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return
    brackets = _STRING.sub("", text).translate(_BRACKETS_ONLY)
    for _ in range(_LEAF_PASSES):  # takes most of a flat document away at C speed
        brackets = brackets.replace("[]", "")
    deepest = max(accumulate(1 if mark == "[" else -1 for mark in brackets), default=0)
    if deepest > MAX_JSON_DEPTH - _LEAF_PASSES:
        raise RenderFault(f"The JSON is nested deeper than {MAX_JSON_DEPTH} levels.")


def json_string(text: str) -> str:
    """Return a text as a JSON string with its quotes; lone surrogates and U+2028/9 as escapes."""
    return f'"{json_inner(text)}"'


def json_inner(text: str) -> str:
    """Return a text as it stands between the quotes of a JSON string."""
    inner = json.encoder.encode_basestring(text)[1:-1]
    return inner if inner.isascii() else _UNSAFE.sub(_escaped, inner)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def any_json(value: object, frame: Frame) -> str:
    """Return a value as compact JSON. Charges the frame; raises Misfit for what is too long."""
    if isinstance(value, list | dict):
        return compact_json(value, frame)
    if isinstance(value, str):
        _refuse_length(len(value))
        frame.spend(len(value) // 32)
        return json_string(value)
    return "null" if value is None else scalar_text(value)


def compact_json(value: object, frame: Frame) -> str:
    """Return a list or object as compact JSON, numbers digit for digit. Charges the frame."""
    if isinstance(value, MadeList | MadeObject):
        return _made_json(value, frame)

    def write_number(number: object) -> msgspec.Raw:
        if not isinstance(number, Number):
            raise Misfit("contains a value that is not JSON.")
        frame.spend(4)
        return msgspec.Raw(number.text.encode())

    try:
        written = msgspec.json.encode(value, enc_hook=write_number)
    except UnicodeEncodeError:
        return _surrogates_kept(value, frame)
    except RecursionError as error:
        raise Misfit("is nested too deeply.") from error
    frame.spend(len(written) // 32)
    _refuse_length(len(written))
    text = written.decode()
    return text if text.isascii() else _UNSAFE.sub(_escaped, text)


def _made_json(value: MadeList | MadeObject, frame: Frame) -> str:
    """Write item by item, so that what is too long is seen before it is all in memory."""
    listed = isinstance(value, MadeList)
    texts: list[str] = []
    room = MAX_TEXT
    for key in range(len(value)) if listed else value:
        item = any_json(value[key], frame)  # type: ignore[call-overload, index]  # the key fits its container
        texts.append(item if listed else f"{json_string(str(key))}:{item}")
        room -= len(texts[-1]) + 1
        _refuse_length(MAX_TEXT - room)
    return f"[{','.join(texts)}]" if listed else f"{{{','.join(texts)}}}"


def _refuse_length(length: int) -> None:
    if length > MAX_TEXT:
        raise Misfit(f"is more than {MAX_TEXT // 1024} KiB of JSON.")


def _surrogates_kept(value: object, frame: Frame) -> str:
    pieces: list[str] = []
    _write(value, pieces.append, frame)
    text = "".join(pieces)
    _refuse_length(len(text))
    return text


def _write(value: object, emit: Callable[[str], None], frame: Frame) -> None:
    """Write what holds lone surrogates: rare, so in Python."""
    frame.spend(8)
    if isinstance(value, str):
        frame.spend(len(value) // 4)
        emit(json_string(value))
    elif isinstance(value, Number):
        emit(value.text)
    elif isinstance(value, dict):
        for index, (key, item) in enumerate(value.items()):
            emit(f"{',' if index else '{'}{json_string(key)}:")
            _write(item, emit, frame)
        emit("}" if value else "{}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            emit("," if index else "[")
            _write(item, emit, frame)
        emit("]" if value else "[]")
    else:
        emit("null" if value is None else scalar_text(value))
