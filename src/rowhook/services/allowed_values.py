"""Completes messages of msgspec about a value that is not one of a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import msgspec

_NOT_LISTED = "Invalid enum value"


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
    for member in (kind, *_members(kind)):
        if isinstance(member, type) and issubclass(member, msgspec.Struct):
            for field in msgspec.structs.fields(member):
                if field.encode_name == path[0]:
                    yield from _at(field.type, path[1:])
        elif get_origin(member) in (list, dict, tuple):
            for inner in get_args(member):
                yield from _at(inner, path[1:])


def _members(kind: Any) -> Iterator[Any]:
    """Yields the members of unions and annotations."""
    if get_origin(kind) in (list, dict, tuple, Literal):
        return
    for member in get_args(kind):
        yield member
        yield from _members(member)


def _values(kind: Any) -> Iterator[Any]:
    if isinstance(kind, type) and issubclass(kind, Enum):
        yield from (member.value for member in kind)
    elif get_origin(kind) is Literal:
        yield from get_args(kind)
    else:
        for member in get_args(kind):
            yield from _values(member)
