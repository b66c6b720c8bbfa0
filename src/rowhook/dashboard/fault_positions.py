"""Positions of faults in the editor's fields, as line and column."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rowhook import json_pointer
from rowhook.dashboard.editor_form import Fields, header_lines
from rowhook.json_pointer import json_positions
from rowhook.render.configuration import Fault
from rowhook.services.previews import Preview

LocatedFault = dict[str, Any]
_DOCUMENTS = ("schema", "metadata")


def locate_faults(faults: Iterable[Fault], name: str, text: str) -> list[LocatedFault]:
    """Locate the faults of one field in its text; unknown positions are line 1."""
    return [
        {"line": line, "column": column, "message": fault.message}
        for fault in faults
        if field_of(fault.pointer) == name
        for line, column in [_locate(fault, text)]
    ]


def faults_by_field(
    faults: Iterable[Fault], preview: Preview | None, fields: Fields
) -> list[LocatedFault]:
    """Locate the faults of all fields, including those of a preview."""
    all_faults = [*faults]
    if preview is not None:
        all_faults += [
            Fault(
                pointer=fault.pointer,
                message=fault.message,
                line=fault.line,
                column=fault.column,
            )
            for fault in preview.faults
            if fault.at == "configuration"
        ]
    names = dict.fromkeys(field_of(fault.pointer) for fault in all_faults if fault.pointer)
    return [
        {"field": name} | located
        for name in names
        for located in locate_faults(all_faults, name, str(fields.get(name, "")))
    ]


def field_of(pointer: str) -> str:
    """Return the field that a pointer begins with."""
    return next(iter(json_pointer.split(pointer)), "")


def _locate(fault: Fault, text: str) -> tuple[int, int | None]:
    name, *inner = json_pointer.split(fault.pointer)
    if name == "headers" and inner:
        return _locate_in_header(fault, text, inner[0])
    if fault.line is None and name in _DOCUMENTS:
        return _locate_in_document(text, inner)
    return fault.line or 1, fault.column


def _locate_in_header(fault: Fault, text: str, name: str) -> tuple[int, int | None]:
    """Locate a fault in a header's value, a template that begins within its line."""
    for line in header_lines(text):
        if line.name == name:
            return line.number, None if fault.column is None else line.begins + fault.column
    return 1, None


def _locate_in_document(text: str, steps: list[str]) -> tuple[int, int | None]:
    """Locate a path in a JSON text, or the nearest existing parent of a missing value."""
    parents = [json_pointer.join(steps[:length]) for length in range(len(steps), -1, -1)]
    positions = json_positions(text, parents)
    return next((position for position in positions if position is not None), (1, None))
