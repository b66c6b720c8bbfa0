"""The filters `format`, by Python's `%` form, and `date`, in the style of `strftime`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rowhook.template.escapes import to_text
from rowhook.template.faults import InvalidValue
from rowhook.template.json_values import as_number, exact_number, type_name
from rowhook.template.limits import MAX_DIGITS, MAX_TEXT, MAX_WIDTH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rowhook.template.limits import RenderState

_FIELD = re.compile(
    r"%(?:\((?P<name>[^()]*)\))?(?P<flags>[-+ #0]*)(?P<width>[0-9]*)(?:\.(?P<precision>[0-9]*))?"
    r"(?P<kind>.?)",
    re.DOTALL,
)
_DIGITS = Context(prec=2 * MAX_DIGITS, rounding=ROUND_HALF_EVEN)
_INTEGERS = {"d": "d", "i": "d", "u": "d", "x": "x", "X": "X", "o": "o"}
_SUPPORTED = "%s %d %f %e %g %x %o %%"
_TIME = re.compile(
    r"\s*(?P<year>[0-9]{4})-?(?P<month>[0-9]{2})-?(?P<day>[0-9]{2})"
    r"(?:[Tt ]\s*(?P<hour>[0-9]{2}):?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})"
    r"(?:[.,](?P<fraction>[0-9]{1,12}))?)?"
    r"\s*(?P<offset>[Zz]|[Uu][Tt][Cc]|[Gg][Mm][Tt]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?\s*"
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})?")
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_CODE = re.compile(r"%(:z|-?.|$)", re.DOTALL)
_LONGEST_FORMAT = 200
_LONGEST_TIME = 60
_NOON, _LEAP_SECOND, _MIDNIGHT = 12, 60, 24
_CONTEXT = Context(prec=40)


def format_fault(form: object, count: int, names: Sequence[str]) -> str | None:
    """Returns the error message of a format with this number of values, or None."""
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
    """Formats values as Python's `%` does, numbers in decimal."""
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
    """Formats with a fixed number of places, in decimal."""
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
    """Formats with an exponent, as Python formats a double."""
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


def _offset_of(at: datetime, separator: str) -> str:
    seconds = int((at.utcoffset() or timedelta()).total_seconds())
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02d}{separator}{minutes:02d}"


