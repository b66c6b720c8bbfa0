"""Measures bytes on disk per delivery, by table and index."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Any

from bench import test_rows as ground
from bench.run_context import RunContext
from bench.sample_output import job_output
from bench.throughput import process
from rowhook.db import statements
from rowhook.db.connection_pool import Pool

_BATCH = 50
# A page that a vacuum emptied is used again after the next vacuum.
_UNCOUNTED_ROUNDS = 2
_MAX_WAITING = 200
_TIMEOUT_S = 120.0


async def measure(run: RunContext) -> dict[str, Any]:
    """Delivers in rounds with a vacuum after each, and divides the growth of the tables.

    The growth of the first rounds is not counted: it contains pages of index entries for waiting
    deliveries, which later rounds use again. Jobs finish in batches of 50, no faster than they are
    delivered.
    """
    source = random.Random(7)  # noqa: S311  # texts, not keys
    deliveries, rounds = run.sizes["deliveries"], run.sizes["rounds"]
    data_bytes, pool = run.sizes["data_bytes"], run.pool
    sizes: list[dict[tuple[str, str], int]] = []
    async with process("rowhook", "worker", environment=run.environment()):
        for number in range(_UNCOUNTED_ROUNDS + rounds):
            run.report(f"size, round {number + 1}", number / (_UNCOUNTED_ROUNDS + rounds))
            await _deliver(pool, [job_output(source, data_bytes) for _ in range(deliveries)])
            await ground.run_script(run.database.direct, "vacuum_size.sql")
            sizes.append(await _sizes(pool))
    before, after = sizes[_UNCOUNTED_ROUNDS - 1], sizes[-1]
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
        "compression": await statements.value(pool, "select rowhook.bench_compression()"),
    }


async def _deliver(pool: Pool, outputs: list[str]) -> None:
    deadline = time.perf_counter() + _TIMEOUT_S
    for batch in _batched(outputs, _BATCH):
        await statements.rows(pool, "select rowhook.bench_finish_jobs(%s)", batch)
        await _wait(pool, _MAX_WAITING, deadline)
    await _wait(pool, 0, deadline)


def _batched(texts: list[str], size: int) -> Iterator[list[str]]:
    """Splits the texts into lists of up to `size`."""
    return (texts[first : first + size] for first in range(0, len(texts), size))


async def _wait(pool: Pool, most: int, deadline: float) -> None:
    while (
        undelivered := int(await statements.value(pool, "select rowhook.bench_unfinished()"))
    ) > most:
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{undelivered} not delivered after {_TIMEOUT_S:g} s")
        await asyncio.sleep(0.01)


async def _sizes(pool: Pool) -> dict[tuple[str, str], int]:
    rows = await statements.rows(pool, "select owner, part, bytes from rowhook.bench_sizes()")
    return {(table, part): int(size) for table, part, size in rows}


async def _updates(pool: Pool) -> dict[str, int]:
    query = "select updates, hot from rowhook.bench_hot_updates()"
    ((updates, hot),) = await statements.rows(pool, query)
    return {"updates": int(updates), "hot": int(hot)}


def table(size: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns the label and text of each figure."""
    updates = size["outbox_updates"]
    return [
        (
            f"bytes per delivery, {size['data_bytes']} bytes of data",
            f"{size['bytes_per_delivery']:,}",
        ),
        *((f"  {part['table']}: {part['part']}", f"{part['bytes']:,}") for part in size["parts"]),
        ("  compression of large columns", size["compression"]),
        ("  updates of the outbox, HOT", f"{updates['hot']:,} of {updates['updates']:,}"),
    ]
