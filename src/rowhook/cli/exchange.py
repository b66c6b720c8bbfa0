"""Prints a request and its response in the format of `curl -v`: `>` sent, `<` received."""

from __future__ import annotations

from typing import Any

import msgspec

from rowhook.cli.table import format_duration, show


def show_request(request: Any) -> None:
    """Prints a request with its secrets redacted; nothing if it is None."""
    if request is None:
        return
    fields: dict[str, Any] = msgspec.to_builtins(request)
    start = f"{fields['method']} {fields['url']}"
    _show(">", start, fields.get("headers"), fields.get("body"))


def show_response(status: int | None, headers: Any, body: str | None) -> None:
    """Prints a response; nothing without a status."""
    if status is not None:
        _show("<", str(status), msgspec.to_builtins(headers), body)


def show_timings(timings: Any) -> None:
    """Prints the duration of each phase that was reached."""
    phases: dict[str, float | None] = msgspec.to_builtins(timings) or {}
    durations = [
        f"{name.replace('_', ' ')} {format_duration(duration / 1000)}"
        for name, duration in phases.items()
        if duration is not None
    ]
    if durations:
        show(f"  {', '.join(durations)}")


def _show(prefix: str, start: str, headers: Any, body: str | None) -> None:
    show(f"{prefix} {start}")
    for name, value in headers or ():
        show(f"{prefix} {name}: {value}")
    if body:
        show(prefix)
        for line in body.splitlines():
            show(f"{prefix} {line}")
