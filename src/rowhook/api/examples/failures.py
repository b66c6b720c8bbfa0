"""Examples of failures and webhook health."""

from __future__ import annotations

from typing import Any

from rowhook.api.examples.webhooks import ORGANIZATION, WEBHOOK_ID

_ERROR = "The receiver responded with status 503."

FAILURES: dict[str, Any] = {
    "since": "2026-05-22T12:34:56.789Z",
    "items": [
        {
            "webhook_id": WEBHOOK_ID,
            "webhook_name": "CRM",
            "webhook_exists": True,
            "error": _ERROR,
            "status_code": 503,
            "deliveries": 17,
            "held": 0,
            "dead": 4,
            "retrying": 13,
            "first_at": "2026-05-23T11:02:17.004Z",
            "last_at": "2026-05-23T12:34:56.789Z",
            "newest_delivery": 4711,
        }
    ],
    "capped": False,
}
TROUBLES: dict[str, Any] = {
    "items": [
        {
            "webhook_id": WEBHOOK_ID,
            "name": "CRM",
            "state": "active",
            "held": 0,
            "dead": 4,
            "retrying": 13,
            "last_error": _ERROR,
            "last_at": "2026-05-23T12:34:56.789Z",
        }
    ]
}
HEALTH: dict[str, Any] = {
    "items": [
        {
            "webhook_id": WEBHOOK_ID,
            "organization_id": ORGANIZATION,
            "name": "CRM",
            "state": "active",
            "disabled_reason": None,
            "backlog": 13,
            "oldest_age_s": 212.5,
            "held": 0,
            "finished_24h": 1194,
            "delivered_24h": 1190,
            "success_rate_24h": 0.9966,
            "p50_ms": 21.4,
            "p95_ms": 310.2,
            "circuit": "open",
            "failing_since": "2026-05-23T12:31:24.289Z",
            "next_probe_at": "2026-05-23T12:35:26Z",
            "last_error": _ERROR,
            "series": [{"delivered": 50, "dead": 0}] * 23 + [{"delivered": 40, "dead": 4}],
        }
    ]
}
