"""A login with no more than its memberships, as DATABASE_URL should be: all other tests are the
owner, who needs no grant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool, engine, retention_queries
from tests.support.calls import running_api
from tests.support.commands import run
from tests.support.pooler import pooled
from tests.support.receiver import Receiver
from tests.support.rig import Rig
from tests.support.rules import RULES, statuses
from tests.support.servers import every_server
from tests.support.tenants import tenant
from tests.support.world import Platform

pytestmark = [pytest.mark.anyio, every_server]
DOES = {call: rule.status for call, rule in RULES.items()}


@pytest.fixture
async def member(dsn: str, db: psycopg.AsyncConnection) -> AsyncIterator[str]:
    """The DSN of a login that is a member of rowhook_worker and rowhook_api, and nothing else."""
    # Roles are the cluster's: the name is this test's own.
    name = f"member_{uuid4().hex[:12]}"
    await db.execute(f"create role {name} login in role rowhook_worker, rowhook_api".encode())
    yield make_conninfo(dsn, user=name)
    await db.execute(f"drop role {name}".encode())


@pytest.mark.long
async def test_it_does_every_call_of_the_api(member: str, db: psycopg.AsyncConnection) -> None:
    async with running_api(member) as api:
        ours = await tenant(api, db)
        assert await statuses(api, ours, await api.key_of(ours.organization)) == DOES
        assert (await api.call("GET", "/organizations")).status_code == 200
        for path in ("/livez", "/readyz", "/metrics"):
            assert (await api.client.get(path)).status_code == 200


@pytest.mark.long
async def test_it_does_so_through_a_transaction_pooler(
    member: str, db: psycopg.AsyncConnection, folder: Path
) -> None:
    async with (
        pooled(member, folder) as through,
        running_api(through, direct_dsn=member) as api,
    ):
        ours = await tenant(api, db)
        assert await statuses(api, ours, await api.key_of(ours.organization)) == DOES


async def test_it_delivers(member: str, platform: Platform) -> None:
    async with (
        Receiver() as receiver,
        connection_pool.open_pool(member) as pool,
    ):
        rig = Rig(member, pool, platform, receiver)
        await rig.webhook(retry_schedule_s=[0, 0.01])
        async with rig.worker():
            await platform.commit()
            await rig.reaches("delivered")


@pytest.mark.parametrize("pooler", [False, True])
async def test_it_opens_every_door_of_the_worker(
    member: str, platform: Platform, *, pooler: bool
) -> None:
    worker = uuid4()
    lease = timedelta(seconds=20)
    await platform.webhook_of_goal()
    async with connection_pool.open_pool(member, role="rowhook_worker", pooler=pooler) as pool:
        await engine.heartbeat(pool, worker, "a host", 1, 0)
        sleep = await engine.fall_asleep(pool)
        await platform.commit()
        await engine.wake_up(pool, sleep.register)
        (claim,) = await platform.claim(pool, worker, sweep=True)
        held = {claim.token: claim.outbox_id}
        assert await engine.renew(pool, worker, held, lease) == {claim.token}
        await engine.release(pool, held)
        (claim,) = await platform.claim(pool, worker)
        assert (await engine.event_body(pool, claim.event.id))[0] == '{"n": 1}'
        assert await platform.record(pool, claim, "http_status", status_code=410)
        await engine.sweep(pool)
        await engine.heal(pool)
        await retention_queries.apply_retention_settings(pool, 30, "all")
        await retention_queries.stored_bodies(pool)
        for kind in await retention_queries.retention_kinds(pool):
            await retention_queries.retain_batch(pool, kind, 100, begins=True)
        await retention_queries.remove_leftovers(pool)
        await engine.deregister(pool, worker)


@pytest.mark.long
@pytest.mark.usefixtures("platform")
async def test_it_runs_the_commands(member: str, folder: Path) -> None:
    commands = ("status", "doctor", "webhooks", "keys", "deliveries", "secrets", "migrate --plan")
    all_ended = await asyncio.gather(
        *(run(folder, *command.split(), DATABASE_URL=member) for command in commands)
    )
    for command, ended in zip(commands, all_ended, strict=True):
        # Without a worker the doctor is not content.
        assert ended.code == (command == "doctor"), ended.err
        assert "permission denied" not in ended.err + ended.out
