"""Merge what each output requires into one JSON Schema and one tool definition."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from rowhook.commit_schema.data_schema import Keys, Requirement, RequirementSet
from rowhook.schema.budget import pointer_to
from rowhook.template.names import path_name

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
    outputs: dict[str, None] = field(default_factory=dict)


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
                _add(root, requirement, output.name)
    return {
        "$schema": DIALECT,
        "title": f"Commit for {goal}",
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


def _add(root: _Node, requirement: Requirement, output: str) -> None:
    node, nodes = root, [root]
    for key in requirement.keys:
        if isinstance(key, int) and key < 0:
            break
        inner: dict[Any, _Node] = node.items if isinstance(key, int) else node.members
        node = inner.setdefault(key, _Node())
        nodes.append(node)
    if requirement.required:
        for visited in nodes:
            visited.required = True
    is_complete = len(nodes) == len(requirement.keys) + 1
    if is_complete and requirement.schema is not None and requirement.schema not in node.schemas:
        node.schemas.append(requirement.schema)
    node.outputs[output] = None


def _to_schema(node: _Node) -> dict[str, Any]:
    shape = _shape(node)
    schemas = [schema for schema in node.schemas if schema not in ({}, True)]
    if len(schemas) == 1 and isinstance(schemas[0], dict) and not shape.keys() & schemas[0].keys():
        return {**schemas[0], **shape}
    if len(schemas) == 1 and isinstance(schemas[0], dict) and _agree(schemas[0], shape):
        return {**schemas[0], **shape}
    return {**shape, "allOf": schemas} if schemas else shape


def _agree(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return all(first[key] == second[key] for key in first.keys() & second.keys())


def _shape(node: _Node) -> dict[str, Any]:
    shape: dict[str, Any] = {}
    if node.members:
        required = [name for name, child in node.members.items() if child.required]
        shape["properties"] = {name: _member(child) for name, child in node.members.items()}
        if required:
            shape = {"type": "object", **shape, "required": required}
    if node.items:
        last = max(node.items)
        shape["prefixItems"] = [_to_schema(node.items.get(n, _Node())) for n in range(last + 1)]
        required_items = [n for n, child in node.items.items() if child.required]
        if required_items:
            shape = {"type": "array", **shape, "minItems": max(required_items) + 1}
    return shape


def _member(node: _Node) -> dict[str, Any]:
    schema = _to_schema(node)
    if not node.outputs or "description" in schema:
        return schema
    return {**schema, "description": f"Used by {', '.join(node.outputs)}."}


def _requirements(outputs: list[Output]) -> Iterator[dict[str, Any]]:
    """Yield an entry per path: the outputs that use it, and whether it is required."""
    paths: dict[tuple[str, Keys], list[tuple[Output, Requirement]]] = {}
    for output in outputs:
        for requirement in output.requirements.items:
            paths.setdefault((requirement.root, requirement.keys), []).append((output, requirement))
    for (root, keys), uses in sorted(paths.items(), key=lambda item: str(item[0])):
        yield {
            "path": path_name(root, keys),
            "in": root,
            "pointer": pointer_to(keys),
            "required": any(requirement.required for _, requirement in uses),
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


_METADATA = ("$schema", "x-rowhook")
Format = Literal["anthropic", "openai", "mcp"]
_MAX_LENGTH = 64
_FORBIDDEN = re.compile(r"[^A-Za-z0-9_-]")


def commit_tool(goal: str, schema: dict[str, Any], form: Format) -> dict[str, Any]:
    """Return a tool for Anthropic's Messages, OpenAI's Chat Completions or MCP's tools/list.

    The input is `commit.data`, or an object with the member `data` if that may not be an object.
    """
    name, description, parameters = _name(goal), _description(goal, schema), _input(schema)
    if form == "anthropic":
        return {"name": name, "description": description, "input_schema": parameters}
    if form == "mcp":
        return {"name": name, "description": description, "inputSchema": parameters}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


def _name(goal: str) -> str:
    """Return a unique name of at most 64 letters, digits, _ and -, as all three APIs require."""
    plain = f"commit_{_FORBIDDEN.sub('_', goal)}"
    if plain == f"commit_{goal}" and len(plain) <= _MAX_LENGTH:
        return plain
    digest = hashlib.sha256(goal.encode()).hexdigest()[:8]
    return f"{plain[: _MAX_LENGTH - 9]}_{digest}"


def _description(goal: str, schema: dict[str, Any]) -> str:
    notes = schema["x-rowhook"]
    names = ", ".join(output["name"] for output in notes["outputs"])
    description = f"Commit the result of goal {goal}."
    if names:
        description += f" It is delivered to: {names}."
    if notes["not_enforced"]:
        description += (
            " The schema does not cover every rule. Validate the data before committing it."
        )
    return description


def _input(schema: dict[str, Any]) -> dict[str, Any]:
    parameters = {key: value for key, value in schema.items() if key not in _METADATA}
    if parameters.get("type", "object") == "object":
        return {"type": "object", "properties": {}, **parameters}
    return {"type": "object", "properties": {"data": parameters}, "required": ["data"]}
