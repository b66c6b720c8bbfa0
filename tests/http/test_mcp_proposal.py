"""What a tool's arguments become, and which of them a refusal names."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.server.mcpserver.exceptions import ToolError

from rowhook.mcp.tools import proposal_of


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((float("inf"), "", None), "data"),
        (("\ud800", "", None), "data"),
        ((None, "{", None), "data_text"),
        ((None, '"\ud800"', None), "data_text"),
        (({}, "", {"n": float("inf")}), "context"),
        (({}, "", {"n": "\ud800"}), "context"),
    ],
)
def test_what_is_no_json_is_named(given: tuple[Any, str, Any], named: str) -> None:
    with pytest.raises(ToolError, match=f"^Invalid JSON in {named}: "):
        proposal_of(*given, None)


def test_a_text_is_kept_digit_for_digit() -> None:
    found = proposal_of(None, '{"n": 1.10}', {"a": "é"}, "s1")
    assert (bytes(found.data), found.session_id) == (b'{"n": 1.10}', "s1")
    assert bytes(found.context) == '{"a": "é"}'.encode()  # type: ignore[arg-type]  # it is given
