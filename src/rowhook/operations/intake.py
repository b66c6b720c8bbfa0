"""Reads a JSON document into a Struct, or says everything that is wrong with it at once."""

from __future__ import annotations

import re
from typing import Any, TypeVar

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


class NotReadable(ValueError):
    """The text is not JSON, or not an object."""


def read_document(text: bytes, kind: type[T]) -> T:
    """A Struct of `kind`. Raises NotReadable, or Rejected with a fault a field."""
    try:
        given = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotReadable(f"the body is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise NotReadable("the body must be a JSON object")
    return from_object(given, kind)


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


def _unknown(name: str, known: list[str]) -> str:
    if name in _READ_ONLY:
        return f"cannot be set: {_READ_ONLY[name]}"
    return f"unknown field; the known ones are {', '.join(known)}"


def _fault(name: str, said: str) -> Fault:
    found = _PLACE.match(said)
    message, path = (found["message"], found["path"] or "") if found else (said, "")
    steps = [step["name"] or step["index"] or "" for step in _STEP.finditer(path)]
    return Fault(pointer=pointer(name, *(step for step in steps if step)), message=message)
