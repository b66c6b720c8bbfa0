"""Examples of the system and its workers."""

from __future__ import annotations

from typing import Any

_WORKER: dict[str, Any] = {
    "id": "3c1e1a52-93a0-4a53-8a0b-5c5e3f1f8f10",
    "host": "worker-1",
    "pid": 4711,
    "in_flight": 3,
    "started_at": "2026-05-23T08:00:00Z",
    "seen_at": "2026-05-23T12:34:55Z",
    "alive": True,
}
WORKERS = {"items": [_WORKER | {"host": None, "pid": None}]}
SYSTEM: dict[str, Any] = {
    "version": "0.1.0",
    "postgres_version": "18.1",
    "migrations": [{"name": "0001_roles", "applied_at": "2026-05-01T08:00:00Z"}],
    "identity": {
        "adopted_at": "2026-05-01T08:00:00Z",
        "epoch": 0,
        "suspended_at": None,
        "suspended_reason": None,
    },
    "workers": [_WORKER],
    "capture_gaps": {"count": 0, "oldest_at": None},
    "capture_errors": [
        {
            "id": 3,
            "source": "job",
            "captures": 1,
            "sqlstate": "53100",
            "message": "could not extend file",
            "created_at": "2026-05-23T12:34:50Z",
        }
    ],
    "chores": {"count": 1, "oldest_at": "2026-05-23T12:34:54Z"},
    "partitions": [{"name": "exchange_20260523", "bytes": 1_245_184}],
    "retention": [
        {
            "kind": "delivered",
            "concerns": "delivered; age counts from completion",
            "keep_s": 2_592_000.0,
            "oldest_at": "2026-04-23T12:40:00Z",
            "last_run_at": "2026-05-23T12:30:00Z",
            "last_finished_at": "2026-05-23T12:30:01Z",
            "removed": 30_104,
        }
    ],
    "storage": [
        {
            "name": "event",
            "rows": 129_600_000,
            "bytes": 155_520_000_000,
            "bytes_per_day": 5_184_000_000,
        }
    ],
    "settings": {"DATABASE_URL": "postgresql://rowhook:***@db/rowhook", "ROWHOOK_PORT": "8080"},
}
