"""Examples of API keys."""

from __future__ import annotations

from typing import Any

from rowhook.api.examples.webhooks import ORGANIZATION

KEY_DRAFT: dict[str, Any] = {
    "name": "ci",
    "scopes": ["read", "write"],
    "expires_at": "2027-05-23T00:00:00Z",
    "organization_id": ORGANIZATION,
}
_KEY: dict[str, Any] = KEY_DRAFT | {
    "id": "6d7c3a52-4a0e-4d55-8d3f-2f1b6a1b9c70",
    "last_used_at": None,
    "created_at": "2026-05-23T12:20:00.000Z",
}
NEW_KEY = _KEY | {"key": "rhk_EXAMPLE-of-43-url-safe-characters-0123456789"}
KEYS = {"items": [_KEY], "next_cursor": None}
