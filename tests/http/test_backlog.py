"""The age of the backlog over REST."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest

from rowhook.db.connection_pool import Pool
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import Api
from tests.support.delivery_data import backdate, finish_jobs, get_json
from tests.support.sample_platform import Platform, other_platform

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


async def test_stats_return_the_age_of_the_oldest_waiting_delivery(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "delivered", "timeout")
    assert (await get_json(api, "/stats"))["oldest_waiting_at"] is None
    await platform.job("succeeded")
    await backdate(platform, 100, "pending")
    await platform.job("succeeded")
    stored = await platform.value(
        "select min(created_at) from rowhook.outbox where status = 'pending'"
    )
    figures = await get_json(api, "/stats", window="1h")
    assert datetime.fromisoformat(figures["oldest_waiting_at"]) == stored
    stranger = await api.key_of((await other_platform(platform)).organization)
    assert (await get_json(api, "/stats", stranger))["oldest_waiting_at"] is None


async def test_stats_count_deliveries_that_are_stuck_in_sending(
    api: Api, visitor: httpx.AsyncClient, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    await platform.claim(pool)
    await sign_in(visitor, await api.key_of(platform.organization))
    assert (await get_json(api, "/stats"))["stuck"] == 0
    assert "stuck" not in (await visitor.get("/")).text
    await platform.run(
        "update rowhook.outbox set token = nextval('rowhook.token'),"
        " stuck_at = now() - interval '1 second'"
    )
    assert (await get_json(api, "/stats"))["stuck"] == 1
    page = (await visitor.get("/")).text
    assert "1 stuck in sending: restart the workers" in page
    assert 'href="/deliveries?status=sending"' in page
    stranger = await api.key_of((await other_platform(platform)).organization)
    assert (await get_json(api, "/stats", stranger))["stuck"] == 0
