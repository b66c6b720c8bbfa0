"""The format of server-sent events (HTML Living Standard, section 9.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

MEDIA_TYPE = "text/event-stream"
# Proxies must neither store nor buffer a stream.
HEADERS: Mapping[str, str] = MappingProxyType(
    {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
)
# A comment. Proxies close connections that are silent for a minute.
HEARTBEAT = ":\n\n"
HEARTBEAT_S = 15.0
# Not str.splitlines, which also splits at characters that are part of a line here.
_NEWLINE = re.compile(r"\r\n|\r|\n")


def format_event(data: str, *, name: str | None = None, event_id: str | None = None) -> str:
    """Returns one event. The client reads each line break of `data` as a line feed."""
    fields = [("event", name), ("id", event_id), *(("data", line) for line in _NEWLINE.split(data))]
    return "".join(f"{field}: {value}\n" for field, value in fields if value is not None) + "\n"


def format_retry(seconds: float) -> str:
    """Returns the field that sets how long the client waits before it reconnects."""
    return f"retry: {int(seconds * 1000)}\n\n"
