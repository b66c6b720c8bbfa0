"""A month of deliveries: its effect on current work, and its removal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool
from tests.faults.postgres_server import free_port
from tests.soak.conftest import Soak
from tests.soak.live_load import LOGGED, Latencies, Load, Phase, load
from tests.soak.paired_measurements import (
    Compared,
    alternately,
    blocks_of_a_claim,
    commit,
    drain_rate,
    engine_rate,
    wait_until_finished,
)
from tests.soak.past_deliveries import DELIVERIES
from tests.soak.retention_run import Run, retain, set_ages
from tests.soak.soak_databases import WEBHOOKS
from tests.support.calls import ADMIN_KEY
from tests.support.scoreboard import Score, score
from tests.support.worker_rig import until

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.soak]
ENGINE_ROUNDS, DRAIN_ROUNDS, ROUND = 16, 10, 3_000
LEAST_RATIO = 0.9
MOST_BLOCKS_OF_A_CLAIM = 60
# An hour of 50 commits a second, in minutes; fewer on a slow machine or in a trial.
LIVE_COMMITS = 180_000
BASELINE_S, LIVE_S = (75, 300) if DELIVERIES >= 1_000_000 else (10, 40)
MOST_BLOCKS_REMOVED, MOST_BYTES = 60, 2_500
# Held deliveries and revisions are looked up by webhook, independent of the stored rows.
MOST_BLOCKS_FOR_NOTHING = 300 + 15 * WEBHOOKS
# At least one day of each kind.
PARTITIONS = 3
_SIZE = "select pg_database_size(current_database())"
# Rows that retention removes: finished deliveries and their events.
_OVERDUE = """
select (select count(*) from rowhook.outbox o
        where o.status in ('delivered', 'dead', 'cancelled', 'skipped')
          and o.finished_at < now() - interval '30 days')
  + (select count(*) from rowhook.event e
     where e.created_at < now() - interval '30 days'
       and not exists (select from rowhook.outbox o where o.event_id = e.id))
"""


async def test_a_full_database_claims_and_drains_like_an_empty_one(soak: Soak) -> None:
    begun = time.monotonic()
    await commit(soak.full, 2_000, "claimed")
    await commit(soak.empty, 2_000, "claimed")
    blocks = await alternately(
        5, partial(blocks_of_a_claim, soak.full), partial(blocks_of_a_claim, soak.empty)
    )
    async with (
        connection_pool.open_pool(soak.full.dsn, size=1, role="rowhook_worker") as full,
        connection_pool.open_pool(soak.empty.dsn, size=1, role="rowhook_worker") as empty,
    ):
        engine = await alternately(
            ENGINE_ROUNDS,
            partial(engine_rate, soak.full, full, ROUND),
            partial(engine_rate, soak.empty, empty, ROUND),
        )
    async with soak.full.worker(soak.folder), soak.empty.worker(soak.folder):
        wait_until_drained = await alternately(
            DRAIN_ROUNDS,
            partial(drain_rate, soak.full, ROUND),
            partial(drain_rate, soak.empty, ROUND),
        )
    report(
        Score(
            scenario=f"a claim with {soak.past.deliveries:,} stored deliveries",
            required=f"≤ {MOST_BLOCKS_OF_A_CLAIM} blocks for each claimed row",
            measured=f"{blocks.full:.1f} blocks, {blocks.empty:.1f} in an empty database",
            holds=blocks.full <= MOST_BLOCKS_OF_A_CLAIM,
        ),
        _rates("claim and record", ENGINE_ROUNDS, engine),
        _rates(
            "drain by a worker",
            DRAIN_ROUNDS,
            wait_until_drained,
            f"; {time.monotonic() - begun:.0f} s",
        ),
    )


def report(*lines: Score) -> None:
    """Records all scores, and fails if one of them does not hold."""
    faults = []
    for line in lines:
        try:
            score(line.scenario, required=line.required, measured=line.measured, holds=line.holds)
        except AssertionError as fault:
            faults.append(str(fault))
    assert not faults, "\n".join(faults)


def _rates(measure: str, rounds: int, rate: Compared, more: str = "") -> Score:
    return Score(
        scenario=f"{measure}, full and empty database, medians of {rounds} rounds",
        required=f"≥ {LEAST_RATIO}",
        measured=f"{rate.ratio:.2f}: {rate.full:.0f} against {rate.empty:.0f} deliveries/s{more}",
        holds=rate.ratio >= LEAST_RATIO,
    )


async def test_a_day_expires_under_load_and_is_not_recreated(soak: Soak) -> None:
    full, begun = soak.full, time.monotonic()
    arrived, size = len(soak.receiver.arrivals), await full.value(_SIZE)
    logged = make_conninfo(full.dsn, options=LOGGED)
    port = free_port()
    variables = {"ROWHOOK_ADMIN_KEY": ADMIN_KEY, "ROWHOOK_PORT": str(port)}
    async with (
        full.worker(soak.folder, dsn=logged),
        full.process(soak.folder, "api", **variables) as api_log,
    ):
        url = f"http://127.0.0.1:{port}"
        await _serving(url, api_log)
        async with load(full, soak.receiver, url) as created:
            baseline = Phase(created, soak.receiver, soak.log)
            await _until(created, BASELINE_S)
            before = baseline.latencies()
            await set_ages(full)
            beside = Phase(created, soak.receiver, soak.log)
            run = await retain(full, Run())
            retained_s, during = beside.elapsed_s, beside.latencies()
            # Heal checks events once more when their transactions are known to have ended.
            run = await retain(full, run)
            await _until(created, LIVE_S - BASELINE_S - retained_s)
        empty_run = await retain(full, Run())
        await wait_until_finished(full)
        healed = await full.value("select rowhook.heal()")
    took_s = time.monotonic() - begun
    report(
        *_retention(soak, run, empty_run, retained_s, await full.value(_OVERDUE)),
        *_latencies(before, during),
        _growth(size, await full.value(_SIZE), len(created.committed)),
        _history(
            created, [arrival.event for arrival in soak.receiver.arrivals[arrived:]], healed, took_s
        ),
    )


async def _serving(url: str, log: Path) -> None:
    async with httpx.AsyncClient() as client:

        async def answers() -> bool:
            try:
                return (await client.get(f"{url}/livez")).status_code == 200
            except httpx.TransportError:
                return False

        await until(answers, description=f"the start of the API, whose log is {log}")


async def _until(load: Load, seconds: float) -> None:
    """Waits for this number of seconds, or until the commits of an hour are made."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and len(load.committed) < LIVE_COMMITS:
        await asyncio.sleep(0.1)


