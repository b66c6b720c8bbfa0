"""The table of filters. Arguments have the names of Jinja."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import filter_date, filters_number, filters_text
from .values import Number

if TYPE_CHECKING:
    from collections.abc import Callable

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
    "tojson": Filter(filters_text.tojson),
    "upper": Filter(filters_text.cased(str.upper)),
    "lower": Filter(filters_text.cased(str.lower)),
    "capitalize": Filter(filters_text.cased(str.capitalize)),
    "title": Filter(filters_text.title, cost=10),
    "trim": Filter(filters_text.trim, (Argument("chars", None),)),
    "string": Filter(filters_text.string),
    "length": Filter(filters_number.length),
    "join": Filter(filters_text.join, (Argument("d", ""), Argument("attribute", None)), cost=10),
    "replace": Filter(
        filters_text.replace, (Argument("old"), Argument("new"), Argument("count", None)), cost=5
    ),
    "truncate": Filter(
        filters_text.truncate,
        (
            Argument("length", 255),
            Argument("killwords", default=False),
            Argument("end", "..."),
            Argument("leeway", 5),
        ),
        cost=8,
    ),
    "round": Filter(
        filters_number.round_number,
        (Argument("precision", 0), Argument("method", "common")),
        cost=30,
    ),
    "int": Filter(
        filters_number.to_integer, (Argument("default", 0), Argument("base", 10)), cost=20
    ),
    "float": Filter(filters_number.to_float, (Argument("default", Number("0.0")),), cost=20),
    "abs": Filter(filters_number.absolute),
    "urlencode": Filter(filters_text.urlencode, cost=8),
    "date": Filter(
        filter_date.date, (Argument("format", "%Y-%m-%d", filter_date.format_fault),), cost=60
    ),
    "b64encode": Filter(filters_text.b64encode, cost=8),
}
