"""The delivery filters of a page's address: for its list, counts, stream and forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from rowhook.dashboard import display_format
from rowhook.dashboard.browser_session import SessionRequest, ctx_of
from rowhook.dashboard.form_fields import FormData
from rowhook.db.list_queries import DeliveryFilter
from rowhook.model import EVENT_TYPES, STATUSES
from rowhook.render.configuration import Fault
from rowhook.services import lookups
from rowhook.services.context import Rejected
from rowhook.services.lookups import WebhookName, WebhookNames

WINDOWS = {"15m": 900, "1h": 3600, "24h": 86400, "7d": 7 * 86400}
_MAX_SEARCH_LENGTH = 200
_STATUS_CODES = range(100, 1000)
# The API has no text search.
_SEARCH = "q"
_TIMES = ("window", "since", "until")
_ADVANCED = ("commit_id", "job_id", "event_type", "status_code", "since", "until")
_APPLIED_AFTER_CAP = ("commit_id", "job_id", "event_type", "status_code")
_Query = list[tuple[str, str]]


async def webhook_choices(request: SessionRequest, selected: UUID | None) -> WebhookNames:
    """Lists webhooks by name, always with the selected one, which may have been deleted."""
    organization = request.auth.organization
    names = await lookups.webhook_names(ctx_of(request), organization, also=selected)
    if selected is None or any(webhook.id == selected for webhook in names.items):
        return names
    deleted = WebhookName(selected, f"deleted {selected}")
    return WebhookNames([deleted, *names.items], names.are_more)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQuery:
    """Filters as typed (`texts`), parsed (`filter`, without invalid fields), and their `faults`."""

    texts: dict[str, str]
    statuses: tuple[str, ...]
    filter: DeliveryFilter
    faults: tuple[Fault, ...]

    @property
    def search(self) -> str | None:
        """The text that is searched for."""
        return self.texts.get(_SEARCH)

    @property
    def query(self) -> _Query:
        """The filters as query parameters. A relative window of time stays relative."""
        return [("status", status) for status in self.statuses] + [
            (name, text) for name, text in self.texts.items() if text
        ]

    @property
    def query_string(self) -> str:
        """`query`, encoded."""
        return urlencode(self.query)

    @property
    def has_advanced_filters(self) -> bool:
        """Whether a filter of the folded part of the form is set."""
        return any(name in self.texts for name in _ADVANCED)

    @property
    def is_narrowed(self) -> bool:
        """Whether a filter is set that narrows the capped rows, so that counts may be too low."""
        return any(name in self.texts for name in _APPLIED_AFTER_CAP)

    @property
    def api_query(self) -> str:
        """The query string of the equivalent API call."""
        statuses = [("status", status) for status in self.statuses]
        return _query_string([*statuses, *self._without_statuses()])

    @property
    def api_query_any_status(self) -> str:
        """The query string of the equivalent API call, for any status."""
        return _query_string(self._without_statuses())

    def _without_statuses(self) -> _Query:
        """Parameters with absolute times instead of a window."""
        query = [pair for pair in self.texts.items() if pair[0] not in {_SEARCH, *_TIMES}]
        for name in ("since", "until"):
            time: datetime | None = getattr(self.filter, name)
            query += [(name, display_format.iso(time))] if time else []
        return query

    def local_time(self, name: str) -> str:
        """A time in UTC for `<input type=datetime-local>`; an invalid one as typed."""
        time: datetime | None = getattr(self.filter, name)
        if time is None or "window" in self.texts:
            return self.texts.get(name, "")
        return f"{time:%Y-%m-%dT%H:%M:%S}"


def _query_string(query: _Query) -> str:
    return f"?{urlencode(query)}" if query else ""


def parse_delivery_query(
    query: FormData, organization: UUID | None, now: datetime | None = None
) -> DeliveryQuery:
    """Parses the filters and collects their faults."""
    faults: list[Fault] = []
    values = {name: _parse(query, name, parse, faults) for name, parse in _FIELDS.items()}
    if values["window"] and values["since"] is None:
        values["since"] = (now or datetime.now(UTC)) - timedelta(seconds=values["window"])
    statuses = _statuses(query, faults)
    return DeliveryQuery(
        texts={name: query.text(name) or "" for name in _FIELDS if query.text(name)},
        statuses=statuses,
        filter=DeliveryFilter(
            organization=organization,
            webhook=values["webhook_id"],
            statuses=statuses or STATUSES,
            since=values["since"],
            until=values["until"],
            job=values["job_id"],
            commit=values["commit_id"],
            event_type=values["event_type"],
            status_code=values["status_code"],
        ),
        faults=tuple(faults),
    )


def _statuses(query: FormData, faults: list[Fault]) -> tuple[str, ...]:
    values = query.all("status")
    if not set(values) <= set(STATUSES):
        faults.append(Fault(pointer="/status", message=f"Must be one of: {', '.join(STATUSES)}."))
    return tuple(status for status in STATUSES if status in values)


def _parse(
    query: FormData, name: str, parse: Callable[[FormData, str], Any], faults: list[Fault]
) -> Any:
    try:
        return parse(query, name)
    except Rejected as error:
        faults.extend(error.faults)
        return None


def _status_code(query: FormData, name: str) -> int | None:
    code = query.integer(name)
    if code is None or code in _STATUS_CODES:
        return code
    raise Rejected(Fault(pointer=f"/{name}", message="Enter a number from 100 to 999."))


def _event_type(query: FormData, name: str) -> str | None:
    text = query.text(name)
    if text is None or text in EVENT_TYPES:
        return text
    raise Rejected(Fault(pointer=f"/{name}", message=f"Must be one of: {', '.join(EVENT_TYPES)}."))


def _search_text(query: FormData, name: str) -> str | None:
    text = query.text(name)
    if text is None or len(text) <= _MAX_SEARCH_LENGTH:
        return text
    message = f"Enter at most {_MAX_SEARCH_LENGTH} characters."
    raise Rejected(Fault(pointer=f"/{name}", message=message))


def _window(query: FormData, name: str) -> int | None:
    text = query.text(name)
    if text is None or text in WINDOWS:
        return WINDOWS.get(text or "")
    raise Rejected(Fault(pointer=f"/{name}", message=f"Must be one of: {', '.join(WINDOWS)}."))


_FIELDS: dict[str, Callable[[FormData, str], Any]] = {
    _SEARCH: _search_text,
    "webhook_id": FormData.uuid,
    "commit_id": FormData.text,
    "job_id": FormData.text,
    "event_type": _event_type,
    "status_code": _status_code,
    "window": _window,
    "since": FormData.timestamp,
    "until": FormData.timestamp,
}
