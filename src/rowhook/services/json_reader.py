"""Decodes a JSON document into a Struct; reports all faults at once, with the allowed values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import islice
from types import UnionType
from typing import (
    Any,
    Generic,
    Literal,
    NamedTuple,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import msgspec

from rowhook import json_pointer
from rowhook.render.configuration import Fault
from rowhook.services.context import Rejected

T = TypeVar("T", bound=msgspec.Struct)
_LOCATION = re.compile(r"^(?P<message>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d*)(?:\.\.\.)?\]")
# Read-only fields of responses.
_READ_ONLY = {
    "id": "it is set by Rowhook.",
    "revision": "it is set by Rowhook.",
    "created_at": "it is set by Rowhook.",
    "updated_at": "it is set by Rowhook.",
    "warnings": "it is set by Rowhook.",
    "signing_secret": "rotate it with …/rotate-secret.",
    "state": "use …/pause and …/resume.",
    "disabled_reason": "it is set by Rowhook.",
    "organization_id": "a webhook cannot change its organization.",
}
_NO_NUL = "Contains the character U+0000, which PostgreSQL cannot store. Remove it."
_MAX_FAULTS = 100
# Accepts numbers of any exponent, since the value is not used.
_CHECK = msgspec.json.Decoder(float_hook=len)
# The path of a value: (path of its parent, name); None for the document.
_Path: TypeAlias = "tuple[_Path, str] | None"
_NOT_LISTED = "Invalid enum value"


class InvalidDocument(ValueError):
    """The text is not JSON or not an object."""


class ReadResult(NamedTuple, Generic[T]):
    """A decoded document, with defaults for invalid fields, and the faults of these fields."""

    document: T
    faults: tuple[Fault, ...] = ()


def read_document(text: bytes, kind: type[T]) -> T:
    """Decodes a Struct. Raises InvalidDocument, or Rejected with all faults."""
    result = read_with_faults(text, kind)
    if result.faults:
        raise Rejected(*result.faults)
    return result.document


def read_with_faults(text: bytes, kind: type[T]) -> ReadResult[T]:
    """Decodes a Struct and returns its faults instead of raising. Raises InvalidDocument."""
    try:
        values = _split_fields(text, kind)
    except msgspec.ValidationError as error:
        raise InvalidDocument("The body must be a JSON object.") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidDocument(f"The body is not valid JSON: {_reason(error)}.") from error
    return _convert_fields(values, kind)


def _reason(error: Exception) -> str:
    return str(error).removeprefix("JSON is malformed: ")


def verbatim(text: bytes) -> msgspec.Raw:
    """Checks a JSON text and returns it unchanged. Raises DecodeError, UnicodeDecodeError."""
    try:
        _CHECK.decode(text)
    except RecursionError as error:
        raise msgspec.DecodeError("nested too deeply") from error
    return msgspec.Raw(text)


def _split_fields(text: bytes, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Decodes the fields of an object; those of type Raw stay unchanged."""
    types = {field.encode_name: _members(field.type) for field in msgspec.structs.fields(kind)}
    fields: dict[str, Any] = {}
    for name, part in msgspec.json.decode(text, type=dict[str, msgspec.Raw]).items():
        value = bytes(part)
        inner = next((member for member in types.get(name, ()) if _is_struct(member)), None)
        if msgspec.Raw in types.get(name, ()):
            fields[name] = verbatim(value)
        elif inner is not None and value[:1] == b"{":
            fields[name] = _split_fields(value, inner)
        else:
            fields[name] = msgspec.json.decode(value)
    return fields


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def from_object(values: dict[str, Any], kind: type[T]) -> T:
    """Converts a decoded object to a Struct. Raises Rejected with all faults."""
    result = _convert_fields(values, kind)
    if result.faults:
        raise Rejected(*result.faults)
    return result.document


def _convert_fields(document: dict[str, Any], kind: type[T]) -> ReadResult[T]:
    by_name = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    missing = [name for name, field in by_name.items() if field.required and name not in document]
    faults = [Fault(pointer=json_pointer.join([name]), message="Required.") for name in missing]
    # A missing field becomes an empty text, whose own fault has the same pointer.
    values: dict[str, Any] = {field.name: "" for field in by_name.values() if field.required}
    for name, value in document.items():
        if name not in by_name:
            faults.append(
                Fault(pointer=json_pointer.join([name]), message=_unknown(name, list(by_name)))
            )
            continue
        for part in _convert(value, by_name[name].type, name):
            if isinstance(part, Fault):
                faults.append(part)
            else:
                values[by_name[name].name] = part.value
    faults += islice(_unstorable_texts(document), _MAX_FAULTS)
    return ReadResult(kind(**values), tuple(faults[:_MAX_FAULTS]))


