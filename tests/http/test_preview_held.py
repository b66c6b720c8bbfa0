"""Previews of held deliveries with the current webhook and with a change."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.calls import Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
CANARY = "canary-4b1d-7f"
TEMPLATE = '{"n": {{data.m}}}'


async def create_held_deliveries(
    api: Api, platform: Platform, *payloads: str, **fields: Any
) -> str:
    """Creates a webhook with a held delivery for each payload."""
    created = await api.webhook(platform.organization, **({"body_template": TEMPLATE} | fields))
    response = await api.call("PUT", f"/webhooks/{created['id']}/goals/{platform.goal}")
    assert response.status_code == 204, response.text
    for data in payloads:
        await platform.commit(data)
    claims = await platform.claim(api.server_ctx.pool)
    for claim in claims:
        assert await platform.record(api.server_ctx.pool, claim, "render_failed", error="no m")
    webhook: str = created["id"]
    return webhook


async def preview_held(api: Api, webhook: str, patch: Any = None, **query: Any) -> httpx.Response:
    response = await api.call("POST", f"/webhooks/{webhook}/preview-held", patch, params=query)
    assert response.status_code in (200, 422), response.text
    return response


async def test_each_held_delivery_is_previewed_newest_first(api: Api, platform: Platform) -> None:
    webhook = await create_held_deliveries(api, platform, '{"n": 1.10}', '{"m": 2.20}')
    items = (await preview_held(api, webhook)).json()["items"]
    deliveries = [row["id"] for row in await platform.deliveries()]
    assert [item["delivery_id"] for item in items] == sorted(deliveries, reverse=True)
    assert [item["outcome"] for item in items] == ["rendered", "render_failed"]
    assert items[0]["request"]["body"] == '{"n": 2.20}'
    (fault,) = items[1]["faults"]
    assert (fault["pointer"], fault["line"], fault["column"]) == ("/body_template", 1, 9)
    assert len((await preview_held(api, webhook, limit=1)).json()["items"]) == 1


async def test_a_change_is_previewed_on_held_deliveries_and_not_saved(
    api: Api, platform: Platform
) -> None:
    webhook = await create_held_deliveries(api, platform, '{"n": 1.10}')
    patch = {"body_template": '{"n": {{data.n}}}'}
    (item,) = (await preview_held(api, webhook, patch)).json()["items"]
    assert (item["valid"], item["request"]["body"]) == (True, '{"n": 1.10}')
    webhook_now = (await api.call("GET", f"/webhooks/{webhook}")).json()
    assert (webhook_now["revision"], webhook_now["body_template"]) == (1, TEMPLATE)
    assert [row["status"] for row in await platform.deliveries()] == ["held"]


async def test_an_invalid_change_is_refused_with_the_faults_of_a_save(
    api: Api, platform: Platform
) -> None:
    webhook = await create_held_deliveries(api, platform, '{"n": 1}')
    response = await preview_held(
        api, webhook, {"body_template": "{{dat.n}}", "timeout_s": 99, "x": 1}
    )
    pointers = {error["pointer"] for error in response.json()["errors"]}
    assert pointers == {"/body_template", "/timeout_s", "/x"}


async def test_a_preview_decrypts_no_secret_that_the_change_does_not_use(
    api: Api, platform: Platform
) -> None:
    owner = {"organization_id": str(platform.organization)}
    await api.call("PUT", "/secrets/token", {"value": CANARY}, params=owner)
    webhook = await create_held_deliveries(
        api, platform, '{"m": 1}', headers={"X-T": "{{secret:token}}"}
    )
    await platform.run("update rowhook.secret set sealed = '\\x00'")
    (item,) = (await preview_held(api, webhook, {"body_template": '{"n": 7}'})).json()["items"]
    assert (item["outcome"], item["request"]["body"]) == ("rendered", '{"n": 7}')
    (item,) = (await preview_held(api, webhook)).json()["items"]
    assert (item["outcome"], CANARY in str(item)) == ("config_rejected", False)
