"""Converts tool arguments to a proposed commit."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from mcp.server.mcpserver.exceptions import ToolError

from rowhook.operations import Proposal


def proposal_of(data: Any, data_text: str, context: Any, session: str | None) -> Proposal:
    """Build the proposal. `data_text` keeps its digits. Raises ToolError for invalid JSON."""
    fields: dict[str, Any] = {
        "data": _validated_text("data_text", data_text) if data_text else _encoded("data", data),
        "session_id": session,
    }
    if context is not None:
        fields["context"] = _encoded("context", context)
    return Proposal(**fields)


def _encoded(name: str, value: Any) -> msgspec.Raw:
    try:
        return msgspec.Raw(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, RecursionError) as error:
        raise _invalid_json(name, error) from error


def _validated_text(name: str, text: str) -> msgspec.Raw:
    try:
        json.loads(text)
        return msgspec.Raw(text.encode())
    except (ValueError, RecursionError) as error:
        raise _invalid_json(name, error) from error


def _invalid_json(name: str, error: Exception) -> ToolError:
    return ToolError(f"Invalid JSON in {name}: {error}")
