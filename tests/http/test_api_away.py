"""The API while its database is away: 503 from its pool, and recovery by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from rowhook.embedded.cluster import embedded_postgres
from rowhook.migrate import runner
from tests.support.calls import DRAFT, Api, running_api
from tests.support.embedded_fixtures import data
from tests.support.worker_rig import until

pytestmark = [pytest.mark.anyio, pytest.mark.long]
__all__ = ["data"]  # a fixture


async def test_while_the_database_is_away_it_says_503_and_it_recovers_by_itself(
    data: Path,
) -> None:
    server = embedded_postgres(data)
    dsn = await server.__aenter__()
    await runner.migrate(dsn)
    async with running_api(dsn) as api:
        # All connections of the pool are open, so that all of them are lost.
        assert await at_once(api, 20) == {200}
        await server.__aexit__(None, None, None)
        await is_away(api)
        async with embedded_postgres(data) as again:
            assert again == dsn
            await until(lambda: is_back(api), what="the API back")
            assert await at_once(api, 20) == {200}
            assert (await api.client.get("/readyz")).status_code == 200


async def test_connections_lost_while_nobody_asked_cost_one_503_at_most(data: Path) -> None:
    server = embedded_postgres(data)
    dsn = await server.__aenter__()
    await runner.migrate(dsn)
    async with running_api(dsn) as api:
        assert await at_once(api, 20) == {200}
        await server.__aexit__(None, None, None)
        async with embedded_postgres(data):
            statuses = [(await listed(api)).status_code for _ in range(8)]
            assert statuses[0] in {200, 503}
            assert set(statuses[1:]) == {200}


async def listed(api: Api) -> httpx.Response:
    return await api.call("GET", "/webhooks")


async def at_once(api: Api, count: int) -> set[int]:
    return {one.status_code for one in await asyncio.gather(*(listed(api) for _ in range(count)))}


async def is_back(api: Api) -> bool:
    return (await listed(api)).status_code == 200


async def is_away(api: Api) -> None:
    """Checks what is said meanwhile."""
    # The first meets a lost connection, the others an empty pool.
    await is_refused(api, {})
    *_, ready, alive, measured = await asyncio.gather(
        is_refused(api, {}),
        is_refused(api, {"Idempotency-Key": "one"}),
        api.client.get("/readyz"),
        api.client.get("/livez"),
        api.client.get("/metrics"),
    )
    assert [one.status_code for one in (ready, alive, measured)] == [503, 200, 200]
    assert "rowhook_database_up 0.0" in measured.text


async def is_refused(api: Api, headers: dict[str, str]) -> None:
    draft = DRAFT | {"organization_id": str(uuid4())}
    answer = await api.call("POST", "/webhooks", draft, headers=headers)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    # A statement that was given up after a minute says 60.
    assert 1 <= int(answer.headers["retry-after"]) < 60
