"""Which deliveries an address asks for: for a list, its counts, its stream and its forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from urllib.parse import urlencode
from uuid import UUID

from rowhook.compose import Fault
from rowhook.dashboard import shown
from rowhook.dashboard.given import Given
from rowhook.operations import Rejected
from rowhook.operations.documents import EventType, Status
from rowhook.postgres import DeliveryFilter

STATUSES: tuple[str, ...] = get_args(Status)
EVENT_TYPES: tuple[str, ...] = get_args(EventType)
WINDOWS = {"15m": 900, "1h": 3600, "24h": 86400, "7d": 7 * 86400}
_CODES = range(100, 1000)
_TIMES = ("window", "since", "until")
_SELDOM = ("job_id", "event_type", "status_code", "since", "until")
_LOOKED_AT = ("commit_id", "job_id", "event_type", "status_code")
_Query = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """`written` is what the form shows again; `wanted` is without the fields at fault."""

    written: dict[str, str]
    statuses: tuple[str, ...]
    wanted: DeliveryFilter
    faults: tuple[Fault, ...]

    @property
    def query(self) -> _Query:
        """The same for another address; a window of time moves with it."""
        return [("status", one) for one in self.statuses] + [
            (name, text) for name, text in self.written.items() if text
        ]

    @property
    def address(self) -> str:
        """The query as it stands in an address."""
        return urlencode(self.query)

    @property
    def has_more(self) -> bool:
        """Whether it asks for what is seldom asked for."""
        return any(name in self.written for name in _SELDOM)

    @property
    def is_narrowed(self) -> bool:
        """Whether it asks for more than a count by status can tell without looking at each."""
        return any(name in self.written for name in _LOOKED_AT)

    @property
    def call(self) -> str:
        """The query of the API's call."""
        return _call([*(("status", one) for one in self.statuses), *self._but_statuses()])

    @property
    def call_of_all(self) -> str:
        """The same, for any status."""
        return _call(self._but_statuses())

    def _but_statuses(self) -> _Query:
        """Times are absolute: a window of time stands still."""
        asked = [pair for pair in self.written.items() if pair[0] not in _TIMES]
        for name in ("since", "until"):
            moment: datetime | None = getattr(self.wanted, name)
            asked += [(name, shown.iso(moment))] if moment else []
        return asked

    def local(self, name: str) -> str:
        """A time for `<input type=datetime-local>`, in UTC; what is no time, as it was written."""
        moment: datetime | None = getattr(self.wanted, name)
        if moment is None or "window" in self.written:
            return self.written.get(name, "")
        return f"{moment:%Y-%m-%dT%H:%M:%S}"


def _call(query: _Query) -> str:
    return f"?{urlencode(query)}" if query else ""


def sought(given: Given, organization: UUID | None, now: datetime | None = None) -> Sought:
    """What the fields of a query ask for."""
    faults: list[Fault] = []
    read = {name: _read(given, name, how, faults) for name, how in _FIELDS.items()}
    if read["window"] and read["since"] is None:
        read["since"] = (now or datetime.now(UTC)) - timedelta(seconds=read["window"])
    statuses = _statuses(given, faults)
    return Sought(
        written={name: given.text(name) or "" for name in _FIELDS if given.text(name)},
        statuses=statuses,
        wanted=DeliveryFilter(
            organization=organization,
            webhook=read["webhook_id"],
            statuses=statuses or STATUSES,
            since=read["since"],
            until=read["until"],
            job=read["job_id"],
            commit=read["commit_id"],
            event_type=read["event_type"],
            status_code=read["status_code"],
        ),
        faults=tuple(faults),
    )


def _statuses(given: Given, faults: list[Fault]) -> tuple[str, ...]:
    asked = given.all("status")
    if not set(asked) <= set(STATUSES):
        faults.append(Fault(pointer="/status", message=f"Must be one of: {', '.join(STATUSES)}."))
    return tuple(one for one in STATUSES if one in asked)


def _read(given: Given, name: str, how: Callable[[Given, str], Any], faults: list[Fault]) -> Any:
    try:
        return how(given, name)
    except Rejected as error:
        faults.extend(error.faults)
        return None


def _code(given: Given, name: str) -> int | None:
    code = given.whole(name)
    if code is None or code in _CODES:
        return code
    raise Rejected(Fault(pointer=f"/{name}", message="Enter a number from 100 to 999."))


def _event_type(given: Given, name: str) -> str | None:
    text = given.text(name)
    if text is None or text in EVENT_TYPES:
        return text
    raise Rejected(Fault(pointer=f"/{name}", message=f"Must be one of: {', '.join(EVENT_TYPES)}."))


def _window(given: Given, name: str) -> int | None:
    text = given.text(name)
    if text is None or text in WINDOWS:
        return WINDOWS.get(text or "")
    raise Rejected(Fault(pointer=f"/{name}", message=f"Must be one of: {', '.join(WINDOWS)}."))


_FIELDS: dict[str, Callable[[Given, str], Any]] = {
    "webhook_id": Given.uuid,
    "commit_id": Given.text,
    "job_id": Given.text,
    "event_type": _event_type,
    "status_code": _code,
    "window": _window,
    "since": Given.moment,
    "until": Given.moment,
}
