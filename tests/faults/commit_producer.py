"""A load of commits at a constant rate, of which some are rolled back."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

_INSERT = """
insert into rowhook.commit (id, goal_id, data)
select id, %s, json_build_object('n', id) from unnest(%s::text[]) as id
"""


class Producer:
    """Inserts commits of one goal, `batch` per transaction, and rolls back every tenth transaction.

    The result of a commit is unknown if its connection is lost, so `committed` reads the database.
    """

    def __init__(self, dsn: str, goal: str, *, seed: int = 1) -> None:
        self.dsn = dsn
        self.goal = goal
        self.rolled_back: set[str] = set()
        self.acknowledged: list[str] = []
        self.made_at: dict[str, float] = {}
        self._numbers = itertools.count()
        self._random = random.Random(seed)  # noqa: S311  # a load, no secret

    async def committed(self) -> tuple[str, ...]:
        """Returns all commits of the goal in the order of their creation."""
        async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
            cursor = await connection.execute(
                "select id from rowhook.commit where goal_id = %s"
                " order by split_part(id, '-', 2)::int",
                (self.goal,),
            )
            return tuple([row[0] async for row in cursor])

    async def make(self, connection: psycopg.AsyncConnection, batch: int = 1) -> None:
        """Runs one transaction."""
        ids = [f"{self.goal}-{next(self._numbers)}" for _ in range(batch)]
        keep = self._random.random() > 0.1  # one in ten
        if not keep:
            self.rolled_back.update(ids)
        async with connection.transaction(force_rollback=not keep):
            await connection.execute(_INSERT, (self.goal, ids))
        if keep:
            self.acknowledged += ids
            self.made_at |= dict.fromkeys(ids, time.monotonic())

    async def run(self, *, rate_per_s: float, batch: int = 1, until: int | None = None) -> None:
        """Commits at this rate until cancelled, or until `until` commits are acknowledged."""
        due = time.monotonic()
        while until is None or len(self.acknowledged) < until:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self.dsn, autocommit=True, connect_timeout=2
                ) as connection:
                    while until is None or len(self.acknowledged) < until:
                        await self.make(connection, batch)
                        due = max(due, time.monotonic() - 1) + batch / rate_per_s
                        await asyncio.sleep(max(due - time.monotonic(), 0))
            except psycopg.OperationalError:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running_producer(
    producer: Producer, *, rate_per_s: float, batch: int = 1
) -> AsyncIterator[None]:
    """Runs the producer during the block."""
    task = asyncio.create_task(producer.run(rate_per_s=rate_per_s, batch=batch))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is not None:
            task.result()
