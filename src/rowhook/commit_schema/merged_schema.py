"""Merges what each output requires into one JSON Schema of the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rowhook.commit_schema.author_text import quoted, quoted_list
from rowhook.commit_schema.requirements import (
    EACH,
    Each,
    Keys,
    Requirement,
    RequirementSet,
    name_of_keys,
    pointer_of_keys,
)
from rowhook.commit_schema.schema_conjunction import conjunction

_CONDITION_CHARACTERS = 120
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Output(NamedTuple):
    """An output of a goal, with its requirements."""

    webhook_id: str
    name: str
    requirements: RequirementSet


@dataclass(slots=True)
class _Node:
    """A position in the data, with its requirements and its children."""

    required: bool = False
    schemas: list[Any] = field(default_factory=list)
    members: dict[str, _Node] = field(default_factory=dict)
    items: dict[int, _Node] = field(default_factory=dict)
    each: dict[Each, _Node] = field(default_factory=dict)
    outputs: dict[str, None] = field(default_factory=dict)
    conditional: dict[str, str] = field(default_factory=dict)


def commit_schema(goal: str, outputs: Iterable[Output]) -> dict[str, Any]:
    """Return the schema of `commit.data` for a goal.

    `x-rowhook` lists which output requires what, the requirements on the session's context, and
    what the schema does not enforce: data that matches the schema may still fail there.
    """
    output_list = list(outputs)
    root = _Node()
    for output in output_list:
        for requirement in output.requirements.items:
            if requirement.root == "data":
                _add(root, requirement, output)
    return {
        "$schema": DIALECT,
        "title": f"Commit for {quoted(goal)}",
        **_to_schema(root),
        "x-rowhook": {
            "goal_id": goal,
            "outputs": [
                {"webhook_id": output.webhook_id, "name": output.name} for output in output_list
            ],
            "requirements": list(_requirements(output_list)),
            "not_enforced": list(_not_enforced(output_list)),
        },
    }


def _add(root: _Node, requirement: Requirement, output: Output) -> None:
    node, nodes = root, [root]
    for key in requirement.keys:
        if isinstance(key, int) and key < 0:
            break
        node = _children(node, key).setdefault(key, _Node())
        # an item must have its members only if it is there
        nodes = [] if key is EACH else [*nodes, node]
    if requirement.is_conditional:
        node.conditional[output.name] = output.requirements.condition
        return
    node.outputs[output.name] = None
    if requirement.required:
        for visited in nodes:
            visited.required = True
    is_complete = not any(isinstance(key, int) and key < 0 for key in requirement.keys)
    if is_complete and requirement.schema is not None and requirement.schema not in node.schemas:
        node.schemas.append(requirement.schema)


def _children(node: _Node, key: str | int | Each) -> dict[Any, _Node]:
    if isinstance(key, Each):
        return node.each
    return node.items if isinstance(key, int) else node.members


def _to_schema(node: _Node) -> dict[str, Any]:
    items = {"items": _to_schema(node.each[EACH])} if node.each else {}
    schema = conjunction([_members(node), _positions(node), items, *node.schemas])
    if schema is False:
        return {"not": {}}
    return dict(schema) if isinstance(schema, dict) else {}


def _members(node: _Node) -> dict[str, Any]:
    if not node.members:
        return {}
    properties = {name: _described(child) for name, child in node.members.items()}
    required = [name for name, child in node.members.items() if child.required]
    shape: dict[str, Any] = {"properties": properties}
    return {"type": "object", **shape, "required": required} if required else shape


def _positions(node: _Node) -> dict[str, Any]:
    if not node.items:
        return {}
    first = [_to_schema(node.items.get(n, _Node())) for n in range(max(node.items) + 1)]
    required = [n for n, child in node.items.items() if child.required]
    if not required:
        return {"prefixItems": first}
    # a position of a string is a character
    shape: dict[str, Any] = {"type": ["array", "string"], "prefixItems": first}
    return {**shape, "minItems": max(required) + 1, "minLength": max(required) + 1}


def _described(node: _Node) -> dict[str, Any]:
    schema = _to_schema(node)
    if "description" in schema:
        return schema
    uses = []
    if node.outputs:
        uses.append(f"Used by {quoted_list(list(node.outputs))}.")
    conditional = [name for name in node.conditional if name not in node.outputs]
    if conditional:
        condition = quoted(node.conditional[conditional[0]], _CONDITION_CHARACTERS)
        when = (
            f"its condition {condition} is true"
            if len(conditional) == 1
            else "their conditions are true"
        )
        uses.append(f"Used by {quoted_list(conditional)} if {when}.")
    return {**schema, "description": " ".join(uses)} if uses else schema


def _requirements(outputs: list[Output]) -> Iterator[dict[str, Any]]:
    """Yield an entry per path: the outputs that use it, and whether it is required."""
    paths: dict[tuple[str, Keys], list[tuple[Output, Requirement]]] = {}
    for output in outputs:
        for requirement in output.requirements.items:
            paths.setdefault((requirement.root, requirement.keys), []).append((output, requirement))
    for (root, keys), uses in sorted(paths.items(), key=lambda item: str(item[0])):
        yield {
            "path": name_of_keys(root, keys),
            "in": root,
            "pointer": pointer_of_keys(keys),
            "required": any(
                requirement.required and not requirement.is_conditional for _, requirement in uses
            ),
            "used_by": list(_used_by(uses)),
        }


def _used_by(uses: list[tuple[Output, Requirement]]) -> Iterator[dict[str, Any]]:
    by_output: dict[str, tuple[Output, list[Requirement]]] = {}
    for output, requirement in uses:
        by_output.setdefault(output.webhook_id, (output, []))[1].append(requirement)
    for output, requirements in by_output.values():
        yield {
            "webhook_id": output.webhook_id,
            "name": output.name,
            "locations": sorted({requirement.location for requirement in requirements}),
            "required": any(requirement.required for requirement in requirements),
            "conditional": all(requirement.is_conditional for requirement in requirements),
            "constrained": any(
                requirement.schema not in (None, {}, True) for requirement in requirements
            ),
        }


def _not_enforced(outputs: list[Output]) -> Iterator[dict[str, Any]]:
    for output in outputs:
        for part in output.requirements.not_enforced:
            yield {
                "webhook_id": output.webhook_id,
                "name": output.name,
                "location": part.location,
                "reason": part.reason,
            }
