"""Hints beside the editor's fields: positions of faults, as line and column, and completions."""

from __future__ import annotations

import json
from asyncio import to_thread
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from rowhook import json_pointer
from rowhook.dashboard.editor_form import Fields, header_lines
from rowhook.json_pointer import json_positions
from rowhook.render.configuration import Fault
from rowhook.render.payload import variable_names
from rowhook.services import events
from rowhook.services.context import KeyringContext
from rowhook.services.previews import Preview
from rowhook.services.secrets import list_secrets
from rowhook.template.filters import FILTERS

LocatedFault = dict[str, Any]
_DOCUMENTS = ("schema", "metadata")
_MAX_DEPTH = 4
_MOST = 300
_RECENT_EVENTS = 3
_MAX_SECRETS = 200


def locate_faults(faults: Iterable[Fault], name: str, text: str) -> list[LocatedFault]:
    """Locates the faults of one field in its text; unknown positions are line 1."""
    return [
        {"line": line, "column": column, "message": fault.message}
        for fault in faults
        if field_of(fault.pointer) == name
        for line, column in [_locate(fault, text)]
    ]


def faults_by_field(
    faults: Iterable[Fault], preview: Preview | None, fields: Fields
) -> list[LocatedFault]:
    """Locates the faults of all fields, including those of a preview."""
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
    """Returns the field that a pointer begins with."""
    return next(iter(json_pointer.split(pointer)), "")


def _locate(fault: Fault, text: str) -> tuple[int, int | None]:
    name, *inner = json_pointer.split(fault.pointer)
    if name == "headers" and inner:
        return _locate_in_header(fault, text, inner[0])
    if fault.line is None and name in _DOCUMENTS:
        return _locate_in_document(text, inner)
    return fault.line or 1, fault.column


def _locate_in_header(fault: Fault, text: str, name: str) -> tuple[int, int | None]:
    """Locates a fault in a header's value, a template that begins within its line."""
    for line in header_lines(text):
        if line.name == name:
            return line.number, None if fault.column is None else line.begins + fault.column
    return 1, None


def _locate_in_document(text: str, steps: list[str]) -> tuple[int, int | None]:
    """Locates a path in a JSON text, or the nearest existing parent of a missing value."""
    parents = [json_pointer.join(steps[:length]) for length in range(len(steps), -1, -1)]
    positions = json_positions(text, parents)
    return next((position for position in positions if position is not None), (1, None))


async def completions(
    ctx: KeyringContext, organization: UUID | None, webhook: UUID | None
) -> dict[str, Any]:
    """Builds `{names, filters}` for the editor, with the paths of recent events."""
    if organization is None:
        return {"names": sorted(variable_names()), "filters": sorted(FILTERS)}
    secrets = (await list_secrets(ctx, organization, limit=_MAX_SECRETS)).items
    names = [*variable_names(), *(f"secret:{secret.id}" for secret in secrets)]
    names += await _paths_of_recent(ctx, organization, webhook)
    return {"names": sorted(set(names))[: 2 * _MOST], "filters": sorted(FILTERS)}


async def _paths_of_recent(
    ctx: KeyringContext, organization: UUID, webhook: UUID | None
) -> list[str]:
    recent = (
        await events.recent_events(ctx, organization, webhook=webhook, limit=_RECENT_EVENTS)
    ).items
    paths: dict[str, None] = {}
    for recent_event in recent:
        event = await events.event_of(ctx, recent_event.id)
        for root, raw in (("data", event.data), ("context", event.context)):
            paths |= dict.fromkeys(await to_thread(_first_paths, root, bytes(raw)))
    return list(paths)[:_MOST]


def _first_paths(root: str, text: bytes) -> list[str]:
    try:
        return list(islice(_paths(root, json.loads(text)), _MOST))
    except (ValueError, RecursionError):
        return []


def _paths(prefix: str, value: object, depth: int = 0) -> Iterator[str]:
    """Yields every path below a value, except those with names that templates cannot write."""
    if depth > 0:
        yield prefix
    if not isinstance(value, dict) or depth == _MAX_DEPTH:
        return
    for name, inner in value.items():
        if name.isidentifier():
            yield from _paths(f"{prefix}.{name}", inner, depth + 1)
