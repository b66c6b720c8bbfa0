"""Measures the pages of the dashboard on a large table while a worker delivers."""

from __future__ import annotations

import time
from typing import Any

import aiohttp

_REPEATS = 40
PAGES = {
    "overview": "/",
    "overview of 24 h": "/?window=24h",
    "webhooks": "/webhooks",
    "deliveries": "/deliveries",
    "deliveries, dead": "/deliveries?status=dead",
    "failures": "/failures",
}


async def measure(session: aiohttp.ClientSession, url: str, key: str) -> dict[str, Any]:
    """Measures the milliseconds of each page in a signed-in session."""
    async with session.post(f"{url}/sign-in", data={"key": key}) as response:
        response.raise_for_status()
    return {
        "times": _REPEATS,
        **{
            name: _spread([await _measure_page(session, url + path) for _ in range(_REPEATS)])
            for name, path in PAGES.items()
        },
    }


async def _measure_page(session: aiohttp.ClientSession, url: str) -> float:
    started = time.perf_counter()
    async with session.get(url, allow_redirects=False) as response:
        if response.status != 200:  # noqa: PLR2004  # not a redirect to the sign-in form
            raise RuntimeError(f"{url} returned {response.status}")
        await response.read()
    return (time.perf_counter() - started) * 1000


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"p50_ms": round(ordered[len(ordered) // 2], 1), "max_ms": round(ordered[-1], 1)}


def table(figures: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Returns the label and text of each page; empty if it was not measured."""
    if figures is None:
        return []
    pages = {name: values for name, values in figures["pages"].items() if name != "times"}
    return [
        (f"  page: {name}", f"p50 {values['p50_ms']} ms, max {values['max_ms']} ms")
        for name, values in pages.items()
    ]
