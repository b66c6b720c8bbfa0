"""A worker of plain pgqueuer that posts each job.

asyncpg with a pool and uvloop, large batches, and job logs in batches, as it advises.
"""

from __future__ import annotations

import json
from datetime import timedelta

import asyncpg
import uvloop
from pgqueuer import Job, PgQueuer
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.queries import Queries

from bench.peers.outcome_rows import Outcomes
from bench.peers.signed_request import CONCURRENCY, sender

_INSERT = """
insert into bench_outcome (key, status) select * from unnest($1::text[], $2::int[])
"""
_BATCH = CONCURRENCY


async def _main() -> None:
    async with asyncpg.create_pool(min_size=4, max_size=8) as pool, sender() as http:
        queries = Queries.from_asyncpg_pool(pool)
        if not await queries.schema_is_installed():
            await queries.install()
        outcomes = Outcomes(lambda keys, statuses: pool.execute(_INSERT, keys, statuses))
        queue = PgQueuer(AsyncpgPoolDriver(pool))

        @queue.entrypoint("deliver")
        async def deliver(job: Job) -> None:
            payload = json.loads(job.payload or b"")
            await outcomes.record(payload["key"], await http.send(payload))

        print("ready", flush=True)  # noqa: T201  # the parent reads it
        await queue.run(
            dequeue_timeout=timedelta(seconds=5),
            batch_size=_BATCH,
            max_concurrent_tasks=2 * _BATCH,
        )


if __name__ == "__main__":
    uvloop.run(_main())
