"""Reads a JSON document into a Struct, or says everything that is wrong with it at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from types import UnionType
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec

from rowhook.compose import Fault
from rowhook.operations.ctx import Rejected

T = TypeVar("T", bound=msgspec.Struct)
_PLACE = re.compile(r"^(?P<message>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d*)(?:\.\.\.)?\]")
# What people copy from an answer into a request.
_READ_ONLY = {
    "id": "given by Rowhook",
    "revision": "given by Rowhook",
    "created_at": "given by Rowhook",
    "updated_at": "given by Rowhook",
    "warnings": "given by Rowhook",
    "signing_secret": "given by Rowhook: rotate it with …/rotate-secret",
    "state": "changed with …/pause and …/resume",
    "disabled_reason": "given by Rowhook",
    "organization_id": "a webhook stays with its organization",
}


_NO_NUL = "holds the character U+0000, which PostgreSQL cannot keep: leave it out"
_MOST_FAULTS = 100
# Fractions are only looked at: no exponent is too large.
_CHECK = msgspec.json.Decoder(float_hook=len)
# Where a value stands: (where its parent stands, its name); None is the whole document.
_Way: TypeAlias = "tuple[_Way, str] | None"


class NotReadable(ValueError):
    """The text is not JSON, or not an object."""


class Read(NamedTuple, Generic[T]):
    """What could be read of a document, with the rest at its defaults, and what could not."""

    document: T
    faults: tuple[Fault, ...] = ()


def read_document(text: bytes, kind: type[T]) -> T:
    """A Struct of `kind`. Raises NotReadable, or Rejected with every fault."""
    read = read_partly(text, kind)
    if read.faults:
        raise Rejected(*read.faults)
    return read.document


def read_partly(text: bytes, kind: type[T]) -> Read[T]:
    """The same for who looks for more faults in what could be read. Raises NotReadable."""
    try:
        given = _taken_apart(text, kind)
    except msgspec.ValidationError as error:
        raise NotReadable("the body must be a JSON object") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotReadable(f"the body is not JSON: {error}") from error
    return _partly(given, kind)


def verbatim(text: bytes) -> msgspec.Raw:
    """A JSON text that is kept digit for digit. Raises DecodeError, UnicodeDecodeError."""
    try:
        _CHECK.decode(text)
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deeply") from error
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
    """The same for an object that was read already. Raises Rejected with every fault."""
    read = _partly(given, kind)
    if read.faults:
        raise Rejected(*read.faults)
    return read.document


def _partly(given: dict[str, Any], kind: type[T]) -> Read[T]:
    known = {one.encode_name: one for one in msgspec.structs.fields(kind)}
    missing = [name for name, one in known.items() if one.required and name not in given]
    faults = [Fault(pointer=pointer(name), message="is required") for name in missing]
    # A text that is missing is empty, which its checks refuse at the same place.
    values: dict[str, Any] = {one.name: "" for one in known.values() if one.required}
    for name, value in given.items():
        if name not in known:
            faults.append(Fault(pointer=pointer(name), message=_unknown(name, list(known))))
            continue
        for part in _converted(value, known[name].type, name):
            if isinstance(part, Fault):
                faults.append(part)
            else:
                values[known[name].name] = part.value
    faults += islice(_unkeepable(given), _MOST_FAULTS)
    return Read(kind(**values), tuple(faults[:_MOST_FAULTS]))


class _Kept(NamedTuple):
    value: Any


def _converted(value: Any, kind: Any, *where: str) -> list[Fault | _Kept]:
    """The value as its type has it, less the entries that are faults; none if all of it is."""
    try:
        return [_Kept(msgspec.convert(value, type=kind, strict=True))]
    except (msgspec.ValidationError, RecursionError) as error:
        whole = _fault(where, str(error))
    entries, inner = _entries(value, kind)
    parts = {name: _converted(item, inner, *where, str(name)) for name, item in entries}
    faults = [one for said in parts.values() for one in said if isinstance(one, Fault)]
    kept = {
        name: one.value for name, said in parts.items() for one in said if isinstance(one, _Kept)
    }
    if not kept:
        return [*(faults or [whole])]
    return [*faults, _Kept(kept if isinstance(value, dict) else _in_place(kept, len(parts)))]


def _entries(value: Any, kind: Any) -> tuple[Iterable[tuple[Any, Any]], Any]:
    arms = {get_origin(one): get_args(one) for one in _arms(kind)}
    if isinstance(value, dict) and dict in arms:
        return value.items(), arms[dict][1]
    if isinstance(value, list) and list in arms:
        return enumerate(value), arms[list][0]
    return (), None


def _in_place(kept: dict[int, Any], length: int) -> list[Any]:
    # A good entry stands in for a wrong one: the others keep their places.
    stand_in = next(iter(kept.values()))
    return [kept.get(place, stand_in) for place in range(length)]


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


def _fault(where: tuple[str, ...], said: str) -> Fault:
    found = _PLACE.match(said)
    message, path = (found["message"], found["path"] or "") if found else (said, "")
    steps = [step["name"] or step["index"] or "" for step in _STEP.finditer(path)]
    return Fault(pointer=pointer(*where, *(step for step in steps if step)), message=message)
