"""Examples of secrets."""

from __future__ import annotations

from typing import Any

from rowhook.api.examples.webhooks import ORGANIZATION, WEBHOOK_ID

SECRET_DRAFT: dict[str, Any] = {
    "value": "crm_live_…",
    "allowed_hosts": ["crm.example.com"],
}
SECRETS: dict[str, Any] = {
    "items": [
        {
            "id": "crm-token",
            "organization_id": ORGANIZATION,
            "version": 1,
            "allowed_hosts": ["crm.example.com"],
            "created_at": "2026-05-23T12:30:00.000Z",
            "updated_at": "2026-05-23T12:30:00.000Z",
            "used_by": [WEBHOOK_ID],
        }
    ],
    "next_cursor": None,
}
