"""Figures: `/v1/stats`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from litestar import Router
from litestar.params import QueryParameter

from rowhook import operations
from rowhook.api.admission import among
from rowhook.api.examples import stats as examples
from rowhook.api.parameters import OrganizationId, TheCaller, TheOffice
from rowhook.api.route import reads
from rowhook.compose import Fault
from rowhook.operations import Rejected
from rowhook.operations.documents import Stats

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=30)
# The same in one pattern, for programs that read the OpenAPI.
_PATTERN = (
    r"^([1-9][0-9]{0,3}[sm]|([1-9][0-9]?|[1-6][0-9]{2}|7[01][0-9]|720)h|([12]?[1-9]|[123]0)d)$"
)
Window = Annotated[
    str,
    QueryParameter(
        description="How far back, at most 30 days: a number and s, m, h or d, as in 1h, 24h, 7d.",
        schema_extra={"pattern": _PATTERN},
    ),
]


def _span(window: str) -> timedelta:
    """The time that `24h` means. Raises Rejected."""
    found = re.fullmatch(r"([0-9]{1,4})([smhd])", window)
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < span <= _LONGEST:
        message = "a number and s, m, h or d, from 1s to 30d: 1h, 24h, 7d"
        raise Rejected(Fault(pointer="/window", message=message))
    return span


@reads("/", refuses=(422,), gets=examples.STATS)
async def read_stats(
    office: TheOffice,
    caller: TheCaller,
    window: Window = "24h",
    organization_id: OrganizationId = None,
) -> Stats:
    """What came of the deliveries created in the window."""
    return await operations.stats(office, among(caller, organization_id), _span(window))


def router() -> Router:
    """All calls of this noun."""
    return Router(path="/stats", tags=["Stats"], route_handlers=[read_stats])
