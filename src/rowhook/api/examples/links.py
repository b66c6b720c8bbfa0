"""Example of links."""

from __future__ import annotations

from typing import Any

from rowhook.api.examples.webhooks import AGENT_EXTERNAL_ID

LINKS: dict[str, Any] = {
    "items": [
        {
            "kind": "agent",
            "id": AGENT_EXTERNAL_ID,
            "name": "Ann",
            "created_at": "2026-05-23T12:34:56.789Z",
        },
        {
            "kind": "goal",
            "id": "goal_qualify",
            "name": "Qualify a lead",
            "created_at": "2026-05-23T12:35:10.004Z",
        },
    ],
    "next_cursor": None,
}
