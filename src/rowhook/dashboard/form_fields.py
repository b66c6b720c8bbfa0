"""Fields of a form or a query, parsed by type."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args
from urllib.parse import parse_qsl
from uuid import UUID

from litestar import Request
from litestar.datastructures import MultiDict

from rowhook.render.configuration import Fault
from rowhook.services.context import Rejected

T = TypeVar("T")
_MAX_FIELDS = 5000
# The largest value of PostgreSQL's integer type.
_MAX_INTEGER = 2**31 - 1
_ID_EXPECTED = "Enter an id such as 3f2b8c1e-0a4d-4c0e-9b1a-5d6e7f809a1b."


class FormData:
    """The fields of a form or a query. Empty fields are absent. Parsing raises Rejected."""

    def __init__(self, fields: Iterable[tuple[str, Any]]) -> None:
        self._fields: MultiDict[str] = MultiDict(
            [(name, value) for name, value in fields if isinstance(value, str)]
        )

    @classmethod
    async def from_body(cls, request: Request[Any, Any, Any]) -> FormData:
        """Parses a body of the type `application/x-www-form-urlencoded` in UTF-8.

        Litestar's parser is not used: it caches the last 1,024 bodies, with API keys in them.
        """
        text = (await request.body()).decode(errors="replace")
        try:
            return cls(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
        except ValueError:
            message = f"A form may have at most {_MAX_FIELDS} fields."
            raise Rejected(Fault(pointer="", message=message)) from None

    @classmethod
    def from_query(cls, request: Request[Any, Any, Any]) -> FormData:
        """Parses the query string."""
        return cls(request.query_params.multi_items())

    def raw(self, name: str) -> str:
        """The text as typed, with line ends normalized to LF."""
        return self._fields.get(name, "").replace("\r\n", "\n")

    def text(self, name: str) -> str | None:
        """The text without surrounding white space."""
        return self.raw(name).strip() or None

    def all(self, name: str) -> list[str]:
        """All values of a repeated field."""
        return [value for value in self._fields.getall(name, []) if value]

    def flag(self, name: str) -> bool:
        """Whether a checkbox is checked."""
        return name in self._fields

    def number(self, name: str) -> float | None:
        """A number."""
        return self._parse(name, float, "Enter a number.")

    def integer(self, name: str) -> int | None:
        """An integer in PostgreSQL's range."""
        return self._parse(name, _integer, f"Enter a whole number, at most {_MAX_INTEGER}.")

    def uuid(self, name: str) -> UUID | None:
        """A UUID."""
        return self._parse(name, UUID, _ID_EXPECTED)

    def uuids(self, name: str) -> list[UUID]:
        """The distinct UUIDs of a repeated field."""
        return list(
            dict.fromkeys(_parse(name, value, UUID, _ID_EXPECTED) for value in self.all(name))
        )

    def one_of(self, name: str, kind: Any) -> Any:
        """One of the values of a Literal."""
        text, values = self.text(name), get_args(kind)
        if text is not None and text not in values:
            message = f"Must be one of: {', '.join(values)}."
            raise Rejected(Fault(pointer=f"/{name}", message=message))
        return text

    def timestamp(self, name: str) -> datetime | None:
        """A time in ISO 8601; in UTC if it has no offset, as from `<input type=datetime-local>`."""
        return self._parse(name, _timestamp, "Enter a time such as 2026-05-23T12:34:56Z.")

    def _parse(self, name: str, parse: Callable[[str], T], expected: str) -> T | None:
        text = self.text(name)
        return None if text is None else _parse(name, text, parse, expected)


def _parse(name: str, text: str, parse: Callable[[str], T], expected: str) -> T:
    try:
        return parse(text)
    except (ValueError, OverflowError):
        raise Rejected(Fault(pointer=f"/{name}", message=expected)) from None


def _integer(text: str) -> int:
    if abs(number := int(text)) > _MAX_INTEGER:
        raise OverflowError
    return number


def _timestamp(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo is not None else time.replace(tzinfo=UTC)
