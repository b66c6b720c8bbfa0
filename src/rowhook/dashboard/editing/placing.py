"""Where a fault stands in a field of the editor: its line and column, for the editor to mark."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rowhook.compose import Fault, position_of
from rowhook.dashboard.editing.form import Fields, header_lines
from rowhook.operations import Preview

LocatedFault = dict[str, Any]
_DOCUMENTS = ("schema", "metadata")


def locate_faults(faults: Iterable[Fault], name: str, text: str) -> list[LocatedFault]:
    """The faults of one field, each where it stands in the text; without a place, at line 1."""
    return [
        {"line": line, "column": column, "message": one.message}
        for one in faults
        if _field(one.pointer) == name
        for line, column in [_locate(one, text)]
    ]


def faults_by_field(
    faults: Iterable[Fault], preview: Preview | None, fields: Fields
) -> list[LocatedFault]:
    """The same of all fields, each with the name of its field, with what a preview found."""
    found = [*faults]
    if preview is not None:
        found += [
            Fault(pointer=one.pointer, message=one.message, line=one.line, column=one.column)
            for one in preview.faults
            if one.at == "configuration"
        ]
    names = dict.fromkeys(_field(one.pointer) for one in found if one.pointer)
    return [
        {"field": name} | one
        for name in names
        for one in locate_faults(found, name, str(fields.get(name, "")))
    ]


def _field(pointer: str) -> str:
    return pointer.split("/")[1] if pointer.startswith("/") else ""


def _locate(fault: Fault, text: str) -> tuple[int, int | None]:
    name, _, inner = fault.pointer[1:].partition("/")
    if name == "headers" and inner:
        return _locate_in_header(fault, text, inner.replace("~1", "/").replace("~0", "~"))
    if fault.line is None and name in _DOCUMENTS:
        return _locate_in_document(text, f"/{inner}" if inner else "")
    return fault.line or 1, fault.column


def _locate_in_header(fault: Fault, text: str, name: str) -> tuple[int, int | None]:
    """A header's value is a template of its own, which begins somewhere in its line."""
    for line in header_lines(text):
        if line.name == name:
            return line.number, None if fault.column is None else line.begins + fault.column
    return 1, None


def _locate_in_document(text: str, pointer: str) -> tuple[int, int | None]:
    """What is missing has no place: what it is missing from has one."""
    while pointer:
        found = position_of(text, pointer)
        if found is not None:
            return found
        pointer = pointer.rpartition("/")[0]
    return position_of(text, "") or (1, None)
