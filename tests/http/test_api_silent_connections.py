"""Connections to the database whose other end has vanished without a word, while new ones work.

A proxy between the API and PostgreSQL acknowledges all data and forwards nothing, as a
load balancer does whose server is gone: neither keepalives nor TCP's timeouts notice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rowhook.db import connection_pool, statements
from rowhook.db.connection_pool import API_LIMITS, AnswerLimits
from rowhook.db.statements import Unreachable
from rowhook.migrate.runner import Readiness
from tests.faults.faulty_proxy import NORMAL, NetworkConditions, Proxy
from tests.support.calls import Api, running_api
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
SOON = AnswerLimits(first_s=0.5, later_s=1.0)


@asynccontextmanager
async def proxied(dsn: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy to the server of a database, and the DSN through it."""
    parameters = conninfo_to_dict(dsn)
    host, port = str(parameters.get("host", "")), int(parameters.get("port") or 5432)
    async with Proxy(f"{host}/.s.PGSQL.{port}" if host.startswith("/") else port) as proxy:
        yield proxy, make_conninfo(dsn, host="127.0.0.1", port=proxy.port)


async def statuses(api: Api, count: int) -> set[int]:
    calls = (api.call("GET", "/webhooks") for _ in range(count))
    return {response.status_code for response in await asyncio.gather(*calls)}


async def test_an_api_whose_connections_went_silent_answers_again(dsn: str) -> None:
    async with (
        proxied(dsn) as (proxy, through),
        running_api(through, size=4, limits=SOON) as api,
    ):
        assert await statuses(api, 12) == {200}
        proxy.drop_packets()
        # Every idle connection is dead; some requests find out.
        assert await statuses(api, 12) <= {200, 503}

        async def answers() -> bool:
            return await statuses(api, 1) == {200}

        await until(answers, description="the API available again")
        # The lost connections were replaced together, so no other request finds one.
        assert await statuses(api, 12) == {200}
        assert (await api.client.get("/readyz")).status_code == 200
        assert "rowhook_database_up 1.0" in (await api.client.get("/metrics")).text


async def test_a_probe_is_answered_in_time_while_the_network_is_silent(dsn: str) -> None:
    async with proxied(dsn) as (proxy, through):
        readiness = Readiness(through, deadline_s=0.5)

        async def is_ready() -> bool:
            return await readiness.reason() is None

        # Not at the first check, which takes longer on a busy machine.
        await until(is_ready, description="a ready process")
        proxy.set_conditions(NetworkConditions(silent=True))

        async def is_reported() -> bool:
            return await readiness.reason() == "The database did not answer within 0.5 s."

        await until(is_reported, description="an unready process")
        # One that waits for the check of another gets its answer.
        reasons = await asyncio.gather(*(readiness.reason() for _ in range(20)))
        assert set(reasons) == {"The database did not answer within 0.5 s."}
        proxy.set_conditions(NORMAL)
        await until(is_ready, description="a ready process")

        async def is_tidy() -> bool:
            return not readiness._late

        await until(is_tidy, description="the end of the abandoned checks")


async def test_a_statement_that_gets_no_answer_ends_at_its_limit(dsn: str) -> None:
    async with (
        proxied(dsn) as (proxy, through),
        connection_pool.open_pool(through, size=2, limits=SOON) as pool,
    ):
        async with pool.connection() as connection:
            # Later statements may take longer than the first one.
            await connection.execute("select")
            await connection.execute("select pg_sleep(0.6)")
            proxy.drop_packets()
            with pytest.raises(Unreachable):
                await connection.execute("select")
        assert await statements.value(pool, "select 1") == 1


async def test_a_connection_to_a_demoted_server_is_replaced(dsn: str) -> None:
    async with connection_pool.open_pool(dsn, size=1, limits=SOON) as pool:
        async with pool.connection() as connection:
            await connection.execute("set default_transaction_read_only = on")
            pid = connection.info.backend_pid
        with pytest.raises(Unreachable):
            await statements.value(pool, "select setval('rowhook.token', 1)")
        async with pool.connection() as connection:
            assert connection.info.backend_pid != pid


@pytest.mark.long
async def test_a_worker_whose_connections_went_silent_delivers_again(rig: Rig) -> None:
    async with proxied(rig.dsn) as (proxy, through):
        rig.dsn = through
        await rig.webhook()
        async with rig.worker():
            await rig.platform.commit()
            await rig.receiver.wait_for(1)
            proxy.drop_packets()
            await rig.platform.commit()
            await rig.receiver.wait_for(2)


def test_the_api_waits_longer_than_the_server_lets_a_statement_run() -> None:
    # rowhook.set_tenant sets statement_timeout.
    assert API_LIMITS.later_s > 60
