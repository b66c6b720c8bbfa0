"""Figures of endpoints that are wholly down, with real receivers, over REST and on the pages."""

from __future__ import annotations

import re
from functools import partial
from html import unescape
from uuid import UUID

import httpx
import pytest

from rowhook.render.configuration import Configuration
from rowhook.services import links
from rowhook.services.webhooks import create_webhook
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import Api
from tests.support.delivery_data import get_json
from tests.support.receiver import answer, stall
from tests.support.worker_rig import Rig, until

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
OPENS_AFTER = 10


async def webhooks_that_are_down(rig: Rig) -> list[UUID]:
    """Creates webhooks of three endpoints: one answers 503, one never, and one does not listen."""
    rig.receiver.script("/unavailable", answer(503, b'{"error": "out of order"}'))
    rig.receiver.script("/silent", stall())
    unavailable = await rig.webhook("/unavailable", retry_schedule_s=[0, 3600])
    silent = await rig.webhook("/silent", retry_schedule_s=[0, 3600], timeout_s=1)
    closed = await create_webhook(
        rig.ctx,
        rig.platform.organization,
        Configuration(name="/closed", url="http://127.0.0.1:9/", retry_schedule_s=[0, 3600]),
    )
    await links.link_goal(rig.ctx, closed.id, rig.platform.goal)
    return [unavailable.id, silent.id, closed.id]


async def all_circuits_are_open(rig: Rig) -> bool:
    count = "select count(*) from rowhook.webhook_health where health = 'circuit_open'"
    return bool(await rig.platform.value(count) == 3)


async def test_endpoints_that_are_wholly_down_have_a_success_rate_of_zero(
    api: Api, rig: Rig, visitor: httpx.AsyncClient
) -> None:
    down = await webhooks_that_are_down(rig)
    for _ in range(OPENS_AFTER + 5):
        await rig.platform.commit()
    async with rig.worker():
        await until(partial(all_circuits_are_open, rig))
    stats = await get_json(api, "/stats", window="1h")
    classes = stats["attempts_by_class"]
    assert (stats["success_rate"], classes["2xx"]) == (0, 0)
    for name in ("5xx", "timeout", "refused"):
        assert classes[name] >= OPENS_AFTER
    assert stats["attempts"] == await rig.platform.value("select count(*) from rowhook.attempt")
    for item in (await get_json(api, "/webhooks/health", webhook_id=down))["items"]:
        assert (item["health"], item["success_rate_24h"]) == ("circuit_open", 0)
        assert item["attempts_24h"] >= OPENS_AFTER
    for item in (await get_json(api, "/webhooks/worst"))["items"]:
        assert (item["health"], item["backlog"]) == ("circuit_open", OPENS_AFTER + 5)
        # Null while a probe is in flight, which a slow machine reaches.
        assert item["next_probe_at"] is None or item["failing_since"] < item["next_probe_at"]
    await sign_in(visitor)
    for path in ("/", "/webhooks", f"/goals/{rig.platform.goal}"):
        page = (await visitor.get(path)).text
        assert re.findall(r'data-health="(\w+)"', page) == ["circuit_open"] * 3, path
    assert "<strong>0 %</strong>" in (await visitor.get("/")).text
    page = unescape((await visitor.get(f"/webhooks/{down[0]}")).text)
    assert set(re.findall(r'data-health="(\w+)"', page)) == {"circuit_open"}
    for text in (
        "Endpoint failing for",
        "15 deliveries wait",
        "Last failed attempt",
        "out of order",
    ):
        assert text in page


async def test_a_webhook_recovers_and_keeps_its_last_failed_attempt(
    api: Api, rig: Rig, visitor: httpx.AsyncClient
) -> None:
    rig.receiver.script("/hook", answer(502, b"bad gateway"), answer(200))
    saved = await rig.webhook("/hook", retry_schedule_s=[0, 0, 0])
    await rig.platform.commit()
    async with rig.worker():
        await rig.reaches("delivered")
    (item,) = (await get_json(api, "/webhooks/health", webhook_id=saved.id))["items"]
    assert (item["health"], item["attempts_24h"], item["success_rate_24h"]) == ("degraded", 2, 0.5)
    assert item["failing_since"] is None
    await sign_in(visitor)
    page = unescape((await visitor.get(f"/webhooks/{saved.id}")).text)
    assert "Endpoint failing" not in page
    assert "bad gateway" in page
    await rig.platform.run("update rowhook.attempt_delta set at = at - interval '1 hour'")
    (item,) = (await get_json(api, "/webhooks/health", webhook_id=saved.id))["items"]
    assert (item["health"], item["success_rate_24h"]) == ("healthy", 0.5)