# English names, because those of strftime depend on the locale
_CODES: dict[str, Callable[[datetime], str]] = {
    "Y": lambda at: f"{at.year:04d}",
    "y": lambda at: f"{at.year % 100:02d}",
    "m": lambda at: f"{at.month:02d}",
    "d": lambda at: f"{at.day:02d}",
    "e": lambda at: f"{at.day:2d}",
    "j": lambda at: f"{at.timetuple().tm_yday:03d}",
    "H": lambda at: f"{at.hour:02d}",
    "I": lambda at: f"{at.hour % 12 or 12:02d}",
    "M": lambda at: f"{at.minute:02d}",
    "S": lambda at: f"{at.second:02d}",
    "f": lambda at: f"{at.microsecond:06d}",
    "p": lambda at: "AM" if at.hour < _NOON else "PM",
    "a": lambda at: _DAYS[at.weekday()][:3],
    "A": lambda at: _DAYS[at.weekday()],
    "b": lambda at: _MONTHS[at.month - 1][:3],
    "B": lambda at: _MONTHS[at.month - 1],
    "u": lambda at: str(at.isoweekday()),
    "w": lambda at: str(at.isoweekday() % 7),
    "V": lambda at: f"{at.isocalendar().week:02d}",
    "G": lambda at: f"{at.isocalendar().year:04d}",
    "F": lambda at: f"{at.year:04d}-{at.month:02d}-{at.day:02d}",
    "T": lambda at: f"{at.hour:02d}:{at.minute:02d}:{at.second:02d}",
    "R": lambda at: f"{at.hour:02d}:{at.minute:02d}",
    "s": lambda at: str((at - _EPOCH) // timedelta(seconds=1)),
    "z": lambda at: _offset_of(at, ""),
    ":z": lambda at: _offset_of(at, ":"),
    "Z": lambda at: at.tzname() or "UTC",
    "-d": lambda at: str(at.day),
    "-m": lambda at: str(at.month),
    "-H": lambda at: str(at.hour),
    "-I": lambda at: str(at.hour % 12 or 12),
    "-M": lambda at: str(at.minute),
    "-S": lambda at: str(at.second),
    "-j": lambda at: str(at.timetuple().tm_yday),
    "%": lambda _: "%",
}


def date(state: RenderState, value: object, form: object, zone: object) -> object:
    """Formats a time in a zone. A string without an offset is taken as UTC."""
    fault = date_format_fault(form)
    if fault or not isinstance(form, str):
        raise InvalidValue(fault or "The format must be a string.")
    state.spend(10 + len(form))
    at = _moment(value)
    if zone != "UTC":
        at = _in_zone(at, _zone_of(zone))
    return _CODE.sub(lambda match: _CODES[match[1]](at), form)


def _in_zone(at: datetime, zone: tzinfo) -> datetime:
    try:
        return at.astimezone(zone)
    except (ValueError, OverflowError) as error:
        raise InvalidValue("not a date in the years 1 to 9999 in this zone.") from error


def date_format_fault(form: object) -> str | None:
    """Returns the error message of an invalid format, or None."""
    if not isinstance(form, str) or len(form) > _LONGEST_FORMAT:
        return f"The format must be a string of at most {_LONGEST_FORMAT} characters."
    if "%" not in form:
        return "The format has no code. Write for instance %Y-%m-%d or %H:%M."
    unknown = [code for code in _CODE.findall(form) if code not in _CODES]
    supported = " ".join(f"%{code}" for code in _CODES)
    return f"Unknown format code %{unknown[0]}. Use one of {supported}." if unknown else None


def zone_fault(zone: object) -> str | None:
    """Returns the error message of an unknown time zone, or None."""
    try:
        _zone_of(zone)
    except InvalidValue as error:
        return f"The zone is {error}"
    return None


def _zone_of(zone: object) -> tzinfo:
    if not isinstance(zone, str):
        raise InvalidValue(f"{type_name(zone)}, but must be text, e.g. 'Europe/Paris' or '+02:00'.")
    return _read_zone(str(zone))


@lru_cache(maxsize=256)
def _read_zone(zone: str) -> tzinfo:
    offset = _OFFSET.fullmatch(zone)
    if offset is not None:
        return _fixed_zone(*offset.groups())
    try:
        if _ZONE.fullmatch(zone):
            return ZoneInfo(zone)
    except (OSError, ValueError, LookupError):
        pass
    raise InvalidValue("not known. Use a name such as 'Europe/Paris', or an offset as '+02:00'.")


def _fixed_zone(sign: str, hours: str, minutes: str | None) -> tzinfo:
    difference = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if difference >= timedelta(days=1):
        raise InvalidValue("not an offset of less than a day.")
    return timezone(-difference if sign == "-" else difference)


def _moment(value: object) -> datetime:
    if isinstance(value, str):
        return _from_text(value)
    number = as_number(value)
    if number is None:
        raise InvalidValue(f"expected an RFC 3339 string or epoch seconds, not {type_name(value)}.")
    return _from_epoch(number)


def _from_text(text: str) -> datetime:
    match = _TIME.fullmatch(text) if len(text) <= _LONGEST_TIME else None
    if not match:
        raise InvalidValue("not an RFC 3339 date, e.g. 2026-05-23T12:34:56Z.")
    hour, second = int(match["hour"] or 0), int(match["second"] or 0)
    offset = _OFFSET.fullmatch(match["offset"] or "")
    zone = _fixed_zone(*offset.groups()) if offset else UTC
    is_midnight = hour == _MIDNIGHT and not int(match["minute"]) and not second
    # A leap second, and 24:00, begin the next minute or day, as in PostgreSQL.
    more = timedelta(seconds=second == _LEAP_SECOND, days=is_midnight)
    try:
        at = datetime(
            int(match["year"]),
            int(match["month"]),
            int(match["day"]),
            0 if is_midnight else hour,
            int(match["minute"] or 0),
            second - (second == _LEAP_SECOND),
            int((match["fraction"] or "0")[:6].ljust(6, "0")),
            tzinfo=zone,
        )
        return (at + more).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidValue("not an existing date in the years 1 to 9999.") from error


def _from_epoch(number: int | Decimal) -> datetime:
    if not -_LATEST <= number <= _LATEST:
        raise InvalidValue("too large for epoch seconds. Pass seconds, not milliseconds.")
    micros = int(Decimal(number).scaleb(6, _CONTEXT))
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError as error:
        raise InvalidValue("not a date in the years 1 to 9999.") from error
