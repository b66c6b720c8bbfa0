"""Example of the audit."""

from __future__ import annotations

from typing import Any

from rowhook.api.examples.webhooks import AGENT_ID, ORGANIZATION, WEBHOOK_ID

AUDIT: dict[str, Any] = {
    "items": [
        {
            "id": 17,
            "organization_id": ORGANIZATION,
            "actor": "key:ci",
            "action": "link.created",
            "subject": WEBHOOK_ID,
            "before": None,
            "after": {
                "id": 4,
                "organization_id": ORGANIZATION,
                "webhook_id": WEBHOOK_ID,
                "agent_id": AGENT_ID,
                "goal_id": None,
                "created_at": "2026-05-23T12:34:56.789Z",
            },
            "created_at": "2026-05-23T12:34:56.789Z",
        }
    ],
    "next_cursor": None,
}
