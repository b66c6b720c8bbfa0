"""A webhook over REST, on every PostgreSQL server: created, failed, fixed, delivered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.calls import Api, running_api
from tests.support.receiver import answer
from tests.support.servers import every_server
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, every_server]


async def call_ok(api: Api, key: str, method: str, path: str, json: Any = None) -> Any:
    """Makes a call that must succeed and returns the JSON of its response."""
    response = await api.call(method, path, json, key=key)
    assert response.is_success, response.text
    return response.json() if response.content else None


async def test_a_webhook_fails_is_changed_and_delivers_its_dead_delivery(
    rig: Rig,
) -> None:
    rig.receiver.script("/wrong", answer(500))
    async with running_api(rig.dsn, keyring=rig.keyring) as api, rig.worker():
        key = await api.key_of(rig.platform.organization)
        webhook = await call_ok(
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
        await call_ok(api, key, "PUT", f"{path}/goals/{rig.platform.goal}")
        commit = await rig.platform.commit('{"n": 1.10}')
        await rig.reaches("dead")
        (dead,) = (await call_ok(api, key, "GET", f"/deliveries?commit_id={commit}"))["items"]
        assert (dead["status"], dead["last_status_code"]) == ("dead", 500)

        await call_ok(api, key, "PATCH", path, {"url": f"{rig.receiver.url}/right"})
        await call_ok(api, key, "POST", f"/deliveries/{dead['id']}/retry")
        await rig.reaches("delivered")
        delivery = await call_ok(api, key, "GET", f"/deliveries/{dead['id']}")
        outcomes = [(attempt["number"], attempt["outcome"]) for attempt in delivery["tries"]]
        assert outcomes == [(1, "http_status"), (2, "delivered")]
        assert [request.body for request in rig.receiver.requests] == [b'{"n": 1.10}'] * 2
        assert {request.header("idempotency-key") for request in rig.receiver.requests} == {commit}
        of_webhook = f"/webhooks/health?webhook_id={webhook['id']}"
        (health,) = (await call_ok(api, key, "GET", of_webhook))["items"]
        assert health["webhook_id"] == webhook["id"]
