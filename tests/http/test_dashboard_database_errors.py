"""Database errors on pages and over REST."""

from __future__ import annotations

import asyncio

import httpx
import psycopg
import pytest

from rowhook.db import connection_pool
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import Api
from tests.support.worker_rig import until

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
_CANCEL_WAITING = (
    "select count(pg_cancel_backend(pid)) from pg_stat_activity"
    " where datname = current_database() and wait_event_type = 'Lock'"
)


async def cancel_statement(dsn: str, request: asyncio.Task[httpx.Response]) -> httpx.Response:
    """Cancels the statement that waits for a lock and returns the response."""

    async with await connection_pool.connect(dsn) as connection:

        async def is_done() -> bool:
            await connection.execute(_CANCEL_WAITING)
            return request.done()

        await until(is_done, description="the answer")
    return await request


async def test_a_statement_timeout_is_reported_as_such(
    visitor: httpx.AsyncClient, api: Api, dsn: str, db: psycopg.AsyncConnection
) -> None:
    await sign_in(visitor)
    async with db.transaction():
        await db.execute("lock table rowhook.webhook")
        page = await cancel_statement(dsn, asyncio.create_task(visitor.get("/webhooks")))
        response = await cancel_statement(dsn, asyncio.create_task(api.call("GET", "/webhooks")))
    assert (page.status_code, response.status_code) == (503, 503)
    assert "The query took longer than a minute. Narrow the filters." in page.text
    assert response.json()["detail"] == "The query took longer than a minute. Narrow the filters."
