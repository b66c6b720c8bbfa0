"""Data is sent and stored as UTF-8, also if a database or a login has another default encoding."""

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
async def latin_login(dsn: str, db: psycopg.AsyncConnection) -> AsyncIterator[str]:
    """A login whose sessions in the database of this test are LATIN1 by default."""
    name = f"latin_{uuid4().hex[:12]}"
    await db.execute(f"create role {name} login in role rowhook_worker, rowhook_api".encode())
    await db.execute(f"alter role {name} set client_encoding = 'LATIN1'".encode())
    await db.execute(f"alter database {db.info.dbname} set client_encoding = 'LATIN1'".encode())
    yield make_conninfo(dsn, user=name)
    await db.execute(f"drop role {name}".encode())


async def round_trip(connection: psycopg.AsyncConnection) -> tuple[str, str]:
    """Returns the encoding of the session, and an emoji after a round trip."""
    cursor = await connection.execute(
        "select current_setting('client_encoding'), %s::text", (EMOJI,)
    )
    row = await cursor.fetchone()
    assert row is not None
    return row[0], row[1]


async def test_other_clients_use_the_default_encoding(latin_login: str) -> None:
    async with await psycopg.AsyncConnection.connect(latin_login) as other:
        assert other.info.encoding == "iso8859-1"


async def test_a_single_connection_uses_utf8(latin_login: str) -> None:
    async with await connection_pool.connect(latin_login) as connection:
        assert await round_trip(connection) == ("UTF8", EMOJI)


async def test_every_connection_of_a_pool_uses_utf8(latin_login: str) -> None:
    async with connection_pool.open_pool(latin_login) as pool, pool.connection() as connection:
        assert await round_trip(connection) == ("UTF8", EMOJI)


async def test_a_connection_through_a_transaction_pooler_uses_utf8(
    latin_login: str, folder: Path
) -> None:
    async with (
        pooled_dsn(latin_login, folder) as through,
        connection_pool.open_pool(through, pooler=True) as pool,
    ):
        for _ in range(3):
            async with pool.connection() as connection:
                assert await round_trip(connection) == ("UTF8", EMOJI)


async def test_a_response_with_an_emoji_is_recorded(rig: Rig, latin_login: str) -> None:
    rig.dsn = latin_login
    await rig.webhook()
    rig.receiver.script("/hook", answer(200, EMOJI.encode()))
    async with rig.worker():
        for count in (1, 2):
            await rig.platform.commit()
            await rig.reaches("delivered", count=count)
    rows = await rig.platform.rows("select response_body from rowhook.attempt")
    assert [row["response_body"] for row in rows] == [EMOJI, EMOJI]
