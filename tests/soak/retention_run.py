"""A retention run, batch by batch, with the blocks fetched by each batch."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import psycopg

from rowhook.db import connection_pool
from tests.soak.paired_measurements import FETCHED
from tests.soak.soak_databases import Installation
from tests.support.deadline import DEADLINE_S

_PAUSE_S = 0.1
AGES = {
    "delivered": 30,
    "failed": 30,
    "events": 30,
    "attempts": 30,
    "bodies": 3,
    "failed_bodies": 30,
}
_SET = "select rowhook.set_retention(%s, make_interval(days => %s))"
_EXPIRED = """
select count(*) from rowhook.partition_cutoffs() as cutoff,
  rowhook.expired_partitions(cutoff.attempts, cutoff.bodies, cutoff.failed_bodies)
"""


@dataclass(slots=True, kw_only=True)
class Run:
    """The result of a run."""

    removed: dict[str, int] = field(default_factory=dict)
    blocks: dict[str, int] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(self.removed.values())

    @property
    def all_blocks(self) -> int:
        return sum(self.blocks.values())


async def set_ages(installation: Installation, days: int | None = None) -> None:
    """Sets the default ages, or one age for all kinds."""
    for kind, standard in AGES.items():
        await installation.rows(_SET, kind, days or standard)


async def retain(installation: Installation, run: Run) -> Run:
    """Removes expired rows and drops expired partitions; adds the counts to `run`."""
    kinds = await installation.rows("select kind from rowhook.retention order by place")
    async with await connection_pool.connect(installation.dsn) as connection:
        for (kind,) in kinds:
            await _retain(connection, kind, run)
        await _drop(installation, connection, run)
    return run


async def _drop(installation: Installation, connection: psycopg.AsyncConnection, run: Run) -> None:
    """Drops expired partitions as soon as no long transaction uses them."""
    async with asyncio.timeout(DEADLINE_S):
        while await installation.value(_EXPIRED):
            cursor = await connection.execute("select rowhook.drop_next_partition()")
            run.dropped += [name for (name,) in await cursor.fetchall() if name is not None]


async def _retain(connection: psycopg.AsyncConnection, kind: str, run: Run) -> None:
    begins, is_finished = True, False
    while not is_finished:
        async with connection.transaction():
            before = await _number(connection)
            cursor = await connection.execute(
                "select removed, is_finished from rowhook.retain_batch(%s, begins => %s)",
                (kind, begins),
            )
            ((removed, is_finished),) = await cursor.fetchall()
            blocks = await _number(connection) - before
        run.removed[kind] = run.removed.get(kind, 0) + removed
        run.blocks[kind] = run.blocks.get(kind, 0) + blocks
        begins = False
        await asyncio.sleep(_PAUSE_S)


async def _number(connection: psycopg.AsyncConnection) -> int:
    ((value,),) = await (await connection.execute(FETCHED)).fetchall()
    return int(value)
