"""The dashboard's pages over a full table, one after the other while a worker delivers."""

from __future__ import annotations

import time
from typing import Any

import aiohttp

_TIMES = 40
PAGES = {
    "overview": "/",
    "overview of 24 h": "/?window=24h",
    "webhooks": "/webhooks",
    "deliveries": "/deliveries",
    "deliveries, dead": "/deliveries?status=dead",
    "failures": "/failures",
}


async def measured(session: aiohttp.ClientSession, url: str, key: str) -> dict[str, Any]:
    """Milliseconds of whole pages, by page, as a browser that is signed in has them."""
    async with session.post(f"{url}/sign-in", data={"key": key}) as answer:
        answer.raise_for_status()
    return {
        "times": _TIMES,
        **{
            name: _spread([await _once(session, url + path) for _ in range(_TIMES)])
            for name, path in PAGES.items()
        },
    }


async def _once(session: aiohttp.ClientSession, url: str) -> float:
    started = time.perf_counter()
    async with session.get(url, allow_redirects=False) as answer:
        if answer.status != 200:  # noqa: PLR2004  # a page, and no way to the form
            raise RuntimeError(f"{url} answered {answer.status}")
        await answer.read()
    return (time.perf_counter() - started) * 1000


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"p50_ms": round(ordered[len(ordered) // 2], 1), "max_ms": round(ordered[-1], 1)}


def table(found: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What a person reads, a line a page; nothing of what was not measured."""
    if found is None:
        return []
    pages = {name: one for name, one in found["pages"].items() if name != "times"}
    return [
        (f"  page: {name}", f"p50 {one['p50_ms']} ms, max {one['max_ms']} ms")
        for name, one in pages.items()
    ]
