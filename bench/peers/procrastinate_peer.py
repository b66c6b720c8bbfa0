"""A worker of procrastinate that posts each job: psycopg with a pool, uvloop, LISTEN."""

from __future__ import annotations

import uvloop
from procrastinate import App, PsycopgConnector

from bench.peers.outcome_rows import Outcomes
from bench.peers.signed_request import CONCURRENCY, sender

_INSERT = """
insert into bench_outcome (key, status) select * from unnest(%(keys)s::text[], %(statuses)s::int[])
"""


async def _main() -> None:
    app = App(connector=PsycopgConnector(min_size=4, max_size=CONCURRENCY // 4))
    async with app.open_async(), sender() as http:
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        outcomes = Outcomes(
            lambda keys, statuses: app.connector.execute_query_async(
                _INSERT, keys=keys, statuses=statuses
            )
        )

        async def deliver(key: str, path: int, body: str) -> None:
            status = await http.send({"key": key, "path": path, "body": body})
            await outcomes.record(key, status)

        app.task(name="deliver", queue="deliver")(deliver)
        print("ready", flush=True)  # noqa: T201  # the parent reads it
        await app.run_worker_async(
            queues=["deliver"], concurrency=CONCURRENCY, install_signal_handlers=True
        )


if __name__ == "__main__":
    uvloop.run(_main())
