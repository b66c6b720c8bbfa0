"""Examples of deliveries."""

from __future__ import annotations

from typing import Any

from rowhook.api.examples.webhooks import ORGANIZATION, WEBHOOK_ID

_COMMIT_ID = "commit_8f14e45fceea167a"
_CREATED = "2026-05-23T12:34:56.789Z"
_FINISHED = "2026-05-23T12:34:56.812Z"

DELIVERY: dict[str, Any] = {
    "id": 4711,
    "organization_id": ORGANIZATION,
    "webhook_id": WEBHOOK_ID,
    "webhook_name": "CRM",
    "event_id": 4242,
    "event_type": "goal.committed",
    "key": _COMMIT_ID,
    "job_id": None,
    "commit_id": _COMMIT_ID,
    "status": "dead",
    "attempts": 1,
    "next_attempt_at": None,
    "created_at": _CREATED,
    "finished_at": _FINISHED,
    "last_status_code": 503,
    "last_error": "The receiver responded with status 503.",
    "latency_ms": None,
    "webhook_exists": True,
}
DELIVERIES = {"items": [DELIVERY], "next_cursor": None}
ATTEMPT: dict[str, Any] = {
    "number": 1,
    "started_at": "2026-05-23T12:34:56.801Z",
    "rendered_ms": 0.2,
    "validated_ms": 0.4,
    "duration_ms": 9.5,
    "outcome": "http_status",
    "status_code": 503,
    "error": "The receiver responded with status 503.",
    "revision": 1,
    "request": {
        "method": "POST",
        "url": "https://crm.example.com/v1/customers",
        "headers": [
            ["Authorization", "Bearer [secret:crm-token]"],
            ["Content-Type", "application/json"],
            ["Idempotency-Key", _COMMIT_ID],
        ],
        "body": '{"name": "Ada Lovelace", "external_id": "c-17"}',
    },
    "response_headers": [["Content-Type", "text/plain"]],
    "response_body": "try again later",
}
DELIVERY_WITH_ATTEMPTS = DELIVERY | {
    "occurred_at": "2026-05-23T12:34:56.780Z",
    "captured_at": "2026-05-23T12:34:56.785Z",
    "tries": [ATTEMPT],
}
SENT_AGAIN = DELIVERY_WITH_ATTEMPTS | {
    "status": "pending",
    "next_attempt_at": "2026-05-23T13:00:00Z",
    "finished_at": None,
}
CANCELLED = DELIVERY_WITH_ATTEMPTS | {"status": "cancelled"}
REPLAY = {"webhook_id": WEBHOOK_ID, "since": "2026-05-23T00:00:00Z", "rate": 20}
COUNT = {"deliveries": 17}
TALLY = {"total": 17, "by_status": {"dead": 15, "cancelled": 2}, "capped": False}
