"""Examples of session tokens and the callback stream."""

from __future__ import annotations

from typing import Any

LIFE: dict[str, Any] = {"ttl_s": 900}
TOKEN: dict[str, Any] = {
    "token": "rhs_azE.WyI0MGI…",
    "expires_at": "2026-05-23T12:49:56Z",
}
STREAM = 'retry: 1000\n\nid: 4711\ndata: {"stage": "qualified"}\n\n'
