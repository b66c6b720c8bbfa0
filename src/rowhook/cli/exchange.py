"""Prints one request and what answered it, as `curl -v` does: `>` is sent, `<` came back."""

from __future__ import annotations

from typing import Any

import msgspec

from rowhook.cli.table import show, span


def show_request(request: Any) -> None:
    """A request with its secrets redacted; None says nothing."""
    if request is None:
        return
    sent: dict[str, Any] = msgspec.to_builtins(request)
    _show(">", f"{sent['method']} {sent['url']}", sent.get("headers"), sent.get("body"))


def show_response(status: int | None, headers: Any, body: str | None) -> None:
    """An answer and the first of its body; without a status there was none."""
    if status is not None:
        _show("<", str(status), msgspec.to_builtins(headers), body)


def show_timings(timings: Any) -> None:
    """The phases that were reached, in milliseconds."""
    phases: dict[str, float | None] = msgspec.to_builtins(timings) or {}
    reached = [
        f"{name.replace('_', ' ')} {span(took / 1000)}"
        for name, took in phases.items()
        if took is not None
    ]
    if reached:
        show(f"  {', '.join(reached)}")


def _show(mark: str, first: str, headers: Any, body: str | None) -> None:
    show(f"{mark} {first}")
    for name, value in headers or ():
        show(f"{mark} {name}: {value}")
    if body:
        show(mark)
        for line in body.splitlines():
            show(f"{mark} {line}")
