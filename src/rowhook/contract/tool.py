"""Builds the tool definition of a goal from its commit schema."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

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
