"""The list of filters, and their arguments as Jinja names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rowhook.template import filter_functions, format_filters, list_filters
from rowhook.template.json_values import Number
from rowhook.template.list_filters import NO_DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable

REQUIRED = object()


class Argument(NamedTuple):
    """An argument of a filter: its name, its default and a check of constant values."""

    name: str
    default: object = REQUIRED
    fault: Callable[[object], str | None] | None = None


class Filter(NamedTuple):
    """A filter: a function of render state, value and arguments, and its cost in steps.

    `is_optional`: it has no result for an empty value, which `default` may replace. `takes_any`: it
    takes any number of arguments; the compiler handles it.
    """

    apply: Callable[..., object] | None
    arguments: tuple[Argument, ...] = ()
    cost: int = 3
    is_optional: bool = False
    takes_any: bool = False


_CASE = Argument("case_sensitive", default=False)
_ATTRIBUTE = Argument("attribute", None)
DEFAULT_VALUE = Argument("default_value", "")
_DEFAULT = Filter(None, (DEFAULT_VALUE, Argument("boolean", default=False)))
_LENGTH = Filter(filter_functions.length)

# `apply` is None for the filters that the compiler handles
FILTERS: dict[str, Filter] = {
    "default": _DEFAULT,
    "d": _DEFAULT,
    "first": Filter(list_filters.first, is_optional=True),
    "last": Filter(list_filters.last, is_optional=True),
    "min": Filter(list_filters.least, (_CASE, _ATTRIBUTE), 10, is_optional=True),
    "max": Filter(list_filters.greatest, (_CASE, _ATTRIBUTE), 10, is_optional=True),
    "sum": Filter(list_filters.total, (_ATTRIBUTE, Argument("start", 0)), 10),
    "sort": Filter(
        list_filters.in_order, (Argument("reverse", default=False), _CASE, _ATTRIBUTE), 10
    ),
    "unique": Filter(list_filters.distinct, (_CASE, _ATTRIBUTE), 10),
    "list": Filter(list_filters.as_list, cost=5),
    "items": Filter(list_filters.pairs, cost=5),
    "map": Filter(
        list_filters.mapped, (Argument("attribute"), Argument("default", NO_DEFAULT)), 10
    ),
    "selectattr": Filter(None, cost=10, takes_any=True),
    "rejectattr": Filter(None, cost=10, takes_any=True),
    "format": Filter(format_filters.format_text, cost=20, takes_any=True),
    "tojson": Filter(filter_functions.tojson, (Argument("indent", None),)),
    "upper": Filter(filter_functions.cased(str.upper)),
    "lower": Filter(filter_functions.cased(str.lower)),
    "capitalize": Filter(filter_functions.cased(str.capitalize)),
    "title": Filter(filter_functions.title, cost=10),
    "trim": Filter(filter_functions.trim, (Argument("chars", None),)),
    "string": Filter(filter_functions.string),
    "length": _LENGTH,
    "count": _LENGTH,
    "join": Filter(filter_functions.join, (Argument("d", ""), _ATTRIBUTE), cost=10),
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
    "date": Filter(
        format_filters.date,
        (
            Argument("format", "%Y-%m-%d", format_filters.date_format_fault),
            Argument("zone", "UTC", format_filters.zone_fault),
        ),
        cost=60,
    ),
    "b64encode": Filter(filter_functions.b64encode, cost=8),
    "slack": Filter(filter_functions.slack, cost=5),
    "teams": Filter(filter_functions.teams, cost=10),
}
