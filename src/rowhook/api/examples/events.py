"""Examples of events."""

from __future__ import annotations

from typing import Any

from rowhook.api.examples.webhooks import ORGANIZATION

_COMMIT_ID = "commit_8f14e45fceea167a"
EVENTS: dict[str, Any] = {
    "items": [
        {
            "id": 4242,
            "organization_id": ORGANIZATION,
            "type": "goal.committed",
            "key": _COMMIT_ID,
            "job_id": None,
            "commit_id": _COMMIT_ID,
            "agent_id": None,
            "goal_id": "goal_qualify",
            "session_id": "session_1",
            "occurred_at": "2026-05-23T12:34:56.789Z",
            "snapshot": {"commit_id": _COMMIT_ID, "goal": {"id": "goal_qualify"}},
            "data": {"email": "ada@example.com"},
            "context": {"external_id": "c-1"},
            "oversize_bytes": None,
        }
    ],
    "next_cursor": "WyI3NDIiLDQyNDJd",
}
_CHOSEN = ("id", "organization_id", "type", "key", "agent_id", "goal_id", "occurred_at")
RECENT_EVENTS: dict[str, Any] = {
    "items": [{name: EVENTS["items"][0][name] for name in _CHOSEN} | {"name": "Qualify"}]
}
