"""`GET /v1/deliveries` over a full table: one API process asked while a worker delivers."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from rowhook import operations, postgres
from rowhook.bench import pages
from rowhook.bench.bench import Told, latency, process
from rowhook.bench.ground import ORGANIZATION, run_script
from rowhook.operations import KeyringContext

_RATE_PER_S = 50.0
_COMMITS_PER_S = 100.0
_PAGE = 100
_BATCH = 50_000
_SPAN = timedelta(days=20)
_PATIENCE_S = 60.0
Query = list[tuple[str, str]]


def _free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def fill(dsn: str, pool: postgres.Pool, count: int, told: Told) -> float:
    """Makes `count` finished deliveries in place of the others; the seconds it took."""
    started = time.perf_counter()
    await run_script(dsn, "clear.sql")
    for first in range(1, count + 1, _BATCH):
        told(f"filling {count:,} rows", first / count)
        last = min(first + _BATCH - 1, count)
        query = "select rowhook.bench_finished(%s, %s, %s)"
        await postgres.rows(pool, query, first, last, count)
    await run_script(dsn, "vacuum.sql")
    return time.perf_counter() - started


class Asker:
    """Who asks one API process for `seconds`."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str, seconds: float) -> None:
        self.session = session
        self.url = url
        self.key = key
        self.seconds = seconds

    async def ready(self) -> None:
        """Waits until the API answers."""
        deadline = time.perf_counter() + _PATIENCE_S
        while True:
            try:
                async with self.session.get(f"{self.url}/livez") as answer:
                    answer.raise_for_status()
                    return
            except aiohttp.ClientConnectionError:
                if time.perf_counter() > deadline:
                    raise
                await asyncio.sleep(0.05)

    async def page(self, query: Query) -> dict[str, Any]:
        """One page. Raises for anything but a full one."""
        query = [("limit", str(_PAGE)), *query]
        async with self.session.get(f"{self.url}/v1/deliveries", params=query) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
        if len(found["items"]) != _PAGE:
            raise RuntimeError(f"a page of {len(found['items'])}, not of {_PAGE}: {query}")
        return found

    async def kinds(self, webhook: str) -> dict[str, Query]:
        """What is asked for. The deep cursor is half of all deliveries down."""
        half = (datetime.now(UTC) - _SPAN / 2).isoformat()
        deep = (await self.page([("until", half)]))["next_cursor"]
        return {
            "no filter": [],
            "status": [("status", "dead"), ("status", "cancelled")],
            "webhook": [("webhook_id", webhook)],
            "deep cursor": [("cursor", deep)],
        }

    async def warm(self, kinds: dict[str, Query]) -> None:
        """As often as it takes until every connection has its plans."""
        for _ in range(10):
            await asyncio.gather(*(self.page(query) for query in kinds.values() for _ in range(3)))

    async def ask(self, kinds: dict[str, Query]) -> dict[str, list[float]]:
        """Milliseconds from when each was to be asked, by kind; Poisson arrivals, open loop."""
        took: dict[str, list[float]] = {kind: [] for kind in kinds}
        names = list(kinds)
        seed = random.Random(11)  # noqa: S311  # arrival times, not keys
        asked: list[asyncio.Task[None]] = []

        async def one(kind: str, due: float) -> None:
            await self.page(kinds[kind])
            took[kind].append((time.perf_counter() - due) * 1000)

        started = due = time.perf_counter()
        while due - started < self.seconds:
            due += seed.expovariate(_RATE_PER_S)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asked.append(asyncio.create_task(one(names[len(asked) % len(names)], due)))
        await asyncio.gather(*asked)
        return took


@asynccontextmanager
async def asking(
    ctx: KeyringContext, environment: dict[str, str], seconds: float
) -> AsyncIterator[Asker]:
    """One `rowhook api`, and who asks it with a key of the organization."""
    key = (await operations.create_key(ctx, ORGANIZATION, "bench", ["read"])).key
    port = _free_port()
    own = environment | {"ROWHOOK_HOST": "127.0.0.1", "ROWHOOK_PORT": str(port)}
    headers = {"Authorization": f"Bearer {key}"}
    # Cookies of an address are taken: the dashboard's session is one.
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        process("rowhook", "api", environment=own),
        aiohttp.ClientSession(headers=headers, cookie_jar=jar) as session,
    ):
        asker = Asker(session, f"http://127.0.0.1:{port}", key, seconds)
        await asker.ready()
        yield asker


async def measured(asker: Asker, pool: postgres.Pool, receiver: int, told: Told) -> dict[str, Any]:
    """Milliseconds of pages while the worker delivers a steady load, over all and by kind."""
    webhook = await postgres.value(pool, "select rowhook.bench_webhook()")
    kinds = await asker.kinds(str(webhook))
    await asker.warm(kinds)
    # The load begins before the first page, and ends after the last.
    load = asyncio.create_task(latency(pool, receiver, 2 * asker.seconds + 2, _COMMITS_PER_S, told))
    await asyncio.sleep(1)
    took = await asker.ask(kinds)
    whole = await pages.measured(asker.session, asker.url, asker.key)
    return {
        "rate_per_s": _RATE_PER_S,
        "page": _PAGE,
        **_spread([one for values in took.values() for one in values]),
        "kinds": {kind: _spread(values) for kind, values in took.items()},
        "pages": whole,
        "load": {"rate_per_s": _COMMITS_PER_S, **await load},
    }


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "requests": len(ordered),
        "p50_ms": round(ordered[len(ordered) // 2], 2),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)], 2),
        "max_ms": round(ordered[-1], 2),
    }


def table(found: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What a person reads, a line a kind; nothing of what was not measured."""
    if found is None:
        return []
    title = f"listing {_PAGE} of {found['rows']:,}, {found['rate_per_s']:g}/s"
    lines = [(title, found)] + [(f"  {kind}", one) for kind, one in found["kinds"].items()]
    lines.append(("  commit to receiver meanwhile", found["load"]))
    return [
        (name, f"p50 {one['p50_ms']} ms, p99 {one['p99_ms']} ms, max {one['max_ms']} ms")
        for name, one in lines
    ]
