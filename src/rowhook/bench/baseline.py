"""The floor: a bare aiohttp loop posting the same bodies, without rows, signatures or guards.

`python -m rowhook.bench.baseline URL COUNT BYTES` prints the seconds it took.
"""

from __future__ import annotations

import asyncio
import sys
import time

import aiohttp
import uvloop

_AT_ONCE = 64


async def _post(session: aiohttp.ClientSession, url: str, body: bytes, left: list[int]) -> None:
    while left[0] > 0:
        left[0] -= 1
        async with session.post(url, data=body) as answer:
            await answer.read()


async def _run(url: str, count: int, size: int) -> float:
    left = [count]
    connector = aiohttp.TCPConnector(limit=_AT_ONCE)
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(
        connector=connector, headers=headers, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        started = time.perf_counter()
        await asyncio.gather(*(_post(session, url, b"x" * size, left) for _ in range(_AT_ONCE)))
        return time.perf_counter() - started


if __name__ == "__main__":
    print(uvloop.run(_run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201  # the parent reads it
