"""Parsing of the arguments of MCP tools."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.server.mcpserver.exceptions import ToolError

from rowhook.mcp.tools import proposal_of


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ((float("inf"), "", None), "data"),
        (("\ud800", "", None), "data"),
        ((None, "{", None), "data_text"),
        ((None, '"\ud800"', None), "data_text"),
        (({}, "", {"n": float("inf")}), "context"),
        (({}, "", {"n": "\ud800"}), "context"),
    ],
)
def test_the_invalid_json_argument_is_named(arguments: tuple[Any, str, Any], argument: str) -> None:
    with pytest.raises(ToolError, match=f"^Invalid JSON in {argument}: "):
        proposal_of(*arguments, None)


def test_a_text_argument_keeps_every_digit() -> None:
    proposal = proposal_of(None, '{"n": 1.10}', {"a": "é"}, "s1")
    assert (bytes(proposal.data), proposal.session_id) == (b'{"n": 1.10}', "s1")
    assert bytes(proposal.context) == '{"a": "é"}'.encode()  # type: ignore[arg-type]  # it is not None
