"""One JSON Schema (2020-12) of what an agent must commit, from what each output asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rowhook.contract.bring_back import Ask, Asked, Keys
from rowhook.schema import pointer_to
from rowhook.template import path_name

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Output(NamedTuple):
    """A webhook that a goal's commits fire, and what it asks."""

    webhook_id: str
    name: str
    asked: Asked


@dataclass(slots=True)
class _Place:
    """One place of the data: what is asked of it, and of what is inside."""

    required: bool = False
    schemas: list[Any] = field(default_factory=list)
    members: dict[str, _Place] = field(default_factory=dict)
    items: dict[int, _Place] = field(default_factory=dict)
    outputs: dict[str, None] = field(default_factory=dict)


def commit_schema(goal: str, outputs: Iterable[Output]) -> dict[str, Any]:
    """The schema of `commit.data` for a goal.

    `x-rowhook` says which output asks for what, what the session's context must hold, and what
    could not be brought back: data that meets the schema may still fail there.
    """
    listed = list(outputs)
    root = _Place()
    for output in listed:
        for ask in output.asked.asks:
            if ask.root == "data":
                _add(root, ask, output.name)
    return {
        "$schema": DIALECT,
        "title": f"Commit for {goal}",
        **_written(root),
        "x-rowhook": {
            "goal_id": goal,
            "outputs": [{"webhook_id": one.webhook_id, "name": one.name} for one in listed],
            "requirements": list(_requirements(listed)),
            "not_enforced": list(_lost(listed)),
        },
    }


def _add(root: _Place, ask: Ask, output: str) -> None:
    place, places = root, [root]
    for key in ask.keys:
        if isinstance(key, int) and key < 0:
            break
        inner: dict[Any, _Place] = place.items if isinstance(key, int) else place.members
        place = inner.setdefault(key, _Place())
        places.append(place)
    if ask.required:
        for one in places:
            one.required = True
    whole = len(places) == len(ask.keys) + 1
    if whole and ask.schema is not None and ask.schema not in place.schemas:
        place.schemas.append(ask.schema)
    place.outputs[output] = None


def _written(place: _Place) -> dict[str, Any]:
    shape = _shape(place)
    schemas = [one for one in place.schemas if one not in ({}, True)]
    if len(schemas) == 1 and isinstance(schemas[0], dict) and not shape.keys() & schemas[0].keys():
        return {**schemas[0], **shape}
    if len(schemas) == 1 and isinstance(schemas[0], dict) and _agree(schemas[0], shape):
        return {**schemas[0], **shape}
    return {**shape, "allOf": schemas} if schemas else shape


def _agree(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[word] == other[word] for word in one.keys() & other.keys())


def _shape(place: _Place) -> dict[str, Any]:
    shape: dict[str, Any] = {}
    if place.members:
        needed = [name for name, one in place.members.items() if one.required]
        shape["properties"] = {name: _member(one) for name, one in place.members.items()}
        if needed:
            shape = {"type": "object", **shape, "required": needed}
    if place.items:
        last = max(place.items)
        shape["prefixItems"] = [_written(place.items.get(n, _Place())) for n in range(last + 1)]
        needed_items = [n for n, one in place.items.items() if one.required]
        if needed_items:
            shape = {"type": "array", **shape, "minItems": max(needed_items) + 1}
    return shape


def _member(place: _Place) -> dict[str, Any]:
    written = _written(place)
    if not place.outputs or "description" in written:
        return written
    return {**written, "description": f"Used by {', '.join(place.outputs)}."}


def _requirements(outputs: list[Output]) -> Iterator[dict[str, Any]]:
    """A line a path: who asks for it where, and whether it may be left out."""
    paths: dict[tuple[str, Keys], list[tuple[Output, Ask]]] = {}
    for output in outputs:
        for ask in output.asked.asks:
            paths.setdefault((ask.root, ask.keys), []).append((output, ask))
    for (root, keys), asks in sorted(paths.items(), key=lambda one: str(one[0])):
        yield {
            "path": path_name(root, keys),
            "in": root,
            "pointer": pointer_to(keys),
            "required": any(ask.required for _, ask in asks),
            "used_by": list(_asked_by(asks)),
        }


def _asked_by(asks: list[tuple[Output, Ask]]) -> Iterator[dict[str, Any]]:
    places: dict[str, tuple[Output, list[Ask]]] = {}
    for output, ask in asks:
        places.setdefault(output.webhook_id, (output, []))[1].append(ask)
    for output, inner in places.values():
        yield {
            "webhook_id": output.webhook_id,
            "name": output.name,
            "locations": sorted({ask.place for ask in inner}),
            "required": any(ask.required for ask in inner),
            "constrained": any(ask.schema not in (None, {}, True) for ask in inner),
        }


def _lost(outputs: list[Output]) -> Iterator[dict[str, Any]]:
    for output in outputs:
        for one in output.asked.lost:
            yield {
                "webhook_id": output.webhook_id,
                "name": output.name,
                "location": one.place,
                "reason": one.reason,
            }
