"""Measures `GET /v1/deliveries` on a large table while a worker delivers."""

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

from bench import page_times as pages
from bench.test_rows import ORGANIZATION, run_script
from bench.throughput import Report, latency, process
from rowhook.db import statements
from rowhook.db.connection_pool import Pool
from rowhook.services import access
from rowhook.services.context import KeyringContext

_RATE_PER_S = 50.0
_COMMITS_PER_S = 100.0
_PAGE = 100
_BATCH = 50_000
_AGE = timedelta(days=20)
_TIMEOUT_S = 60.0
Query = list[tuple[str, str]]


def _free_port() -> int:
    """Returns a free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def fill(dsn: str, pool: Pool, count: int, report: Report) -> float:
    """Replaces the deliveries with `count` finished ones; returns the elapsed seconds."""
    started = time.perf_counter()
    await run_script(dsn, "clear.sql")
    for first in range(1, count + 1, _BATCH):
        report(f"filling {count:,} rows", first / count)
        last = min(first + _BATCH - 1, count)
        query = "select rowhook.bench_finished(%s, %s, %s)"
        await statements.rows(pool, query, first, last, count)
    await run_script(dsn, "vacuum.sql")
    return time.perf_counter() - started


class Client:
    """A client that sends requests to one API process for `seconds`."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str, seconds: float) -> None:
        self.session = session
        self.url = url
        self.key = key
        self.seconds = seconds

    async def wait_until_ready(self) -> None:
        """Waits until the API responds."""
        deadline = time.perf_counter() + _TIMEOUT_S
        while True:
            try:
                async with self.session.get(f"{self.url}/livez") as response:
                    response.raise_for_status()
                    return
            except aiohttp.ClientConnectionError:
                if time.perf_counter() > deadline:
                    raise
                await asyncio.sleep(0.05)

    async def page(self, query: Query) -> dict[str, Any]:
        """Requests a page. Raises RuntimeError unless it is full."""
        query = [("limit", str(_PAGE)), *query]
        async with self.session.get(f"{self.url}/v1/deliveries", params=query) as response:
            response.raise_for_status()
            page: dict[str, Any] = await response.json()
        if len(page["items"]) != _PAGE:
            raise RuntimeError(f"{len(page['items'])} items on a page of {_PAGE}: {query}")
        return page

    async def queries(self, webhook: str) -> dict[str, Query]:
        """Returns the queries to measure. The deep cursor is in the middle of all deliveries."""
        half = (datetime.now(UTC) - _AGE / 2).isoformat()
        deep = (await self.page([("until", half)]))["next_cursor"]
        return {
            "no filter": [],
            "status": [("status", "dead"), ("status", "cancelled")],
            "webhook": [("webhook_id", webhook)],
            "deep cursor": [("cursor", deep)],
        }

    async def warm_up(self, queries: dict[str, Query]) -> None:
        """Repeats the queries until every connection has cached its plans."""
        for _ in range(10):
            requests = (self.page(query) for query in queries.values() for _ in range(3))
            await asyncio.gather(*requests)

    async def run(self, queries: dict[str, Query]) -> dict[str, list[float]]:
        """Returns milliseconds from the scheduled time by query; Poisson arrivals, open loop."""
        durations: dict[str, list[float]] = {name: [] for name in queries}
        names = list(queries)
        generator = random.Random(11)  # noqa: S311  # arrival times, not keys
        requests: list[asyncio.Task[None]] = []

        async def request(name: str, due: float) -> None:
            await self.page(queries[name])
            durations[name].append((time.perf_counter() - due) * 1000)

        started = due = time.perf_counter()
        while due - started < self.seconds:
            due += generator.expovariate(_RATE_PER_S)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            requests.append(asyncio.create_task(request(names[len(requests) % len(names)], due)))
        await asyncio.gather(*requests)
        return durations


@asynccontextmanager
async def requesting(
    ctx: KeyringContext, environment: dict[str, str], seconds: float
) -> AsyncIterator[Client]:
    """Starts `rowhook api`; yields a client with a key of the organization."""
    key = (await access.create_key(ctx, ORGANIZATION, "bench", ["read"])).key
    port = _free_port()
    own = environment | {"ROWHOOK_HOST": "127.0.0.1", "ROWHOOK_PORT": str(port)}
    headers = {"Authorization": f"Bearer {key}"}
    # Accept cookies from an IP address, for the session of the dashboard.
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        process("rowhook", "api", environment=own),
        aiohttp.ClientSession(headers=headers, cookie_jar=jar) as session,
    ):
        client = Client(session, f"http://127.0.0.1:{port}", key, seconds)
        await client.wait_until_ready()
        yield client


async def measure(client: Client, pool: Pool, receiver: int, report: Report) -> dict[str, Any]:
    """Measures the milliseconds of pages under a steady load of deliveries, in all and by query."""
    webhook = await statements.value(pool, "select rowhook.bench_webhook()")
    queries = await client.queries(str(webhook))
    await client.warm_up(queries)
    # The load starts before the first page and ends after the last one.
    load = asyncio.create_task(
        latency(pool, receiver, 2 * client.seconds + 2, _COMMITS_PER_S, report)
    )
    await asyncio.sleep(1)
    durations = await client.run(queries)
    page_durations = await pages.measure(client.session, client.url, client.key)
    return {
        "rate_per_s": _RATE_PER_S,
        "page": _PAGE,
        **_spread([value for values in durations.values() for value in values]),
        "kinds": {kind: _spread(values) for kind, values in durations.items()},
        "pages": page_durations,
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


def table(figures: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Returns the label and text of each query; empty if it was not measured."""
    if figures is None:
        return []
    title = f"listing {_PAGE} of {figures['rows']:,}, {figures['rate_per_s']:g}/s"
    lines = [(title, figures)]
    lines += [(f"  {kind}", values) for kind, values in figures["kinds"].items()]
    lines.append(("  commit to receiver meanwhile", figures["load"]))
    return [
        (name, f"p50 {values['p50_ms']} ms, p99 {values['p99_ms']} ms, max {values['max_ms']} ms")
        for name, values in lines
    ]
