"""A database or a login may default to another encoding: what is sent and stored is UTF-8."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool
from tests.support.pgbouncer import pooled_dsn
from tests.support.receiver import answer
from tests.support.servers import every_server
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, every_server]
EMOJI = "😀ok"


@pytest.fixture
async def latin(dsn: str, db: psycopg.AsyncConnection) -> AsyncIterator[str]:
    """A login whose sessions in this test's database are LATIN1 by two defaults."""
    name = f"latin_{uuid4().hex[:12]}"
    await db.execute(f"create role {name} login in role rowhook_worker, rowhook_api".encode())
    await db.execute(f"alter role {name} set client_encoding = 'LATIN1'".encode())
    await db.execute(f"alter database {db.info.dbname} set client_encoding = 'LATIN1'".encode())
    yield make_conninfo(dsn, user=name)
    await db.execute(f"drop role {name}".encode())


async def echoed(connection: psycopg.AsyncConnection) -> tuple[str, str]:
    """What the session's encoding is, and what becomes of an emoji there and back."""
    cursor = await connection.execute(
        "select current_setting('client_encoding'), %s::text", (EMOJI,)
    )
    row = await cursor.fetchone()
    assert row is not None
    return row[0], row[1]


async def test_the_defaults_hold_for_others(latin: str) -> None:
    async with await psycopg.AsyncConnection.connect(latin) as other:
        assert other.info.encoding == "iso8859-1"


async def test_a_connection_of_its_own_speaks_utf8(latin: str) -> None:
    async with await connection_pool.connect(latin) as connection:
        assert await echoed(connection) == ("UTF8", EMOJI)


async def test_every_connection_of_a_pool_speaks_utf8(latin: str) -> None:
    async with connection_pool.open_pool(latin) as pool, pool.connection() as connection:
        assert await echoed(connection) == ("UTF8", EMOJI)


async def test_a_connection_behind_a_transaction_pooler_speaks_utf8(
    latin: str, folder: Path
) -> None:
    async with (
        pooled_dsn(latin, folder) as through,
        connection_pool.open_pool(through, pooler=True) as pool,
    ):
        for _ in range(3):
            async with pool.connection() as connection:
                assert await echoed(connection) == ("UTF8", EMOJI)


async def test_an_answer_with_an_emoji_is_recorded_and_so_is_the_next_one(
    rig: Rig, latin: str
) -> None:
    rig.dsn = latin
    await rig.webhook()
    rig.receiver.script("/hook", answer(200, EMOJI.encode()))
    async with rig.worker():
        for count in (1, 2):
            await rig.platform.commit()
            await rig.reaches("delivered", count=count)
    rows = await rig.platform.rows("select response_body from rowhook.attempt")
    assert [row["response_body"] for row in rows] == [EMOJI, EMOJI]
