"""The API during and after an outage of its database."""

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


async def test_requests_get_503_while_the_database_is_down_and_recover_afterwards(
    data: Path,
) -> None:
    server = embedded_postgres(data)
    dsn = await server.__aenter__()
    await runner.migrate(dsn)
    async with running_api(dsn) as api:
        # Opens every connection of the pool, so that every one is lost.
        assert await concurrent_statuses(api, 20) == {200}
        await server.__aexit__(None, None, None)
        await assert_unavailable(api)
        async with embedded_postgres(data) as restarted:
            assert restarted == dsn
            await until(lambda: is_available(api), description="the API available again")
            assert await concurrent_statuses(api, 20) == {200}
            assert (await api.client.get("/readyz")).status_code == 200


async def test_idle_connections_that_are_lost_cost_at_most_one_503(data: Path) -> None:
    server = embedded_postgres(data)
    dsn = await server.__aenter__()
    await runner.migrate(dsn)
    async with running_api(dsn) as api:
        assert await concurrent_statuses(api, 20) == {200}
        await server.__aexit__(None, None, None)
        async with embedded_postgres(data):
            statuses = [(await list_webhooks(api)).status_code for _ in range(8)]
            assert statuses[0] in {200, 503}
            assert set(statuses[1:]) == {200}


async def list_webhooks(api: Api) -> httpx.Response:
    return await api.call("GET", "/webhooks")


async def concurrent_statuses(api: Api, count: int) -> set[int]:
    return {
        response.status_code
        for response in await asyncio.gather(*(list_webhooks(api) for _ in range(count)))
    }


async def is_available(api: Api) -> bool:
    return (await list_webhooks(api)).status_code == 200


async def assert_unavailable(api: Api) -> None:
    """Checks the responses during the outage."""
    # The first request uses a lost connection, the others find the pool empty.
    await assert_refused(api, {})
    *_, readyz, livez, metrics = await asyncio.gather(
        assert_refused(api, {}),
        assert_refused(api, {"Idempotency-Key": "one"}),
        api.client.get("/readyz"),
        api.client.get("/livez"),
        api.client.get("/metrics"),
    )
    assert [response.status_code for response in (readyz, livez, metrics)] == [503, 200, 200]
    assert "rowhook_database_up 0.0" in metrics.text


async def assert_refused(api: Api, headers: dict[str, str]) -> None:
    draft = DRAFT | {"organization_id": str(uuid4())}
    response = await api.call("POST", "/webhooks", draft, headers=headers)
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    # 60 would mean a statement timeout after a minute.
    assert 1 <= int(response.headers["retry-after"]) < 60
