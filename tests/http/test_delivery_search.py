"""The text search of deliveries: its results, and where it stops."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from rowhook.db import list_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.list_queries import DeliveryFilter
from rowhook.db.statements import TenantPool
from rowhook.services.deliveries import SearchResult, search_deliveries
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import Api
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

__all__ = ["visitor"]
pytestmark = [pytest.mark.anyio, every_server]


async def search(api: Api, platform: Platform, text: str, **filters: Any) -> SearchResult:
    ctx = api.server_ctx.ctx.for_actor(api.server_ctx.pool, platform.organization, "a test")
    return await search_deliveries(ctx, DeliveryFilter(**filters), text)


async def ids_of(api: Api, platform: Platform, text: str, **filters: Any) -> list[int]:
    return [item.id for item in (await search(api, platform, text, **filters)).items]


async def test_deliveries_are_found_by_payload_id_goal_agent_session_and_error(
    api: Api, platform: Platform
) -> None:
    await platform.webhook_of_goal()
    await platform.webhook_of_agent()
    await platform.run(
        "insert into rowhook.session (id, organization_id, context)"
        """ values ('session_7', %s, '{"tenant": "Blue"}')""",
        platform.organization,
    )
    await platform.commit(json.dumps({"name": 'Ada "the" Countess', "n": 12345}))
    commit = await platform.commit('{"name": "Grace"}', session="session_7")
    job = await platform.job("succeeded", output='{"total": 99}')
    first, second, third = [row["id"] for row in await platform.deliveries()]
    await platform.run(
        "update rowhook.outbox set last_error = 'HTTP 500', token = token + 1 where id = %s", first
    )
    for text, expected in (
        ("countess", [first]),
        ('Ada "the"', [first]),
        ("1234", [first]),
        ("http 500", [first]),
        ("GRACE", [second]),
        ("blue", [second]),
        ("session_7", [second]),
        (commit, [second]),
        (commit[3:12], [second]),
        (platform.goal, [second, first]),
        ("ann", [third]),
        (str(job)[4:20], [third]),
        (str(job), [third]),
        ("%", []),
        ("nobody", []),
    ):
        assert await ids_of(api, platform, text) == expected, text
    assert third in await ids_of(api, platform, str(third))
    assert await ids_of(api, platform, "grace", statuses=("dead",)) == []
    assert await ids_of(api, platform, commit, statuses=("dead",)) == []


async def test_another_organization_finds_nothing(api: Api, platform: Platform, db: Any) -> None:
    other = Platform(db)
    await other.set_up()
    await other.webhook_of_goal()
    commit = await other.commit('{"name": "Ada"}')
    (delivery,) = [row["id"] for row in await other.deliveries()]
    for text in ("ada", commit, str(delivery)):
        assert await ids_of(api, platform, text) == []
        assert await ids_of(api, other, text) == [delivery]


async def test_a_search_stops_and_continues_without_gaps(pool: Pool, platform: Platform) -> None:
    await platform.webhook_of_goal()
    for number in range(10):
        await platform.commit(json.dumps({"n": number, "even": number % 2 == 0}))
    newest_first = [row["id"] for row in await platform.deliveries()][::-1]
    tenant = TenantPool(pool=pool, organization=platform.organization, actor="a test")
    for most, most_rows, most_text in (
        (50, 3, 10**9),
        (2, 100, 10**9),
        (50, 100, 60),
        (50, 100, 1),
    ):
        before, ids, steps = None, [], 0
        while True:
            document = json.loads(
                await list_queries.search_deliveries(
                    tenant,
                    DeliveryFilter(),
                    '"even": true',
                    before,
                    most=most,
                    most_rows=most_rows,
                    most_text=most_text,
                )
            )
            assert 1 <= document["searched"] <= most_rows
            ids += [item["id"] for item in document["items"]]
            steps += 1
            if document["last_id"] is None:
                break
            before = document["since"], document["last_id"]
        assert (ids, steps > 1) == (newest_first[1::2], True)


async def test_the_page_states_the_searched_part(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    await sign_in(visitor)
    await platform.webhook_of_goal()
    await platform.commit('{"name": "Ada"}')
    (delivery,) = [row["id"] for row in await platform.deliveries()]
    page = (await visitor.get("/deliveries?q=ada")).text
    assert f'href="/deliveries/{delivery}"' in page
    assert "of\nthe only delivery that matches the other filters" in page
    assert 'value="ada"' in page
    assert "Live tail" not in page
    page = (await visitor.get("/deliveries?q=nobody&status=dead")).text
    assert "No deliveries match these filters." in page
    assert "No delivery matches the other filters." in page
    assert 'href="/deliveries">Reset filters</a>' in page
    refused = await visitor.get(f"/deliveries?q={'x' * 201}")
    assert (refused.status_code, "at most 200 characters" in refused.text) == (422, True)
    assert (await visitor.get("/deliveries?q=%00")).status_code == 200
    assert (await visitor.get("/deliveries?q=x&cursor=x")).status_code == 422


async def test_the_pane_shows_a_delivery_and_its_buttons_lead_back_to_the_list(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    csrf = await sign_in(visitor)
    await platform.webhook_of_goal()
    await platform.commit()
    (delivery,) = [row["id"] for row in await platform.deliveries()]
    page = (await visitor.get(f"/deliveries?status=pending&open={delivery}")).text
    assert f'<h2 class="title">Delivery {delivery}' in page
    back = f"/deliveries?status=pending&open={delivery}"
    assert f'name="back" value="{back.replace("&", "&amp;")}"' in page
    pane = await visitor.get(f"/deliveries/{delivery}/pane?list=status%3Dpending")
    assert f'name="back" value="{back.replace("&", "&amp;")}"' in pane.text
    data = {"csrf": csrf, "back": back}
    answer = await visitor.post(f"/deliveries/{delivery}/cancel", data=data)
    location = answer.headers["location"]
    assert location == f"{back}&done=cancelled-1-of-1"
    assert "1 of 1 cancelled." in (await visitor.get(location)).text
    data["back"] = "//evil.example/"
    answer = await visitor.post(f"/deliveries/{delivery}/retry", data=data)
    assert answer.headers["location"].startswith("/?")
    page = (await visitor.get("/deliveries?open=999")).text
    assert "Delivery 999 does not exist." in page
    assert (await visitor.get("/deliveries/999/pane")).status_code == 404
    assert (await visitor.get(f"/deliveries?open={uuid4()}")).status_code == 200
