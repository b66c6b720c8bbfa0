"""From the arguments of a tool to what is proposed for a commit."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from mcp.server.mcpserver.exceptions import ToolError

from rowhook.operations import Proposal


def proposal_of(data: Any, data_text: str, context: Any, session: str | None) -> Proposal:
    """The proposal, `data_text` digit for digit. Raises ToolError naming what is no JSON."""
    given: dict[str, Any] = {
        "data": _checked("data_text", data_text) if data_text else _written("data", data),
        "session_id": session,
    }
    if context is not None:
        given["context"] = _written("context", context)
    return Proposal(**given)


def _written(name: str, value: Any) -> msgspec.Raw:
    try:
        return msgspec.Raw(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, RecursionError) as error:
        raise _no_json(name, error) from error


def _checked(name: str, text: str) -> msgspec.Raw:
    try:
        json.loads(text)
        return msgspec.Raw(text.encode())
    except (ValueError, RecursionError) as error:
        raise _no_json(name, error) from error


def _no_json(name: str, error: Exception) -> ToolError:
    return ToolError(f"Invalid JSON in {name}: {error}")
