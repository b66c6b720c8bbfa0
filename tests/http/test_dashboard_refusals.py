"""What a page says where Postgres refuses or gives up, beside what the API says."""

from __future__ import annotations

import asyncio

import httpx
import psycopg
import pytest

from rowhook.db import connection_pool
from tests.browser.test_dashboard_sign_in import enter, visitor
from tests.support.calls import Api
from tests.support.worker_rig import until

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
_STOP = (
    "select count(pg_cancel_backend(pid)) from pg_stat_activity"
    " where datname = current_database() and wait_event_type = 'Lock'"
)


async def stopped(dsn: str, asked: asyncio.Task[httpx.Response]) -> httpx.Response:
    """The answer, where Postgres stops the statement that waits for a lock."""

    async with await connection_pool.connect(dsn) as hand:

        async def ended() -> bool:
            await hand.execute(_STOP)
            return asked.done()

        await until(ended, what="the answer")
    return await asked


async def test_a_statement_that_took_too_long_is_told_apart_from_a_database_that_is_away(
    visitor: httpx.AsyncClient, api: Api, dsn: str, db: psycopg.AsyncConnection
) -> None:
    await enter(visitor)
    async with db.transaction():
        await db.execute("lock table rowhook.webhook")
        shown = await stopped(dsn, asyncio.create_task(visitor.get("/webhooks")))
        told = await stopped(dsn, asyncio.create_task(api.call("GET", "/webhooks")))
    assert (shown.status_code, told.status_code) == (503, 503)
    assert "The query took longer than a minute. Narrow the filters." in shown.text
    assert told.json()["detail"] == "The query took longer than a minute. Narrow the filters."
