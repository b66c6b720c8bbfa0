"""The closed list of filters, with their arguments as Jinja names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import filter_date, filters_number, filters_text
from .values import Number

if TYPE_CHECKING:
    from collections.abc import Callable

REQUIRED = object()


class Argument(NamedTuple):
    """One argument of a filter: its name, and what it is when left out."""

    name: str
    default: object = REQUIRED
    fault: Callable[[object], str | None] | None = None


class Filter(NamedTuple):
    """A filter: called with the frame, the value and all arguments. `cost` is in steps."""

    apply: Callable[..., object] | None
    arguments: tuple[Argument, ...] = ()
    cost: int = 3


_ANY = Argument("default_value", "")

# `apply` is None where undefined values matter: the compiler knows those three itself
FILTERS: dict[str, Filter] = {
    "default": Filter(None, (_ANY, Argument("boolean", default=False))),
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
        filters_number.rounded, (Argument("precision", 0), Argument("method", "common")), cost=30
    ),
    "int": Filter(
        filters_number.whole_number, (Argument("default", 0), Argument("base", 10)), cost=20
    ),
    "float": Filter(filters_number.fraction, (Argument("default", Number("0.0")),), cost=20),
    "abs": Filter(filters_number.absolute),
    "urlencode": Filter(filters_text.urlencode, cost=8),
    "date": Filter(
        filter_date.date, (Argument("format", "%Y-%m-%d", filter_date.format_fault),), cost=60
    ),
    "b64encode": Filter(filters_text.b64encode, cost=8),
}
