"""A commit's schema as a tool definition that a model is handed."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

Format = Literal["anthropic", "openai", "mcp"]
_LONGEST = 64
_REFUSED = re.compile(r"[^A-Za-z0-9_-]")


def commit_tool(goal: str, schema: dict[str, Any], form: Format) -> dict[str, Any]:
    """The tool definition of Anthropic's Messages, OpenAI's Chat Completions or MCP's tools/list.

    Its input is `commit.data` itself; where that may be no object, the tool has one member `data`.
    """
    name, said, taken = _name(goal), _description(goal, schema), _input(schema)
    if form == "anthropic":
        return {"name": name, "description": said, "input_schema": taken}
    if form == "mcp":
        return {"name": name, "description": said, "inputSchema": taken}
    return {
        "type": "function",
        "function": {"name": name, "description": said, "parameters": taken},
    }


def _name(goal: str) -> str:
    """Letters, digits, _ and -, at most 64, as all three want it; another goal has another."""
    plain = f"commit_{_REFUSED.sub('_', goal)}"
    if plain == f"commit_{goal}" and len(plain) <= _LONGEST:
        return plain
    digest = hashlib.sha256(goal.encode()).hexdigest()[:8]
    return f"{plain[: _LONGEST - 9]}_{digest}"


def _description(goal: str, schema: dict[str, Any]) -> str:
    notes = schema["x-rowhook"]
    names = ", ".join(one["name"] for one in notes["outputs"])
    said = f"Commit the result of goal {goal}."
    if names:
        said += f" It is delivered to: {names}."
    if notes["not_enforced"]:
        said += " The schema does not cover every rule. Validate the data before committing it."
    return said


def _input(schema: dict[str, Any]) -> dict[str, Any]:
    taken = {word: one for word, one in schema.items() if word not in ("$schema", "x-rowhook")}
    if taken.get("type", "object") == "object":
        return {"type": "object", "properties": {}, **taken}
    return {"type": "object", "properties": {"data": taken}, "required": ["data"]}
