"""For how long the oldest delivery has been waiting, over REST."""

from __future__ import annotations

from datetime import datetime

import pytest

from rowhook import postgres
from tests.calls import Api
from tests.failing import age, answered, ended
from tests.test_api_lists import other_platform
from tests.world import Platform

pytestmark = pytest.mark.anyio


async def test_figures_say_since_when_the_oldest_waits_however_old_it_is(
    api: Api, platform: Platform, pool: postgres.Pool
) -> None:
    await platform.webhook_of_agent(retry_schedule_s=[0])
    await ended(platform, pool, "delivered", "timeout")
    assert (await answered(api, "/stats"))["oldest_waiting_at"] is None
    await platform.job("succeeded")
    await age(platform, 100, "pending")
    await platform.job("succeeded")
    stored = await platform.value(
        "select min(created_at) from rowhook.outbox where status = 'pending'"
    )
    figures = await answered(api, "/stats", window="1h")
    assert datetime.fromisoformat(figures["oldest_waiting_at"]) == stored
    stranger = await api.key_of((await other_platform(platform)).organization)
    assert (await answered(api, "/stats", stranger))["oldest_waiting_at"] is None
