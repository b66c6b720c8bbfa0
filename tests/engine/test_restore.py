"""A dump restored into another cluster, whose transaction ids are far lower: by pg_dump itself."""

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
    """Another server of the same version, new but for the roles of Rowhook."""
    async with await connection_pool.connect(server.superuser_dsn) as connection:
        binaries = None if connection.info.server_version >= PG_18 else DEBIAN_15
    async with embedded_postgres(folder / "data", binaries=binaries) as dsn:
        await create_roles(dsn)
        yield dsn


@pytest.fixture
async def old(rig: Rig) -> Rig:
    """An installation with a long past: two webhooks, one ordered, and five commits that wait."""
    await consume_xids(rig.dsn, 6_000)
    await rig.webhook("/ordered", ordered=True)
    await rig.webhook("/any")
    for _ in range(OLD):
        await rig.platform.commit()
    return rig


@asynccontextmanager
async def restored(old: Rig, dsn: str) -> AsyncIterator[Rig]:
    """The same installation from its dump, in another database; two commits are captured there."""
    await restore(old.dsn, dsn)
    async with await connection_pool.connect(dsn) as db, connection_pool.open_pool(dsn) as pool:
        platform = Platform(db)
        platform.goal, platform.organization = old.platform.goal, old.platform.organization
        rig = Rig(dsn, pool, platform, old.receiver)
        rig.keyring = old.keyring
        for _ in range(2):
            await platform.commit()
        yield rig


async def committed(rig: Rig) -> list[str]:
    """The ids of all commits, in the order in which they were made."""
    return [
        row["id"]
        for row in await rig.platform.rows("select id from rowhook.commit order by committed_at")
    ]


async def feed(rig: Rig, **requested: Any) -> tuple[list[str], str]:
    async with running_api(rig.dsn) as api:
        result = (await api.call("GET", "/events", params=requested)).json()
    return [event["commit_id"] for event in result["items"]], result["next_cursor"]


def sent(rig: Rig, path: str) -> list[str | None]:
    return [
        request.header("idempotency-key")
        for request in rig.receiver.requests
        if request.path == path
    ]


async def next_xid(rig: Rig) -> int:
    return int(await rig.platform.value("select pg_snapshot_xmax(pg_current_snapshot())::text"))


@pytest.mark.parametrize("overtaken", [False, True])
async def test_the_feed_is_whole_and_in_order_and_old_cursors_go_on(
    old: Rig, other_cluster: str, *, overtaken: bool
) -> None:
    """Also where the new cluster has used up more ids before anything of Rowhook starts there."""
    half_way = (await feed(old, limit=2))[1]
    everything = (await feed(old))[1]
    async with restored(old, other_cluster) as new:
        assert await next_xid(new) < await next_xid(old) - 2_000
        if overtaken:
            await consume_xids(new.dsn, 20_000)
            await new.platform.commit()
            assert await next_xid(new) > await next_xid(old)
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
async def test_nothing_is_sent_before_it_is_adopted_and_then_in_order(
    old: Rig, other_cluster: str, *, cancel_waiting: bool
) -> None:
    async with restored(old, other_cluster) as new, new.worker() as worker:

        async def raised() -> bool:
            epoch = await new.platform.value("select epoch from rowhook.installation")
            return bool(epoch == 1) and worker.queries.is_asleep

        await until(raised, what="the first heartbeat of the worker")
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
    assert sent(new, "/ordered") == expected
    assert sorted(map(str, sent(new, "/any"))) == sorted(expected)


async def test_the_original_goes_on_beside_its_copy(old: Rig, other_cluster: str) -> None:
    async with restored(old, other_cluster):
        async with old.worker():
            await old.reaches("delivered", count=WEBHOOKS * OLD)
        assert sent(old, "/ordered") == await committed(old)


async def test_a_dump_of_a_restored_installation_is_restored_again(
    old: Rig, other_cluster: str
) -> None:
    """Back into the first cluster, whose ids are higher: the order holds, and it is a copy."""
    async with restored(old, other_cluster) as new:
        await runner.migrate(new.dsn)
        await installation_queries.adopt(new.ctx.pool, cancel_waiting=False)
        await new.platform.commit()
        commits, (_, cursor) = await committed(new), await feed(new)
        await restore(new.dsn, old.dsn, clean=True)
        assert await runner.migrate(old.dsn) == ["epoch 2"]
        await old.platform.commit()
        assert (await feed(old))[0] == [*commits, (await committed(old))[-1]]
        assert (await feed(old, after=cursor))[0] == (await committed(old))[-1:]
        async with connection_pool.open_pool(old.dsn) as pool:
            assert await old.platform.claim(pool) == []
            await installation_queries.adopt(pool, cancel_waiting=False)
            assert len(await old.platform.claim(pool)) > 0
