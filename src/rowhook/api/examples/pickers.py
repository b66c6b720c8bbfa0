"""Examples of organizations, agents and goals."""

from __future__ import annotations

from typing import Any

from rowhook.api.examples.webhooks import AGENT_EXTERNAL_ID, AGENT_ID, ORGANIZATION, WEBHOOK_ID

_LINKED = [{"id": WEBHOOK_ID, "name": "CRM"}]

ORGANIZATIONS: dict[str, Any] = {
    "items": [{"id": ORGANIZATION, "name": "Acme", "external_id": None}],
    "next_cursor": None,
}
AGENTS: dict[str, Any] = {
    "items": [
        {
            "id": AGENT_ID,
            "external_id": AGENT_EXTERNAL_ID,
            "organization_id": ORGANIZATION,
            "name": "Ann",
            "webhooks": _LINKED,
        }
    ],
    "next_cursor": None,
}
GOALS: dict[str, Any] = {
    "items": [
        {
            "id": "goal_qualify",
            "organization_id": ORGANIZATION,
            "template_id": "template_lead",
            "name": "Qualify a lead",
            "webhooks": _LINKED,
        }
    ],
    "next_cursor": None,
}
