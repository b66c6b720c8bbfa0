"""The `format` filter: Python's `%` form, with bounded width and precision."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException
from typing import TYPE_CHECKING

from rowhook.template.escapes import to_text
from rowhook.template.faults import InvalidValue
from rowhook.template.limits import MAX_DIGITS, MAX_TEXT, MAX_WIDTH
from rowhook.template.values import exact_number, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rowhook.template.render_state import RenderState


_FIELD = re.compile(
    r"%(?:\((?P<name>[^()]*)\))?(?P<flags>[-+ #0]*)(?P<width>[0-9]*)(?:\.(?P<precision>[0-9]*))?"
    r"(?P<kind>.?)",
    re.DOTALL,
)
_DIGITS = Context(prec=2 * MAX_DIGITS, rounding=ROUND_HALF_EVEN)
_INTEGERS = {"d": "d", "i": "d", "u": "d", "x": "x", "X": "X", "o": "o"}
_SUPPORTED = "%s %d %f %e %g %x %o %%"


def format_fault(form: object, count: int, names: Sequence[str]) -> str | None:
    """Return the error message of a format with this number of values, or None."""
    if not isinstance(form, str):
        return "format is applied to the format, as in '%.2f' | format(data.x)."
    fields = [match for match in _FIELD.finditer(form) if match["kind"] != "%"]
    for field in fields:
        if field["kind"] not in {*_INTEGERS, *"sfFeEgG"} or not field["kind"]:
            return f"Unknown format {field[0][:20]}. Use one of {_SUPPORTED}."
        if max(_size(field, "width"), _size(field, "precision")) > MAX_WIDTH:
            return f"The width and the precision of a format are at most {MAX_WIDTH}."
    named = [field["name"] for field in fields if field["name"] is not None]
    missing = [name for name in named if name not in names]
    if missing:
        return f"The format needs the value {missing[0][:40]}, as in format({missing[0][:40]}=…)."
    if not named and len(fields) != count:
        return f"The format takes {len(fields)} values, but there are {count}."
    return None


def _size(field: re.Match[str], part: str) -> int:
    return int((field[part] or "0")[:9])


def format_text(
    state: RenderState, value: object, values: Sequence[object], named: Mapping[str, object]
) -> object:
    """Format values as Python's `%` does, numbers in decimal."""
    fault = format_fault(value, len(values), list(named))
    if fault or not isinstance(value, str):
        raise InvalidValue(fault or "")
    if len(value) > MAX_TEXT:
        raise InvalidValue(f"the text is longer than {MAX_TEXT:,} characters.")
    rest = iter(values)
    length = 0

    def fill(field: re.Match[str]) -> str:
        nonlocal length
        if field["kind"] == "%":
            return "%"
        state.spend(20)
        argument = next(rest) if field["name"] is None else named[field["name"]]
        text = _FORMATS[field["kind"]](field, argument, state)
        length += len(text)
        if length > MAX_TEXT:
            raise InvalidValue(f"the text is longer than {MAX_TEXT:,} characters.")
        return text

    text = _FIELD.sub(fill, value)
    state.spend_text(len(text))
    return text


def _padded(field: re.Match[str], sign: str, text: str) -> str:
    width, flags = _size(field, "width"), field["flags"]
    if "-" in flags:
        return (sign + text).ljust(width)
    if "0" in flags and field["kind"] != "s":
        return sign + text.rjust(width - len(sign), "0")
    return (sign + text).rjust(width)


def _sign(field: re.Match[str], *, is_negative: bool) -> str:
    if is_negative:
        return "-"
    return "+" if "+" in field["flags"] else " " if " " in field["flags"] else ""


def _text(field: re.Match[str], value: object, state: RenderState) -> str:
    text = to_text(value, state)
    if field["precision"] is not None:
        text = text[: _size(field, "precision")]
    return _padded(field, "", text)


def _number(field: re.Match[str], value: object) -> int | Decimal:
    if isinstance(value, bool):
        return int(value)
    try:
        return exact_number(value)
    except InvalidValue as error:
        message = f"%{field['kind']} needs a number, not {type_name(value)}."
        raise InvalidValue(message) from error


def _integer(field: re.Match[str], value: object, state: RenderState) -> str:
    del state
    number = _number(field, value)
    if isinstance(number, Decimal) and number.adjusted() > MAX_DIGITS:
        raise InvalidValue(f"the number has more than {MAX_DIGITS} digits.")
    whole = int(number)
    prefix = f"0{field['kind']}" if "#" in field["flags"] and field["kind"] in "xXo" else ""
    digits = format(abs(whole), _INTEGERS[field["kind"]])
    digits = prefix + digits.rjust(_size(field, "precision"), "0")
    return _padded(field, _sign(field, is_negative=whole < 0), digits)


def _fixed(field: re.Match[str], value: object, state: RenderState) -> str:
    """Format with a fixed number of places, in decimal."""
    del state
    number = Decimal(_number(field, value))
    places = 6 if field["precision"] is None else _size(field, "precision")
    if number.adjusted() > MAX_DIGITS:
        raise InvalidValue(f"the number has more than {MAX_DIGITS} digits.")
    try:
        rounded = number.quantize(Decimal((0, (1,), -places)), context=_DIGITS)
    except DecimalException as error:
        raise InvalidValue("the number is too large to format.") from error
    return _padded(field, _sign(field, is_negative=rounded.is_signed()), f"{abs(rounded):f}")


def _float(field: re.Match[str], value: object, state: RenderState) -> str:
    """Format with an exponent, as Python formats a double."""
    del state
    number = _number(field, value)
    try:
        double = float(number)
    except OverflowError:
        double = float("inf")
    if double - double != 0:
        raise InvalidValue("the number is too large to format.")
    precision = "" if field["precision"] is None else f".{_size(field, 'precision')}"
    text = f"%{precision}{field['kind']}" % abs(double)
    return _padded(field, _sign(field, is_negative=double < 0), text)


_FORMATS: dict[str, Callable[[re.Match[str], object, RenderState], str]] = {
    "s": _text,
    **dict.fromkeys(_INTEGERS, _integer),
    **dict.fromkeys("fF", _fixed),
    **dict.fromkeys("eEgG", _float),
}
