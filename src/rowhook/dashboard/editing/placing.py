"""Where a fault stands in a field of the editor: its line, for the editor to mark."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rowhook.compose import Fault
from rowhook.operations import Preview

Placed = dict[str, Any]


def placed(faults: Iterable[Fault], pointer: str) -> list[Placed]:
    """The faults of one field, each at its line; without one, at the first."""
    return [
        {"line": one.line or 1, "column": one.column, "message": one.message}
        for one in faults
        if one.pointer == pointer or one.pointer.startswith(f"{pointer}/")
    ]


def told(faults: Iterable[Fault], preview: Preview | None) -> list[Placed]:
    """The same of a preview, each with the name of its field."""
    found = [(one.pointer, one.line, one.column, one.message) for one in faults]
    if preview is not None:
        found += [
            (one.pointer, one.line, one.column, one.message)
            for one in preview.faults
            if one.at == "configuration"
        ]
    return [
        {"field": pointer.split("/")[1], "line": line or 1, "column": column, "message": message}
        for pointer, line, column, message in found
        if pointer.startswith("/")
    ]