class _Converted(NamedTuple):
    value: Any


def _convert(value: Any, kind: Any, *location: str) -> list[Fault | _Converted]:
    """Converts a value without its invalid entries; only faults if nothing is valid."""
    try:
        return [_Converted(msgspec.convert(value, type=kind, strict=True))]
    except (msgspec.ValidationError, RecursionError) as error:
        whole = _fault(location, str(error), kind)
    entries, inner = _entries(value, kind)
    parts = {name: _convert(item, inner, *location, str(name)) for name, item in entries}
    faults = [item for items in parts.values() for item in items if isinstance(item, Fault)]
    valid = {
        name: item.value
        for name, items in parts.items()
        for item in items
        if isinstance(item, _Converted)
    }
    if not valid:
        return [*(faults or [whole])]
    return [
        *faults,
        _Converted(valid if isinstance(value, dict) else _fill_gaps(valid, len(parts))),
    ]


def _entries(value: Any, kind: Any) -> tuple[Iterable[tuple[Any, Any]], Any]:
    members = {get_origin(member): get_args(member) for member in _members(kind)}
    if isinstance(value, dict) and dict in members:
        return value.items(), members[dict][1]
    if isinstance(value, list) and list in members:
        return enumerate(value), members[list][0]
    return (), None


def _fill_gaps(valid: dict[int, Any], length: int) -> list[Any]:
    # A valid entry replaces each invalid one, so that the others keep their index.
    filler = next(iter(valid.values()))
    return [valid.get(index, filler) for index in range(length)]


def _unstorable_texts(document: dict[str, Any]) -> Iterator[Fault]:
    """Yields faults for texts and names with U+0000, at any depth."""
    pending: list[tuple[Any, _Path]] = [(document, None)]
    while pending:
        value, path = pending.pop()
        if isinstance(value, str) and "\0" in value:
            yield Fault(pointer=_pointer_of(path), message=_NO_NUL)
        elif isinstance(value, dict):
            for name, inner in value.items():
                pending += [(name, (path, name)), (inner, (path, name))]
        elif isinstance(value, list):
            pending += [(inner, (path, str(index))) for index, inner in enumerate(value)]


def _pointer_of(path: _Path) -> str:
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(step)
    return json_pointer.join(reversed(steps))


def _unknown(name: str, names: list[str]) -> str:
    if name in _READ_ONLY:
        return f"Cannot be set; {_READ_ONLY[name]}"
    similar = difflib.get_close_matches(name, names, n=1)
    meant = f" Did you mean {similar[0]}?" if similar else ""
    return f"Unknown field.{meant} Known fields: {', '.join(names)}."


def _fault(location: tuple[str, ...], error: str, kind: Any) -> Fault:
    match = _LOCATION.match(error)
    message, path = (match["message"], match["path"] or "") if match else (error, "")
    steps = [step["name"] or step["index"] or "" for step in _STEP.finditer(path)]
    inside = json_pointer.join([*location, *(step for step in steps if step)])
    return Fault(pointer=inside, message=with_allowed_values(message, kind, steps))


def with_allowed_values(message: str, kind: Any, path: Sequence[str] = ()) -> str:
    """Appends the values that `kind` allows at `path`, if the message is about such a value.

    `path` leads into documents: names of fields, and anything for the items of a list or dict.
    """
    if not message.startswith(_NOT_LISTED):
        return message
    values = dict.fromkeys(str(value) for inner in _at(kind, path) for value in _values(inner))
    return f"{message.rstrip('.')}. Use one of: {', '.join(values)}." if values else message


def _at(kind: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yields the types that a value at `path` may have."""
    if not path:
        yield kind
        return
    for member in (kind, *_all_members(kind)):
        if isinstance(member, type) and issubclass(member, msgspec.Struct):
            for field in msgspec.structs.fields(member):
                if field.encode_name == path[0]:
                    yield from _at(field.type, path[1:])
        elif get_origin(member) in (list, dict, tuple):
            for inner in get_args(member):
                yield from _at(inner, path[1:])


def _all_members(kind: Any) -> Iterator[Any]:
    """Yields the members of unions and annotations."""
    if get_origin(kind) in (list, dict, tuple, Literal):
        return
    for member in get_args(kind):
        yield member
        yield from _all_members(member)


def _values(kind: Any) -> Iterator[Any]:
    if isinstance(kind, type) and issubclass(kind, Enum):
        yield from (member.value for member in kind)
    elif get_origin(kind) is Literal:
        yield from get_args(kind)
    else:
        for member in get_args(kind):
            yield from _values(member)
