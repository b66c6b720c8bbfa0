"""The commit schema of a goal as a tool definition that a model's API accepts as it is."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from rowhook.commit_schema import quoted, quoted_list
from rowhook.commit_schema.tool_schema import (
    PROPERTY_NAME,
    PlainSchema,
    StrictForm,
    limits_exceeded,
    plain_schema,
)

Format = Literal["anthropic", "openai", "mcp"]
Refuses = Callable[[str, Any], bool]
_METADATA = ("$schema", "title", "x-rowhook")
# All three APIs accept these names.
_MAX_NAME = 64
_FORBIDDEN_IN_NAME = re.compile(r"[^A-Za-z0-9_-]")
# OpenAI's limit on the description of a function; used for every description.
_MAX_DESCRIPTION = 1024
# Keywords that neither Anthropic nor OpenAI accepts at the top.
_NOT_AT_TOP = ("allOf", "anyOf", "oneOf", "enum", "not", "const", "$ref")
_NOT_COMPLETE = "The schema does not cover every rule. Validate the data before committing it."
_TEXT = "data"


@dataclass(slots=True)
class _Input:
    """The schema of a tool's input, and the notes for its description."""

    schema: dict[str, Any]
    is_complete: bool = True
    notes: list[str] = field(default_factory=list)


def commit_tool(
    goal: str, schema: dict[str, Any], form: Format, *, strict: bool = False
) -> dict[str, Any]:
    """Returns a tool for Anthropic's Messages, OpenAI's Chat Completions or MCP's tools/list.

    The input is `commit.data`. Members whose names the APIs refuse are in one JSON text `data`, and
    so is data that is not an object. `strict` is for OpenAI alone.
    """
    tool_input = _strict_input(schema) if strict else _input(schema, _is_refused)
    name, description = _name(goal), _description(goal, schema, tool_input)
    parameters = tool_input.schema
    if form == "anthropic":
        return {"name": name, "description": description, "input_schema": parameters}
    if form == "mcp":
        return {"name": name, "description": description, "inputSchema": parameters}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": {**function, **({"strict": True} if strict else {})}}


def _name(goal: str) -> str:
    """Returns a unique name of at most 64 letters, digits, _ and -, as all three APIs require."""
    plain = f"commit_{_FORBIDDEN_IN_NAME.sub('_', goal)}"
    if plain == f"commit_{goal}" and len(plain) <= _MAX_NAME:
        return plain
    digest = hashlib.sha256(goal.encode()).hexdigest()[:8]
    return f"{plain[: _MAX_NAME - 9]}_{digest}"


def _description(goal: str, schema: dict[str, Any], tool_input: _Input) -> str:
    notes = schema["x-rowhook"]
    parts = [f"Commit the result of the goal {quoted(goal)}."]
    names = [output["name"] for output in notes["outputs"]]
    if names:
        parts.append(f"It is delivered to: {quoted_list(names)}.")
    parts += tool_input.notes
    if notes["not_enforced"] or not tool_input.is_complete:
        parts.append(_NOT_COMPLETE)
    return " ".join(parts)


def _input(schema: dict[str, Any], refuses: Refuses) -> _Input:
    """Returns the input without names that the APIs refuse. It accepts all that the schema does.

    Members that `refuses` are in one JSON text.
    """
    plain = plain_schema({key: value for key, value in schema.items() if key not in _METADATA})
    if not _allows_objects(plain.schema):
        return _wrapped(plain, is_text=refuses("", plain.schema))
    top = {
        key: value
        for key, value in plain.schema.items()
        if key not in _NOT_AT_TOP and (key == "properties" or not has_refused_name(value))
    }
    is_complete = plain.is_complete and top.keys() == plain.schema.keys()
    tool_input = _Input({**top, "type": "object"}, is_complete)
    tool_input.schema.setdefault("properties", {})
    refused = {name for name, member in _named(tool_input.schema) if refuses(name, member)}
    return _with_text(tool_input.schema, refused) if refused else tool_input


def _allows_objects(schema: dict[str, Any]) -> bool:
    types = schema.get("type", "object")
    return "object" in ([types] if isinstance(types, str) else types)


def _named(schema: dict[str, Any]) -> list[tuple[str, Any]]:
    """Returns the members that a schema names, with their schemas."""
    properties = schema.get("properties", {})
    required = [name for name in schema.get("required", ()) if name not in properties]
    return [*properties.items(), *((name, {}) for name in required)]


def _is_refused(name: str, member: Any) -> bool:
    return PROPERTY_NAME.fullmatch(name) is None or has_refused_name(member)


def has_refused_name(schema: Any) -> bool:
    """Returns whether a part of a schema has a property whose name the APIs refuse."""
    if isinstance(schema, list):
        return any(map(has_refused_name, schema))
    if not isinstance(schema, dict):
        return False
    names = schema.get("properties")
    if isinstance(names, dict) and any(not PROPERTY_NAME.fullmatch(name) for name in names):
        return True
    return any(map(has_refused_name, schema.values()))


def _wrapped(plain: PlainSchema, *, is_text: bool) -> _Input:
    """Returns the input of data that is not an object."""
    text, note = plain.schema, f"{_TEXT} is the data, which is not an object."
    if is_text:
        text = _text_schema("the data", plain.schema)
        note = f"{_TEXT} is the data as JSON text."
    tool = {"type": "object", "properties": {_TEXT: text}, "required": [_TEXT]}
    return _Input(tool, plain.is_complete and not is_text, [note])


def _with_text(schema: dict[str, Any], refused: set[str]) -> _Input:
    """Moves members into one JSON text. Rules about all members are left out."""
    moved = refused | {_TEXT}
    properties, required = schema["properties"], schema.get("required", [])
    inner = {
        "type": "object",
        "properties": {name: properties[name] for name in properties if name in moved},
        "required": [name for name in required if name in moved],
    }
    rest = {name: properties[name] for name in properties if name not in moved}
    needed = [name for name in required if name not in moved]
    needed += [_TEXT] if inner["required"] else []
    text = _text_schema("an object with the other members of the data", inner)
    result = {
        "type": "object",
        "properties": {**rest, _TEXT: text},
        **({"required": needed} if needed else {}),
    }
    note = (
        f"{_TEXT} is a JSON text of an object with those members of the data that cannot be "
        "parameters."
    )
    return _Input(result, is_complete=False, notes=[note])


def _text_schema(content: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of a JSON text, which describes its content."""
    description = f"JSON text: {content}."
    needed = quoted_list(schema.get("required", ()))
    others = quoted_list(list(schema.get("properties", {})))
    lines = (
        f" Its JSON Schema: {json.dumps(schema, ensure_ascii=True)}",
        f" It must have: {needed}." if needed else "",
        f" Members: {others}." if others else "",
    )
    for line in lines:
        if len(description) + len(line) <= _MAX_DESCRIPTION:
            description += line
            break
    return {"type": "string", "description": description}


def _strict_input(schema: dict[str, Any]) -> _Input:
    """Returns the input in OpenAI's strict form; other members are in the JSON text."""

    def refuses(name: str, member: Any) -> bool:
        return _is_refused(name, member) or StrictForm.cannot_express(member)

    tool_input = _input(schema, refuses)
    strict = StrictForm().convert(tool_input.schema)
    if limits_exceeded(strict):
        tool_input = _input(schema, lambda *_: True)
        strict = StrictForm().convert(tool_input.schema)
    note = "null stands for a member that the data leaves out."
    return _Input(strict, is_complete=False, notes=[*tool_input.notes, note])
