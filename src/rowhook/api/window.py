"""Times that calls are given in their query: how far back, and since when."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar.params import QueryParameter
from msgspec import Meta

from rowhook.compose import Fault
from rowhook.operations import Rejected

Moment = Annotated[datetime, Meta(tz=True)]
TIME: dict[str, Any] = {"format": "date-time"}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=30)
# The same in one pattern, for programs that read the OpenAPI.
_PATTERN = (
    r"^([1-9][0-9]{0,3}[sm]|([1-9][0-9]?|[1-6][0-9]{2}|7[01][0-9]|720)h|([12]?[1-9]|[123]0)d)$"
)
Window = Annotated[
    str,
    QueryParameter(
        description="The length of the period until now, at most 30 days, e.g. 90s, 15m, 24h, 7d.",
        schema_extra={"pattern": _PATTERN},
    ),
]


def span_of(window: str) -> timedelta:
    """The time that `24h` means. Raises Rejected."""
    found = re.fullmatch(r"([0-9]{1,4})([smhd])", window)
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < span <= _LONGEST:
        message = "Must be from 1s to 30d, e.g. 90s, 15m, 24h, 7d."
        raise Rejected(Fault(pointer="/window", message=message))
    return span


def moment(pointer: str, text: str | None) -> datetime | None:
    """The time of a text as RFC 3339 has it. Raises Rejected."""
    if text is None:
        return None
    try:
        return msgspec.convert(text, Moment)
    except msgspec.ValidationError:
        message = "Must be a time such as 2026-05-23T12:34:56Z. Encode the + of an offset as %2B."
        raise Rejected(Fault(pointer=pointer, message=message)) from None
