"""Held deliveries, previewed under the webhook as it is, and as it would be changed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.calls import Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
CANARY = "canary-4b1d-7f"
TEMPLATE = '{"n": {{data.m}}}'


async def holding(api: Api, platform: Platform, *datas: str, **fields: Any) -> str:
    """A webhook whose deliveries are held, one for each data."""
    made = await api.webhook(platform.organization, **({"body_template": TEMPLATE} | fields))
    answer = await api.call("PUT", f"/webhooks/{made['id']}/goals/{platform.goal}")
    assert answer.status_code == 204, answer.text
    for data in datas:
        await platform.commit(data)
    claims = await platform.claim(api.server_ctx.pool)
    for claim in claims:
        assert await platform.record(api.server_ctx.pool, claim, "render_failed", error="no m")
    webhook: str = made["id"]
    return webhook


async def asked(api: Api, webhook: str, patch: Any = None, **query: Any) -> httpx.Response:
    answer = await api.call("POST", f"/webhooks/{webhook}/preview-held", patch, params=query)
    assert answer.status_code in (200, 422), answer.text
    return answer


async def test_each_held_delivery_is_previewed_newest_first(api: Api, platform: Platform) -> None:
    webhook = await holding(api, platform, '{"n": 1.10}', '{"m": 2.20}')
    items = (await asked(api, webhook)).json()["items"]
    deliveries = [row["id"] for row in await platform.deliveries()]
    assert [one["delivery_id"] for one in items] == sorted(deliveries, reverse=True)
    assert [one["outcome"] for one in items] == ["rendered", "render_failed"]
    assert items[0]["request"]["body"] == '{"n": 2.20}'
    (fault,) = items[1]["faults"]
    assert (fault["pointer"], fault["line"], fault["column"]) == ("/body_template", 1, 9)
    assert len((await asked(api, webhook, limit=1)).json()["items"]) == 1


async def test_a_change_is_tried_on_what_is_held_and_is_not_saved(
    api: Api, platform: Platform
) -> None:
    webhook = await holding(api, platform, '{"n": 1.10}')
    patch = {"body_template": '{"n": {{data.n}}}'}
    (one,) = (await asked(api, webhook, patch)).json()["items"]
    assert (one["valid"], one["request"]["body"]) == (True, '{"n": 1.10}')
    kept = (await api.call("GET", f"/webhooks/{webhook}")).json()
    assert (kept["revision"], kept["body_template"]) == (1, TEMPLATE)
    assert [row["status"] for row in await platform.deliveries()] == ["held"]


async def test_a_faulty_change_is_refused_as_when_it_is_saved(api: Api, platform: Platform) -> None:
    webhook = await holding(api, platform, '{"n": 1}')
    answer = await asked(api, webhook, {"body_template": "{{dat.n}}", "timeout_s": 99, "x": 1})
    pointers = {one["pointer"] for one in answer.json()["errors"]}
    assert pointers == {"/body_template", "/timeout_s", "/x"}


async def test_a_change_opens_no_secret(api: Api, platform: Platform) -> None:
    whose = {"organization_id": str(platform.organization)}
    await api.call("PUT", "/secrets/token", {"value": CANARY}, params=whose)
    webhook = await holding(api, platform, '{"m": 1}', headers={"X-T": "{{secret:token}}"})
    await platform.run("update rowhook.secret set sealed = '\\x00'")
    (one,) = (await asked(api, webhook, {"body_template": '{"n": 7}'})).json()["items"]
    assert (one["outcome"], one["request"]["body"]) == ("rendered", '{"n": 7}')
    (one,) = (await asked(api, webhook)).json()["items"]
    assert (one["outcome"], CANARY in str(one)) == ("config_rejected", False)
