"""Examples of statistics."""

from __future__ import annotations

from typing import Any

STATS: dict[str, Any] = {
    "since": "2026-05-22T12:34:56.789Z",
    "deliveries": 1204,
    "attempts": 1231,
    "pending": 3,
    "sending": 1,
    "held": 2,
    "delivered": 1190,
    "dead": 4,
    "cancelled": 4,
    "skipped": 0,
    "success_rate": 0.9966,
    "p50_ms": 21.4,
    "p95_ms": 310.2,
    "delivered_per_s": 3.2,
    "oldest_waiting_at": "2026-05-23T12:34:51.123Z",
    "stuck": 0,
}
SERIES: dict[str, Any] = {
    "since": "2026-05-23T11:34:56Z",
    "step_s": 1800,
    "points": [
        {"at": "2026-05-23T11:34:56Z", "created": 25, "delivered": 25, "dead": 0, "held": 0},
        {"at": "2026-05-23T12:04:56Z", "created": 31, "delivered": 24, "dead": 4, "held": 2},
    ],
}
