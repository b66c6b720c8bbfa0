"""Starts the receiver of the benchmark, prints its port and waits to be killed."""

from __future__ import annotations

import asyncio

from bench import throughput


async def _run() -> None:
    async with throughput.receiver() as port:
        print(port, flush=True)  # noqa: T201  # the parent reads it
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run())
