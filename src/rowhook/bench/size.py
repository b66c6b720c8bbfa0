"""Bytes on the server's disk for each delivery, by table and index, while rows come and go."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Any

from rowhook import postgres
from rowhook.bench import ground
from rowhook.bench.bench import Told
from rowhook.bench.output import job_output

_AT_ONCE = 50
_WAITING = 200
_PATIENCE_S = 120.0


async def measured(
    dsn: str, pool: postgres.Pool, *, deliveries: int, rounds: int, data_bytes: int, told: Told
) -> dict[str, Any]:
    """Delivers in rounds, each followed by a vacuum, and divides what the tables have grown by.

    A worker must be running. Jobs come in statements of 50, no faster than they are delivered.
    """
    source = random.Random(7)  # noqa: S311  # texts, not keys
    before = await _sizes(pool)
    for number in range(rounds):
        told(f"size, round {number + 1}", number / rounds)
        await _deliver(pool, [job_output(source, data_bytes) for _ in range(deliveries)])
        await ground.run_script(dsn, "vacuum_size.sql")
    after = await _sizes(pool)
    count = deliveries * rounds
    growth = {part: size - before.get(part, 0) for part, size in sorted(after.items())}
    parts = [
        {"table": table, "part": part, "bytes": round(size / count)}
        for (table, part), size in growth.items()
        if size
    ]
    return {
        "deliveries": count,
        "rounds": rounds,
        "data_bytes": data_bytes,
        "bytes_per_delivery": round(sum(growth.values()) / count),
        "parts": parts,
        "outbox_updates": await _updates(pool),
        "compression": await postgres.value(pool, "select rowhook.bench_compression()"),
    }


async def _deliver(pool: postgres.Pool, outputs: list[str]) -> None:
    deadline = time.perf_counter() + _PATIENCE_S
    for some in _batched(outputs, _AT_ONCE):
        await postgres.rows(pool, "select rowhook.bench_finish_jobs(%s)", some)
        await _wait(pool, _WAITING, deadline)
    await _wait(pool, 0, deadline)


def _batched(texts: list[str], size: int) -> Iterator[list[str]]:
    """Lists of `size` texts, the last one of what is left."""
    return (texts[first : first + size] for first in range(0, len(texts), size))


async def _wait(pool: postgres.Pool, most: int, deadline: float) -> None:
    while (left := int(await postgres.value(pool, "select rowhook.bench_unfinished()"))) > most:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{left} not delivered after {_PATIENCE_S:g} s")
        await asyncio.sleep(0.01)


async def _sizes(pool: postgres.Pool) -> dict[tuple[str, str], int]:
    found = await postgres.rows(pool, "select owner, part, bytes from rowhook.bench_sizes()")
    return {(table, part): int(size) for table, part, size in found}


async def _updates(pool: postgres.Pool) -> dict[str, int]:
    query = "select updates, hot from rowhook.bench_hot_updates()"
    ((updates, hot),) = await postgres.rows(pool, query)
    return {"updates": int(updates), "hot": int(hot)}


def table(size: dict[str, Any]) -> list[tuple[str, str]]:
    """What a person reads, a line a figure."""
    updates = size["outbox_updates"]
    return [
        (
            f"bytes a delivery, {size['data_bytes']} bytes of data",
            f"{size['bytes_per_delivery']:,}",
        ),
        *((f"  {part['table']}: {part['part']}", f"{part['bytes']:,}") for part in size["parts"]),
        ("  compression of large columns", size["compression"]),
        ("  updates of the outbox, HOT", f"{updates['hot']:,} of {updates['updates']:,}"),
    ]
