"""What a form or a query says, each field read as what it is meant for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args
from urllib.parse import parse_qsl
from uuid import UUID

from litestar import Request
from litestar.datastructures import MultiDict

from rowhook.compose import Fault
from rowhook.operations import Rejected

T = TypeVar("T")
_MOST_FIELDS = 5000
# What PostgreSQL holds in an integer.
_LARGEST = 2**31 - 1
_ID = "Enter an id such as 3f2b8c1e-0a4d-4c0e-9b1a-5d6e7f809a1b."


class Given:
    """The fields of a form, or of a query; what is empty was not given. Raises Rejected."""

    def __init__(self, fields: Iterable[tuple[str, Any]]) -> None:
        self._fields: MultiDict[str] = MultiDict(
            [(name, value) for name, value in fields if isinstance(value, str)]
        )

    @classmethod
    async def form(cls, request: Request[Any, Any, Any]) -> Given:
        """What was sent, as a browser writes it: `application/x-www-form-urlencoded`, UTF-8.

        Litestar's own reader keeps the last 1,024 bodies in memory, with the keys in them.
        """
        text = (await request.body()).decode(errors="replace")
        try:
            return cls(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        except ValueError:
            said = f"A form may have at most {_MOST_FIELDS} fields."
            raise Rejected(Fault(pointer="", message=said)) from None

    @classmethod
    def query(cls, request: Request[Any, Any, Any]) -> Given:
        """What stands in the address."""
        return cls(request.query_params.multi_items())

    def raw(self, name: str) -> str:
        """The text as it was written, line ends as a template has them."""
        return self._fields.get(name, "").replace("\r\n", "\n")

    def text(self, name: str) -> str | None:
        """A text without the space around it."""
        return self.raw(name).strip() or None

    def all(self, name: str) -> list[str]:
        """Every value of a field that stands there several times."""
        return [one for one in self._fields.getall(name, []) if one]

    def flag(self, name: str) -> bool:
        """Whether a box is ticked."""
        return name in self._fields

    def number(self, name: str) -> float | None:
        """A number."""
        return self._as(name, float, "Enter a number.")

    def whole(self, name: str) -> int | None:
        """A whole number that PostgreSQL holds."""
        return self._as(name, _whole, f"Enter a whole number, at most {_LARGEST}.")

    def uuid(self, name: str) -> UUID | None:
        """An id."""
        return self._as(name, UUID, _ID)

    def uuids(self, name: str) -> list[UUID]:
        """Every id of a field that stands there several times, once each."""
        return list(dict.fromkeys(_read(name, one, UUID, _ID) for one in self.all(name)))

    def one_of(self, name: str, kind: Any) -> Any:
        """One of the words of a Literal."""
        text, known = self.text(name), get_args(kind)
        if text is not None and text not in known:
            raise Rejected(
                Fault(pointer=f"/{name}", message=f"Must be one of: {', '.join(known)}.")
            )
        return text

    def moment(self, name: str) -> datetime | None:
        """A time; without an offset it is of UTC, as `<input type=datetime-local>` sends it."""
        return self._as(name, _moment, "Enter a time such as 2026-05-23T12:34:56Z.")

    def _as(self, name: str, read: Callable[[str], T], meant: str) -> T | None:
        text = self.text(name)
        return None if text is None else _read(name, text, read, meant)


def _read(name: str, text: str, read: Callable[[str], T], meant: str) -> T:
    try:
        return read(text)
    except (ValueError, OverflowError):
        raise Rejected(Fault(pointer=f"/{name}", message=meant)) from None


def _whole(text: str) -> int:
    if abs(read := int(text)) > _LARGEST:
        raise OverflowError
    return read


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read.astimezone(UTC) if read.tzinfo is not None else read.replace(tzinfo=UTC)
