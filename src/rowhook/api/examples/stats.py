"""Figures, as OpenAPI shows them."""

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
}
