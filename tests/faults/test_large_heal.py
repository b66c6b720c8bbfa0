"""Healing with five million finished jobs."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest

from tests.faults.fault_scenario import Scenario
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
JOBS, HEALS = 5_000_000, 40
# A heal reads 5,000 jobs by the indexes of both tables.
MOST_BLOCKS = 50_000
# Blocks of tables and indexes in the current transaction.
FETCHED = """
select sum(pg_stat_get_xact_blocks_fetched(c.oid))::int
from pg_class c left join pg_index i on i.indexrelid = c.oid
where coalesce(i.indrelid, c.oid) in ('rowhook.job'::regclass, 'rowhook.event'::regclass)
"""
PLATFORM = """
alter table rowhook.job disable trigger user;
set session_replication_role = replica;
insert into rowhook.agent (organization_id, name) select id, 'Ann' from rowhook.organization;
insert into rowhook.agent_version (agent_id, name) select id, 'v1' from rowhook.agent;
insert into rowhook.job (agent_version_id, status, output, completed_at)
select v.id, 'succeeded', '{}',
       case when n %% 4 = 0 then clock_timestamp() else now() - interval '6 days' * random() end
from rowhook.agent_version v, generate_series(1, %d) as n;
insert into rowhook.event (organization_id, type, key, source, job_id, occurred_at)
select o.id, 'job.succeeded', j.id, 'job', j.id, j.completed_at
from rowhook.job j, rowhook.organization o;
update rowhook.source set installed_at = now() - interval '9 days';
"""


async def heal(scenario: Scenario) -> tuple[int, int]:
    """Returns the number of events that a heal created, and of blocks that it fetched."""
    async with await psycopg.AsyncConnection.connect(scenario.dsn) as connection:

        async def number(query: LiteralString) -> int:
            cursor = await connection.execute(query)
            ((value,),) = await cursor.fetchall()
            return int(value)

        before = await number(FETCHED)
        healed = await number("select rowhook.heal()")
        return healed, await number(FETCHED) - before


async def test_one_heal_over_five_million_jobs_reads_little(scenario: Scenario) -> None:
    await scenario.run("alter system set autovacuum = off")
    await scenario.run("select pg_reload_conf()")
    await scenario.run(PLATFORM % JOBS)
    await scenario.run("analyze rowhook.job, rowhook.event")
    heals = [await heal(scenario) for _ in range(HEALS)]
    assert {healed for healed, _ in heals} == {0}
    most = max(blocks for _, blocks in heals)
    await scenario.run(
        "insert into rowhook.job (agent_version_id, status, completed_at)"
        " select id, 'failed', now() from rowhook.agent_version"
    )
    missed, _ = await heal(scenario)
    (remaining_jobs,) = await scenario.rows("select count(*) from rowhook.job")
    score(
        f"{HEALS} heals over {remaining_jobs['count']:,} jobs of 6 days, a quarter of this minute",
        required=f"each fetches ≤ {MOST_BLOCKS:,} blocks, the next gap healed by the next",
        measured=f"{most:,} blocks at most",
        holds=remaining_jobs["count"] == JOBS + 1 and missed == 1 and most <= MOST_BLOCKS,
    )
