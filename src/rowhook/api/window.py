"""Time parameters of queries: windows and timestamps."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar.params import QueryParameter
from msgspec import Meta

from rowhook.compose import Fault
from rowhook.operations import Rejected

Timestamp = Annotated[datetime, Meta(tz=True)]
TIME: dict[str, Any] = {"format": "date-time"}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MAX_WINDOW = timedelta(days=30)
# The values that `parse_window` accepts, as a pattern for the OpenAPI document.
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


def parse_window(window: str) -> timedelta:
    """Parse a window such as `24h`. Raises Rejected."""
    match = re.fullmatch(r"([0-9]{1,4})([smhd])", window)
    span = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta(0)
    if not timedelta(0) < span <= _MAX_WINDOW:
        message = "Must be from 1s to 30d, e.g. 90s, 15m, 24h, 7d."
        raise Rejected(Fault(pointer="/window", message=message))
    return span


def parse_timestamp(pointer: str, text: str | None) -> datetime | None:
    """Parse an RFC 3339 time. Raises Rejected."""
    if text is None:
        return None
    try:
        return msgspec.convert(text, Timestamp)
    except msgspec.ValidationError:
        message = "Must be a time such as 2026-05-23T12:34:56Z. Encode the + of an offset as %2B."
        raise Rejected(Fault(pointer=pointer, message=message)) from None
