"""Reads a JSON document into a Struct, or says everything that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from types import UnionType
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec

from rowhook.compose import Fault
from rowhook.operations.office import Rejected

T = TypeVar("T", bound=msgspec.Struct)
_PLACE = re.compile(r"^(?P<message>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d*)(?:\.\.\.)?\]")
# What people copy from an answer into a request.
_READ_ONLY = {
    "id": "given by Rowhook", "revision": "given by Rowhook", "created_at": "given by Rowhook",
    "updated_at": "given by Rowhook", "warnings": "given by Rowhook",
    "signing_secret": "given by Rowhook: rotate it with …/rotate-secret",
    "state": "changed with …/pause and …/resume", "disabled_reason": "given by Rowhook",
    "organization_id": "a webhook stays with its organization",
}  # fmt: skip


_NO_NUL = "holds the character U+0000, which PostgreSQL cannot keep: leave it out"
_MOST_FAULTS = 20
# Fractions are only looked at: no exponent is too large.
_CHECK = msgspec.json.Decoder(float_hook=len)
# Where a value stands: (where its parent stands, its name); None is the whole document.
_Way: TypeAlias = "tuple[_Way, str] | None"


class NotReadable(ValueError):
    """The text is not JSON, or not an object."""


def read_document(text: bytes, kind: type[T]) -> T:
    """A Struct of `kind`. Raises NotReadable, or Rejected with a fault a field."""
    try:
        given = _taken_apart(text, kind)
    except msgspec.ValidationError as error:
        raise NotReadable("the body must be a JSON object") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotReadable(f"the body is not JSON: {error}") from error
    return from_object(given, kind)


def verbatim(text: bytes) -> msgspec.Raw:
    """A JSON text that is kept digit for digit. Raises DecodeError, UnicodeDecodeError."""
    _CHECK.decode(text)
    return msgspec.Raw(text)


def _taken_apart(text: bytes, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The fields of an object: those of type Raw as they are written, the others as values."""
    types = {one.encode_name: _arms(one.type) for one in msgspec.structs.fields(kind)}
    given: dict[str, Any] = {}
    for name, part in msgspec.json.decode(text, type=dict[str, msgspec.Raw]).items():
        value = bytes(part)
        inner = next((one for one in types.get(name, ()) if _is_struct(one)), None)
        if msgspec.Raw in types.get(name, ()):
            given[name] = verbatim(value)
        elif inner is not None and value[:1] == b"{":
            given[name] = _taken_apart(value, inner)
        else:
            given[name] = msgspec.json.decode(value)
    return given


def _arms(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def from_object(given: dict[str, Any], kind: type[T]) -> T:
    """The same for an object that was read already."""
    known = {one.encode_name: one for one in msgspec.structs.fields(kind)}
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            faults.append(Fault(pointer=pointer(name), message=_unknown(name, list(known))))
            continue
        try:
            values[known[name].name] = msgspec.convert(value, type=known[name].type, strict=True)
        except (msgspec.ValidationError, RecursionError) as error:
            faults.append(_fault(name, str(error)))
    faults += islice(_unkeepable(given), _MOST_FAULTS)
    faults += [
        Fault(pointer=pointer(name), message="is required")
        for name, one in known.items()
        if one.required and name not in given
    ]
    if faults:
        raise Rejected(*faults)
    return kind(**values)


def pointer(*names: str) -> str:
    """The JSON pointer of a path (RFC 6901)."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


def _unkeepable(given: dict[str, Any]) -> Iterator[Fault]:
    """The texts, and the names of fields, that PostgreSQL cannot keep; at any depth."""
    waiting: list[tuple[Any, _Way]] = [(given, None)]
    while waiting:
        value, way = waiting.pop()
        if isinstance(value, str) and "\0" in value:
            yield Fault(pointer=_pointer_of(way), message=_NO_NUL)
        elif isinstance(value, dict):
            for name, inner in value.items():
                waiting += [(name, (way, name)), (inner, (way, name))]
        elif isinstance(value, list):
            waiting += [(inner, (way, str(place))) for place, inner in enumerate(value)]


def _pointer_of(way: _Way) -> str:
    steps: list[str] = []
    while way is not None:
        way, step = way
        steps.append(step)
    return pointer(*reversed(steps))


def _unknown(name: str, known: list[str]) -> str:
    if name in _READ_ONLY:
        return f"cannot be set: {_READ_ONLY[name]}"
    return f"unknown field; the known ones are {', '.join(known)}"


def _fault(name: str, said: str) -> Fault:
    found = _PLACE.match(said)
    message, path = (found["message"], found["path"] or "") if found else (said, "")
    steps = [step["name"] or step["index"] or "" for step in _STEP.finditer(path)]
    return Fault(pointer=pointer(name, *(step for step in steps if step)), message=message)
