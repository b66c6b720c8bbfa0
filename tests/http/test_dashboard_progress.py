"""The progress of replays and releases."""

from __future__ import annotations

import re
from typing import LiteralString
from uuid import UUID

import httpx
import pytest

from rowhook.db.connection_pool import Pool
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.delivery_data import finish_jobs, insert_deliveries
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
ALL = {"since": "2026-05-23T12:00:00Z", "until": "2100-01-01T00:00:00Z"}


async def set_status(platform: Platform, status: str, where: LiteralString) -> None:
    """Sets the status of deliveries without triggers."""
    await platform.run("set session_replication_role = replica")
    await platform.run(
        "update rowhook.outbox set status = %s, finished_at = case when %s then finished_at end,"
        f" next_attempt_at = case when not %s then now() end where {where}",
        status,
        status == "dead",
        status == "dead",
    )
    await platform.run("set session_replication_role = origin")


async def start_replay(visitor: httpx.AsyncClient, webhook: UUID) -> str:
    """Starts a replay and returns the address of its progress page."""
    form = ALL | {"csrf": await sign_in(visitor), "webhook_id": str(webhook), "status": "dead"}
    response = await visitor.post("/replay", data=form)
    assert response.status_code == 303, response.text
    return response.headers["location"]


async def progress_line(visitor: httpx.AsyncClient, path: str) -> str:
    """Returns the heading and the progress bar of the page in one line."""
    match = re.search("<h2>(.*)</h2>.*(<progress.*?>)", (await visitor.get(path)).text, re.DOTALL)
    assert match is not None
    return re.sub(r"\s+", " ", " ".join(match.groups())).strip()


@pytest.mark.long
async def test_finished_deliveries_in_the_range_do_not_distort_the_progress(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    webhook = await platform.webhook()
    await insert_deliveries(platform, webhook, "delivered", 10_004)
    await set_status(platform, "dead", "event_id >= -4")
    path = await start_replay(visitor, webhook)
    bar = '<progress aria-label="Replay" max="4" value='
    assert await progress_line(visitor, path) == f'0 of 4 have finished {bar}"0">'
    assert "10,000+ delivered" in (await visitor.get(path)).text
    await platform.run("update rowhook.outbox set status = 'cancelled' where event_id >= -3")
    assert await progress_line(visitor, path) == f'3 of 4 have finished {bar}"3">'
    await platform.run("update rowhook.outbox set status = 'cancelled' where event_id = -4")
    assert await progress_line(visitor, path) == f'All 4 have finished {bar}"4">'


async def test_deliveries_that_were_already_waiting_are_not_counted_as_replayed(
    visitor: httpx.AsyncClient, platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_agent(retry_schedule_s=[0])
    await finish_jobs(platform, pool, "timeout", "timeout", error="no answer")
    for _ in range(3):
        await platform.job("succeeded")
    dead, waiting = (await platform.deliveries())[:2], (await platform.deliveries())[2:]
    path = await start_replay(visitor, webhook)
    assert "At least 0 of 2 have finished" in await progress_line(visitor, path)
    assert "3 other deliveries were already waiting" in (await visitor.get(path)).text
    cancel = "update rowhook.outbox set status = 'cancelled' where id = %s"
    for delivery in waiting[:2]:
        await platform.run(cancel, delivery["id"])
    assert "At least 0 of 2 have finished" in await progress_line(visitor, path)
    await platform.run(cancel, dead[0]["id"])
    assert "At least 1 of 2 have finished" in await progress_line(visitor, path)
    await platform.run(cancel, dead[1]["id"])
    assert "All 2 have finished" in await progress_line(visitor, path)
    assert (await platform.deliveries())[4]["status"] == "pending"


async def test_progress_is_unknown_while_too_many_deliveries_wait(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    webhook = await platform.webhook()
    await insert_deliveries(platform, webhook, "dead", 10_001)
    await set_status(platform, "pending", "event_id < -1")
    assert await progress_line(visitor, await start_replay(visitor, webhook)) == (
        "10,000+ are waiting: too many to count how many of 1 have finished"
        ' <progress aria-label="Replay" max="1">'
    )


@pytest.mark.long
async def test_the_progress_of_a_release_counts_all_held_deliveries(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook, platform = await rig.webhook(), rig.platform
    await insert_deliveries(platform, webhook.id, "dead", 10_001)
    await set_status(platform, "held", "true")
    form = {"csrf": await sign_in(visitor), "revision": "1", "url": webhook.url or ""}
    saved = await visitor.post(f"/held/{webhook.id}/save", data=form | {"body_template": "{}"})
    path = saved.headers["location"]
    assert (
        "10,000+ are waiting: too many to count how many of 10,001 have finished"
        in await progress_line(visitor, path)
    )
    await platform.commit()
    cancel = "update rowhook.outbox set status = 'cancelled' where event_id between %s and %s"
    await platform.run(cancel, -100, -1)
    assert "100 of 10,001 have finished" in await progress_line(visitor, path)
    await platform.run(cancel, -10_001, -101)
    assert "All 10,001 have finished" in await progress_line(visitor, path)


async def test_a_refused_range_is_shown_as_it_was_entered(visitor: httpx.AsyncClient) -> None:
    await sign_in(visitor)
    start = r'<input id="since"[^>]* value="2'
    assert re.search(start, (await visitor.get("/replay")).text) is not None
    refused = await visitor.get("/replay/count", params={"since": "", "until": "", "rate": "fast"})
    assert refused.status_code == 422
    assert "Enter the start of the range." in refused.text
    assert re.findall(r'<input id="(?:since|until)"[^>]* value="2', refused.text) == []


async def test_a_form_of_an_ended_session_is_refused_with_the_next_step(
    visitor: httpx.AsyncClient,
) -> None:
    csrf = await sign_in(visitor)
    visitor.cookies.clear()
    refused = await visitor.post("/keys", data={"csrf": csrf, "name": "ci", "scopes": "read"})
    assert (refused.status_code, "<h1>Signed out</h1>" in refused.text) == (401, True)
    assert "Nothing was changed. Sign in, go back and submit the form again." in refused.text
