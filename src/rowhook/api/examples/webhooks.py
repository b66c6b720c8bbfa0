"""Examples of webhooks."""

from __future__ import annotations

from typing import Any

ORGANIZATION = "5f0c9e57-6f0c-4f57-9d2f-1d1a35b1a0f1"
WEBHOOK_ID = "0b7c1d8e-4d2f-4f3a-9c56-0a4e3c1f2b6d"
AGENT_ID = "9d6a1c34-7a55-4d7e-8d0b-6a2a0c6f8e21"
# An id as the platform writes it, in this case a number.
AGENT_EXTERNAL_ID = "12"
_CREATED = "2026-05-23T12:34:56.789Z"

WEBHOOK_DRAFT: dict[str, Any] = {
    "name": "CRM",
    "url": "https://crm.example.com/v1/customers",
    "headers": {"Authorization": "Bearer {{secret:crm-token}}"},
    "body_template": '{"name": "{{data.name}}", "external_id": "{{context.external_id}}"}',
    "schema": {"type": "object", "required": ["name"]},
}
WEBHOOK: dict[str, Any] = {
    "id": WEBHOOK_ID,
    "organization_id": ORGANIZATION,
    "name": "CRM",
    "description": None,
    "metadata": {},
    "url": "https://crm.example.com/v1/customers",
    "kind": "http",
    "method": "POST",
    "headers": {"Authorization": "Bearer {{secret:crm-token}}"},
    "body_template": '{"name": "{{data.name}}", "external_id": "{{context.external_id}}"}',
    "raw_payload": False,
    "schema": {"type": "object", "required": ["name"]},
    "condition": None,
    "event_types": [],
    "timeout_s": 15,
    "max_in_flight": 10,
    "rate_per_s": None,
    "ordered": False,
    "retry_schedule_s": [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400],
    "state": "active",
    "disabled_reason": None,
    "revision": 1,
    "created_at": _CREATED,
    "updated_at": _CREATED,
    "warnings": [],
}
NEW_WEBHOOK = WEBHOOK | {"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
WEBHOOKS = {"items": [WEBHOOK], "next_cursor": None}
PATCH = {"headers": {"X-Old": None}, "timeout_s": 10}
REVISIONS = {
    "items": [
        {
            "webhook_id": WEBHOOK_ID,
            "revision": 1,
            "configuration": WEBHOOK_DRAFT,
            "created_at": _CREATED,
        }
    ],
    "next_cursor": None,
}
ROTATION = {"overlap_s": 86400}
NEW_SIGNING_SECRET = {
    "signing_secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "overlap_ends_at": "2026-05-24T12:34:56.789Z",
}
