"""Examples of a commit schema, a commit tool and a validation."""

from __future__ import annotations

from typing import Any

from rowhook.api.examples.webhooks import WEBHOOK_ID

_NAME: dict[str, Any] = {
    "type": "string",
    "format": "email",
    "description": "Used by CRM.",
}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Commit for goal_qualify",
    "type": "object",
    "properties": {"email": _NAME},
    "required": ["email"],
    "x-rowhook": {
        "goal_id": "goal_qualify",
        "outputs": [{"webhook_id": WEBHOOK_ID, "name": "CRM"}],
        "requirements": [
            {
                "path": "data.email",
                "in": "data",
                "pointer": "/email",
                "required": True,
                "used_by": [
                    {
                        "webhook_id": WEBHOOK_ID,
                        "name": "CRM",
                        "required": True,
                        "locations": ["/body_template", "body/email"],
                        "constrained": True,
                    }
                ],
            }
        ],
        "not_enforced": [],
    },
}
TOOL: dict[str, Any] = {
    "name": "commit_goal_qualify",
    "description": "Commit the result of goal goal_qualify. It is delivered to: CRM.",
    "input_schema": {
        "title": "Commit for goal_qualify",
        "type": "object",
        "properties": {"email": _NAME},
        "required": ["email"],
    },
}
PROPOSAL: dict[str, Any] = {"data": {"email": "ada@"}, "context": {"external_id": "c-1"}}
VERDICT: dict[str, Any] = {
    "valid": False,
    "outputs": [
        {
            "webhook_id": WEBHOOK_ID,
            "name": "CRM",
            "valid": False,
            "outcome": "schema_failed",
            "errors": [
                {
                    "pointer": "/email",
                    "message": "Must be an email.",
                    "hint": "Use that format.",
                }
            ],
        }
    ],
}
