"""A dump restored with pg_restore into a cluster with far lower transaction ids."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from rowhook.db import connection_pool, installation_queries
from rowhook.embedded.cluster import embedded_postgres
from rowhook.migrate import runner
from tests.support.calls import running_api
from tests.support.database_copies import PG_18, consume_xids, create_roles, restore
from tests.support.sample_platform import Platform
from tests.support.servers import DEBIAN_15, Server
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
WEBHOOKS = 2
OLD = 5


@pytest.fixture
async def other_cluster(server: Server, folder: Path) -> AsyncIterator[str]:
    """Another server of the same version with only the roles of Rowhook."""
    async with await connection_pool.connect(server.superuser_dsn) as connection:
        binaries = None if connection.info.server_version >= PG_18 else DEBIAN_15
    async with embedded_postgres(folder / "data", binaries=binaries) as dsn:
        await create_roles(dsn)
        yield dsn


@pytest.fixture
async def old_installation(rig: Rig) -> Rig:
    """An installation with high transaction ids, two webhooks, one ordered, and five commits."""
    await consume_xids(rig.dsn, 6_000)
    await rig.webhook("/ordered", ordered=True)
    await rig.webhook("/any")
    for _ in range(OLD):
        await rig.platform.commit()
    return rig


@asynccontextmanager
async def restored(old_installation: Rig, dsn: str) -> AsyncIterator[Rig]:
    """The installation restored in another database, with two more commits."""
    await restore(old_installation.dsn, dsn)
    async with await connection_pool.connect(dsn) as db, connection_pool.open_pool(dsn) as pool:
        platform = Platform(db)
        platform.goal, platform.organization = (
            old_installation.platform.goal,
            old_installation.platform.organization,
        )
        rig = Rig(dsn, pool, platform, old_installation.receiver)
        rig.keyring = old_installation.keyring
        for _ in range(2):
            await platform.commit()
        yield rig


async def committed(rig: Rig) -> list[str]:
    """Returns the ids of all commits in the order of their creation."""
    return [
        row["id"]
        for row in await rig.platform.rows("select id from rowhook.commit order by committed_at")
    ]


async def feed(rig: Rig, **requested: Any) -> tuple[list[str], str]:
    async with running_api(rig.dsn) as api:
        result = (await api.call("GET", "/events", params=requested)).json()
    return [event["commit_id"] for event in result["items"]], result["next_cursor"]


def sent_keys(rig: Rig, path: str) -> list[str | None]:
    return [
        request.header("idempotency-key")
        for request in rig.receiver.requests
        if request.path == path
    ]


async def next_xid(rig: Rig) -> int:
    return int(await rig.platform.value("select pg_snapshot_xmax(pg_current_snapshot())::text"))


@pytest.mark.parametrize("overtaken", [False, True])
async def test_the_feed_is_complete_and_ordered_and_old_cursors_continue(
    old_installation: Rig, other_cluster: str, *, overtaken: bool
) -> None:
    """Restores also if the new cluster used more ids before Rowhook starts there."""
    half_way = (await feed(old_installation, limit=2))[1]
    everything = (await feed(old_installation))[1]
    async with restored(old_installation, other_cluster) as new:
        assert await next_xid(new) < await next_xid(old_installation) - 2_000
        if overtaken:
            # Other tests use ids of the old cluster too.
            behind = await next_xid(old_installation) - await next_xid(new)
            await consume_xids(new.dsn, behind + 20_000)
            await new.platform.commit()
            assert await next_xid(new) > await next_xid(old_installation)
        assert await runner.migrate(new.dsn) == ["epoch 1"]
        await new.platform.commit()
        commits = await committed(new)
        assert (await feed(new))[0] == commits
        assert (await feed(new, after=half_way))[0] == commits[2:]
        later, cursor = await feed(new, after=everything)
        assert later == commits[OLD:]
        await new.platform.commit()
        assert (await feed(new, after=cursor))[0] == (await committed(new))[-1:]


@pytest.mark.parametrize("cancel_waiting", [False, True])
async def test_nothing_is_sent_before_adoption_and_then_in_order(
    old_installation: Rig, other_cluster: str, *, cancel_waiting: bool
) -> None:
    async with restored(old_installation, other_cluster) as new, new.worker() as worker:

        async def raise_xids() -> bool:
            epoch = await new.platform.value("select epoch from rowhook.installation")
            return bool(epoch == 1) and not worker.driver.is_notified

        await until(raise_xids, description="the first heartbeat of the worker")
        await new.platform.commit()
        assert new.receiver.requests == []
        waiting = await new.platform.value(
            "select count(*) from rowhook.outbox where status = 'pending'"
        )
        assert waiting == WEBHOOKS * (OLD + 3)
        cancelled = await installation_queries.adopt(new.ctx.pool, cancel_waiting=cancel_waiting)
        assert cancelled == (waiting if cancel_waiting else 0)
        for _ in range(3):
            await new.platform.commit()
        expected = (await committed(new))[-3:] if cancel_waiting else await committed(new)
        await new.reaches("delivered", count=WEBHOOKS * len(expected))
    assert sent_keys(new, "/ordered") == expected
    assert sorted(map(str, sent_keys(new, "/any"))) == sorted(expected)


async def test_the_original_continues_while_a_copy_exists(
    old_installation: Rig, other_cluster: str
) -> None:
    async with restored(old_installation, other_cluster):
        async with old_installation.worker():
            await old_installation.reaches("delivered", count=WEBHOOKS * OLD)
        assert sent_keys(old_installation, "/ordered") == await committed(old_installation)


@pytest.mark.long
async def test_a_dump_of_a_restored_installation_is_restored_again(
    old_installation: Rig, other_cluster: str
) -> None:
    """Restores into the first cluster with its higher ids: the order is kept, and it is a copy."""
    async with restored(old_installation, other_cluster) as new:
        await runner.migrate(new.dsn)
        await installation_queries.adopt(new.ctx.pool, cancel_waiting=False)
        await new.platform.commit()
        commits, (_, cursor) = await committed(new), await feed(new)
        await restore(new.dsn, old_installation.dsn, clean=True)
        assert await runner.migrate(old_installation.dsn) == ["epoch 2"]
        await old_installation.platform.commit()
        assert (await feed(old_installation))[0] == [
            *commits,
            (await committed(old_installation))[-1],
        ]
        assert (await feed(old_installation, after=cursor))[0] == (
            await committed(old_installation)
        )[-1:]
        async with connection_pool.open_pool(old_installation.dsn) as pool:
            assert await old_installation.platform.claim(pool) == []
            await installation_queries.adopt(pool, cancel_waiting=False)
            assert len(await old_installation.platform.claim(pool)) > 0
