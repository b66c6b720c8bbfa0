"""The `date` filter: reads RFC 3339 and ISO 8601 times, writes them in the style of `strftime`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Context, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rowhook.template.faults import InvalidValue
from rowhook.template.values import as_number, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.template.render_state import RenderState


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
    """Format a time in a zone. A string without an offset is taken as UTC."""
    fault = format_fault(form)
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


def format_fault(form: object) -> str | None:
    """Return the error message of an invalid format, or None."""
    if not isinstance(form, str) or len(form) > _LONGEST_FORMAT:
        return f"The format must be a string of at most {_LONGEST_FORMAT} characters."
    if "%" not in form:
        return "The format has no code. Write for instance %Y-%m-%d or %H:%M."
    unknown = [code for code in _CODE.findall(form) if code not in _CODES]
    supported = " ".join(f"%{code}" for code in _CODES)
    return f"Unknown format code %{unknown[0]}. Use one of {supported}." if unknown else None


def zone_fault(zone: object) -> str | None:
    """Return the error message of an unknown time zone, or None."""
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
    # A leap second, and 24:00, are the beginning of what follows, as in PostgreSQL.
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