def _retention(
    soak: Soak, run: Run, empty_run: Run, seconds: float, overdue: int
) -> Iterator[Score]:
    yield Score(
        scenario=f"retention of {soak.past.expiring:,} deliveries of one day",
        required="all finished ones removed with their events and partitions",
        measured=f"{run.rows:,} rows in {seconds:.0f} s, {overdue} left;"
        f" {len(run.dropped)} partitions",
        holds=overdue == 0
        and run.rows == 2 * soak.past.expiring
        and len(run.dropped) >= PARTITIONS,
    )
    per_row = run.all_blocks / max(run.rows, 1)
    yield Score(
        scenario=f"blocks that it fetches of {soak.past.rows:,} rows",
        required=f"≤ {MOST_BLOCKS_REMOVED} for each removed row",
        measured=f"{per_row:.1f}",
        holds=per_row <= MOST_BLOCKS_REMOVED,
    )
    dearest = sorted(empty_run.blocks.items(), key=lambda item: -item[1])[:3]
    yield Score(
        scenario=f"a run without expired rows, {WEBHOOKS} webhooks",
        required=f"≤ {MOST_BLOCKS_FOR_NOTHING:,} blocks, 0 rows",
        measured=f"{empty_run.all_blocks:,} blocks, {empty_run.rows} rows; "
        + ", ".join(f"{kind} {blocks:,}" for kind, blocks in dearest),
        holds=empty_run.all_blocks <= MOST_BLOCKS_FOR_NOTHING and empty_run.rows == 0,
    )


def _latencies(before: Latencies, during: Latencies) -> Iterator[Score]:
    for name, quick, slow, count in (
        ("record", before.record_p99, during.record_p99, during.records),
        ("lists", before.list_p99, during.list_p99, during.lists),
    ):
        yield Score(
            scenario=f"p99 of {name} during retention",
            required="reported",
            measured=f"{slow:.1f} ms of {count:,}, {quick:.1f} ms without it:"
            f" {slow / max(quick, 0.001):.2f} times",
            holds=count > 0,
        )
    yield Score(
        scenario="live deliveries during retention",
        required="reported",
        measured=f"{during.deliveries_per_s:.0f}/s, {before.deliveries_per_s:.0f}/s without it",
        holds=during.deliveries_per_s > 0,
    )


def _growth(before: int, after: int, committed: int) -> Score:
    each = (after - before) / committed
    return Score(
        scenario=f"growth by {committed:,} live deliveries with retention",
        required=f"≤ {MOST_BYTES:,} bytes for each, autovacuum on",
        measured=f"{each:.0f} bytes: {(after - before) / 2**20:+.0f} MB,"
        f" {after / before:.3f} times the size before",
        holds=each <= MOST_BYTES,
    )


def _history(load: Load, sent: list[str], healed: int, seconds: float) -> Score:
    missing, alien = set(load.committed) - set(sent), set(sent) - set(load.committed)
    twice, healed = len(sent) - len(set(sent)), healed + sum(load.healed)
    return Score(
        scenario=f"{len(load.committed):,} live commits, {len(load.healed)} heals",
        required="each sent once, no old ones sent, nothing healed",
        measured=f"{len(missing)} lost, {len(alien)} old ones, {twice} twice, {healed} healed;"
        f" {seconds:.0f} s",
        holds=not missing and not alien and not twice and not healed,
    )
