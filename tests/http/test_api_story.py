"""One story over REST, on every server: a webhook is made, fails, is mended and delivers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.calls import Api, running_api
from tests.support.receiver import answer
from tests.support.servers import every_server
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, every_server]


async def answered(api: Api, key: str, method: str, path: str, json: Any = None) -> Any:
    """The JSON of an answer that must be a success."""
    response = await api.call(method, path, json, key=key)
    assert response.is_success, response.text
    return response.json() if response.content else None


async def test_a_webhook_made_over_rest_fails_is_changed_and_delivers_what_was_dead(
    rig: Rig,
) -> None:
    rig.receiver.script("/wrong", answer(500))
    async with running_api(rig.dsn, keyring=rig.keyring) as api, rig.worker():
        key = await api.key_of(rig.platform.organization)
        webhook = await answered(
            api,
            key,
            "POST",
            "/webhooks",
            {
                "name": "CRM",
                "url": f"{rig.receiver.url}/wrong",
                "retry_schedule_s": [0],
                "body_template": '{"n": {{data.n}}}',
            },
        )
        path = f"/webhooks/{webhook['id']}"
        await answered(api, key, "PUT", f"{path}/goals/{rig.platform.goal}")
        commit = await rig.platform.commit('{"n": 1.10}')
        await rig.reaches("dead")
        (dead,) = (await answered(api, key, "GET", f"/deliveries?commit_id={commit}"))["items"]
        assert (dead["status"], dead["last_status_code"]) == ("dead", 500)

        await answered(api, key, "PATCH", path, {"url": f"{rig.receiver.url}/right"})
        await answered(api, key, "POST", f"/deliveries/{dead['id']}/retry")
        await rig.reaches("delivered")
        delivery = await answered(api, key, "GET", f"/deliveries/{dead['id']}")
        outcomes = [(one["number"], one["outcome"]) for one in delivery["tries"]]
        assert outcomes == [(1, "http_status"), (2, "delivered")]
        assert [one.body for one in rig.receiver.requests] == [b'{"n": 1.10}'] * 2
        assert {one.header("idempotency-key") for one in rig.receiver.requests} == {commit}
        of_webhook = f"/webhooks/health?webhook_id={webhook['id']}"
        (health,) = (await answered(api, key, "GET", of_webhook))["items"]
        assert health["webhook_id"] == webhook["id"]
