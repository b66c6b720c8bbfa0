"""Examples of test sends and previews."""

from __future__ import annotations

from typing import Any

from rowhook.api.examples.webhooks import AGENT_EXTERNAL_ID, WEBHOOK_DRAFT

SAMPLE: dict[str, Any] = {"agent_id": AGENT_EXTERNAL_ID, "data": {"name": "Ada"}}
PREVIEW_DRAFT: dict[str, Any] = WEBHOOK_DRAFT | {"sample": SAMPLE}
_REQUEST: dict[str, Any] = {
    "method": "POST",
    "url": "https://crm.example.com/v1/customers",
    "headers": [
        ["User-Agent", "Roxels-Webhook/1"],
        ["Content-Type", "application/json"],
        ["Idempotency-Key", "test_7f3c1f0e-5d0f-4a53-9f0e-2d3b8a1c6e44"],
        ["Authorization", "Bearer [secret:crm-token]"],
    ],
    "body": '{"name": "Ada", "external_id": "sample external_id"}',
}
TRIAL: dict[str, Any] = {
    "request": _REQUEST,
    "response": {
        "status": 201,
        "headers": [["Content-Type", "application/json"]],
        "body": '{"id": 17}',
    },
    "timings": {"dns": 1.9, "connect": 11.2, "tls": 14.8, "first_byte": 96.4, "total": 97.0},
    "outcome": "delivered",
    "error": None,
}
PREVIEW: dict[str, Any] = {
    "request": _REQUEST,
    "outcome": "rendered",
    "error": None,
    "valid": True,
    "faults": [],
}
HELD: dict[str, Any] = {"items": [PREVIEW | {"delivery_id": 4711, "event_id": 4242}]}
