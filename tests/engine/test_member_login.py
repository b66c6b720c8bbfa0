"""A login with only its memberships, as recommended for DATABASE_URL.

All other tests use the owner.
"""

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
from tests.support.commands import run_command
from tests.support.pgbouncer import pooled_dsn
from tests.support.receiver import Receiver
from tests.support.rules import RULES, statuses
from tests.support.sample_platform import Platform
from tests.support.servers import every_server
from tests.support.tenants import tenant
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, every_server]
DOES = {call: rule.status for call, rule in RULES.items()}


@pytest.fixture
async def member(dsn: str, db: psycopg.AsyncConnection) -> AsyncIterator[str]:
    """The DSN of a login that is a member of only rowhook_worker and rowhook_api."""
    # Roles belong to the cluster, so the name is unique.
    name = f"member_{uuid4().hex[:12]}"
    await db.execute(f"create role {name} login in role rowhook_worker, rowhook_api".encode())
    yield make_conninfo(dsn, user=name)
    await db.execute(f"drop role {name}".encode())


@pytest.mark.long
async def test_a_member_login_can_make_every_api_call(
    member: str, db: psycopg.AsyncConnection
) -> None:
    async with running_api(member) as api:
        own = await tenant(api, db)
        assert await statuses(api, own, await api.key_of(own.organization)) == DOES
        assert (await api.call("GET", "/organizations")).status_code == 200
        for path in ("/livez", "/readyz", "/metrics"):
            assert (await api.client.get(path)).status_code == 200


@pytest.mark.long
async def test_a_member_login_can_use_the_api_through_a_transaction_pooler(
    member: str, db: psycopg.AsyncConnection, folder: Path
) -> None:
    async with (
        pooled_dsn(member, folder) as through,
        running_api(through, direct_dsn=member) as api,
    ):
        own = await tenant(api, db)
        assert await statuses(api, own, await api.key_of(own.organization)) == DOES


async def test_a_member_login_can_deliver(member: str, platform: Platform) -> None:
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
async def test_a_member_login_can_call_every_worker_function(
    member: str, platform: Platform, *, pooler: bool
) -> None:
    worker = uuid4()
    lease = timedelta(seconds=20)
    await platform.webhook_of_goal()
    async with connection_pool.open_pool(member, role="rowhook_worker", pooler=pooler) as pool:
        await engine.heartbeat(pool, worker, "a host", 1, 0)
        await platform.outlook(pool)
        await platform.commit()
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
async def test_a_member_login_can_run_the_commands(member: str, folder: Path) -> None:
    commands = ("status", "doctor", "webhooks", "keys", "deliveries", "secrets", "migrate --plan")
    all_ended = await asyncio.gather(
        *(run_command(folder, *command.split(), DATABASE_URL=member) for command in commands)
    )
    for command, ended in zip(commands, all_ended, strict=True):
        # Without a worker, doctor reports a finding.
        assert ended.code == (command == "doctor"), ended.err
        assert "permission denied" not in ended.err + ended.out
