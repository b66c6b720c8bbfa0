"""How far a replay or a release has come: of what it was, whatever else waits or has ended."""

from __future__ import annotations

import re
from typing import LiteralString
from uuid import UUID

import httpx
import pytest

from rowhook.db.connection_pool import Pool
from tests.browser.test_dashboard_sign_in import enter, visitor
from tests.support.delivery_data import finish_jobs, insert_deliveries
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
ALL = {"since": "2026-05-23T12:00:00Z", "until": "2100-01-01T00:00:00Z"}


async def make(platform: Platform, status: str, where: LiteralString) -> None:
    """Without the engine: so they were before."""
    await platform.run("set session_replication_role = replica")
    await platform.run(
        "update rowhook.outbox set status = %s, finished_at = case when %s then finished_at end,"
        f" next_attempt_at = case when not %s then now() end where {where}",
        status,
        status == "dead",
        status == "dead",
    )
    await platform.run("set session_replication_role = origin")


async def replayed(visitor: httpx.AsyncClient, webhook: UUID) -> str:
    """The address of its progress."""
    form = ALL | {"csrf": await enter(visitor), "webhook_id": str(webhook), "status": "dead"}
    answer = await visitor.post("/replay", data=form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def told(visitor: httpx.AsyncClient, path: str) -> str:
    """The heading and the bar, in one line."""
    found = re.search("<h2>(.*)</h2>.*(<progress.*?>)", (await visitor.get(path)).text, re.DOTALL)
    assert found is not None
    return re.sub(r"\s+", " ", " ".join(found.groups())).strip()


@pytest.mark.long
async def test_what_has_ended_in_the_range_hides_nothing_of_a_replay(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    webhook = await platform.webhook()
    await insert_deliveries(platform, webhook, "delivered", 10_004)
    await make(platform, "dead", "event_id >= -4")
    path = await replayed(visitor, webhook)
    bar = '<progress aria-label="Replay" max="4" value='
    assert await told(visitor, path) == f'0 of 4 have finished {bar}"0">'
    assert "10,000+ delivered" in (await visitor.get(path)).text
    await platform.run("update rowhook.outbox set status = 'cancelled' where event_id >= -3")
    assert await told(visitor, path) == f'3 of 4 have finished {bar}"3">'
    await platform.run("update rowhook.outbox set status = 'cancelled' where event_id = -4")
    assert await told(visitor, path) == f'All 4 have finished {bar}"4">'


async def test_what_waited_before_and_leaves_is_not_what_was_replayed(
    visitor: httpx.AsyncClient, platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "timeout", "timeout", error="no answer")
    for _ in range(3):
        await platform.job("succeeded")
    dead, others = (await platform.deliveries())[:2], (await platform.deliveries())[2:]
    path = await replayed(visitor, webhook)
    assert "At least 0 of 2 have finished" in await told(visitor, path)
    assert "3 other deliveries were already waiting" in (await visitor.get(path)).text
    stop = "update rowhook.outbox set status = 'cancelled' where id = %s"
    for one in others[:2]:
        await platform.run(stop, one["id"])
    assert "At least 0 of 2 have finished" in await told(visitor, path)
    await platform.run(stop, dead[0]["id"])
    assert "At least 1 of 2 have finished" in await told(visitor, path)
    await platform.run(stop, dead[1]["id"])
    assert "All 2 have finished" in await told(visitor, path)
    assert (await platform.deliveries())[4]["status"] == "pending"


async def test_where_too_many_wait_nothing_is_said_to_have_ended(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    webhook = await platform.webhook()
    await insert_deliveries(platform, webhook, "dead", 10_001)
    await make(platform, "pending", "event_id < -1")
    assert await told(visitor, await replayed(visitor, webhook)) == (
        "10,000+ are waiting: too many to count how many of 1 have finished"
        ' <progress aria-label="Replay" max="1">'
    )


@pytest.mark.long
async def test_all_that_was_held_is_of_a_release_however_much_it_is(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook, platform = await rig.webhook(), rig.platform
    await insert_deliveries(platform, webhook.id, "dead", 10_001)
    await make(platform, "held", "true")
    form = {"csrf": await enter(visitor), "revision": "1", "url": webhook.url or ""}
    saved = await visitor.post(f"/held/{webhook.id}/save", data=form | {"body_template": "{}"})
    path = saved.headers["location"]
    assert "10,000+ are waiting: too many to count how many of 10,001 have finished" in await told(
        visitor, path
    )
    await platform.commit()
    stop = "update rowhook.outbox set status = 'cancelled' where event_id between %s and %s"
    await platform.run(stop, -100, -1)
    assert "100 of 10,001 have finished" in await told(visitor, path)
    await platform.run(stop, -10_001, -101)
    assert "All 10,001 have finished" in await told(visitor, path)
