"""The throughput baseline: an aiohttp loop that posts bodies of the same size, nothing else.

`python -m bench.baseline URL COUNT BYTES` prints the elapsed seconds and the CPU seconds.
"""

from __future__ import annotations

import asyncio
import sys
import time

import aiohttp
import uvloop

_CONCURRENCY = 64


async def _post(
    session: aiohttp.ClientSession, url: str, body: bytes, remaining: list[int]
) -> None:
    while remaining[0] > 0:
        remaining[0] -= 1
        async with session.post(url, data=body) as response:
            await response.read()


async def _run(url: str, count: int, size: int) -> tuple[float, float]:
    remaining = [count]
    connector = aiohttp.TCPConnector(limit=_CONCURRENCY)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(
        connector=connector, headers=headers, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        started, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(
            *(_post(session, url, b"x" * size, remaining) for _ in range(_CONCURRENCY))
        )
        return time.perf_counter() - started, time.process_time() - cpu


if __name__ == "__main__":
    print(*uvloop.run(_run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201  # the parent reads it
