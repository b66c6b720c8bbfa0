"""The list of filters, their arguments as Jinja names them, and the `date` filter."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import TYPE_CHECKING, NamedTuple

from rowhook.template import filter_functions
from rowhook.template.faults import InvalidValue
from rowhook.template.values import Number, as_number, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowhook.template.render_state import RenderState


_RFC3339 = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.(?P<fraction>[0-9]{1,12}))?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_CODE = re.compile(r"%(.?)", re.DOTALL)
_LONGEST_FORMAT = 200
_CONTEXT = Context(prec=40)

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
    "p": lambda at: "AM" if at.hour < 12 else "PM",  # noqa: PLR2004  # noon
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
    "s": lambda at: str((at - _EPOCH) // timedelta(seconds=1)),
    "z": lambda _: "+0000",
    "Z": lambda _: "UTC",
    "%": lambda _: "%",
}


def date(state: RenderState, value: object, form: object) -> object:
    """Format a time in UTC. A string without an offset is taken as UTC."""
    fault = format_fault(form)
    if fault or not isinstance(form, str):
        raise InvalidValue(fault or "The format must be a string.")
    state.spend(10 + len(form))
    at = _moment(value)
    return _CODE.sub(lambda match: _CODES[match[1]](at), form)


def format_fault(form: object) -> str | None:
    """Return the error message of an invalid format, or None."""
    if not isinstance(form, str) or len(form) > _LONGEST_FORMAT:
        return f"The format must be a string of at most {_LONGEST_FORMAT} characters."
    unknown = [code for code in _CODE.findall(form) if code not in _CODES]
    supported = " ".join(f"%{code}" for code in _CODES)
    return f"Unknown format code %{unknown[0]}. Use one of {supported}." if unknown else None


def _moment(value: object) -> datetime:
    if isinstance(value, str):
        return _from_text(value)
    number = as_number(value)
    if number is None:
        raise InvalidValue(f"expected an RFC 3339 string or epoch seconds, not {type_name(value)}.")
    return _from_epoch(number)


def _from_text(text: str) -> datetime:
    match = _RFC3339.fullmatch(text)
    if not match:
        raise InvalidValue("not an RFC 3339 date, e.g. 2026-05-23T12:34:56Z.")
    fraction = (match["fraction"] or "")[:6].ljust(6, "0")
    offset = "+00:00" if (match["offset"] or "Z") in "Zz" else match["offset"]
    written = f"{match['date']}T{match['time'] or '00:00:00'}.{fraction}{offset}"
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
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


REQUIRED = object()


class Argument(NamedTuple):
    """An argument of a filter: its name, its default and a check of constant values."""

    name: str
    default: object = REQUIRED
    fault: Callable[[object], str | None] | None = None


class Filter(NamedTuple):
    """A filter: a function of render state, value and arguments, and its cost in steps."""

    apply: Callable[..., object] | None
    arguments: tuple[Argument, ...] = ()
    cost: int = 3


_DEFAULT_VALUE = Argument("default_value", "")

# `apply` is None for the three filters that accept undefined values; the compiler handles them
FILTERS: dict[str, Filter] = {
    "default": Filter(None, (_DEFAULT_VALUE, Argument("boolean", default=False))),
    "first": Filter(None),
    "last": Filter(None),
    "tojson": Filter(filter_functions.tojson),
    "upper": Filter(filter_functions.cased(str.upper)),
    "lower": Filter(filter_functions.cased(str.lower)),
    "capitalize": Filter(filter_functions.cased(str.capitalize)),
    "title": Filter(filter_functions.title, cost=10),
    "trim": Filter(filter_functions.trim, (Argument("chars", None),)),
    "string": Filter(filter_functions.string),
    "length": Filter(filter_functions.length),
    "join": Filter(
        filter_functions.join, (Argument("d", ""), Argument("attribute", None)), cost=10
    ),
    "replace": Filter(
        filter_functions.replace,
        (Argument("old"), Argument("new"), Argument("count", None)),
        cost=5,
    ),
    "truncate": Filter(
        filter_functions.truncate,
        (
            Argument("length", 255),
            Argument("killwords", default=False),
            Argument("end", "..."),
            Argument("leeway", 5),
        ),
        cost=8,
    ),
    "round": Filter(
        filter_functions.round_number,
        (Argument("precision", 0), Argument("method", "common")),
        cost=30,
    ),
    "int": Filter(
        filter_functions.to_integer, (Argument("default", 0), Argument("base", 10)), cost=20
    ),
    "float": Filter(filter_functions.to_float, (Argument("default", Number("0.0")),), cost=20),
    "abs": Filter(filter_functions.absolute),
    "urlencode": Filter(filter_functions.urlencode, cost=8),
    "date": Filter(date, (Argument("format", "%Y-%m-%d", format_fault),), cost=60),
    "b64encode": Filter(filter_functions.b64encode, cost=8),
}
