"""Secrets over REST: written and never read, whose they are, and kept while a webhook uses one."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from rowhook.db import engine
from rowhook.db.connection_pool import Pool
from tests.support.calls import Api
from tests.support.sample_platform import Platform
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio
CANARY = "canary-6f1d0c"
USING = {"headers": {"X-Key": "{{secret:crm}}"}}


def faults(answer: Any) -> dict[str, str]:
    return {one["pointer"]: one["message"] for one in answer.json()["errors"]}


@pytest.fixture
async def key(api: Api, platform: Platform) -> str:
    """A key of the organization, with all scopes."""
    return await api.key_of(platform.organization)


async def test_a_secret_is_put_listed_replaced_and_deleted(
    api: Api, platform: Platform, key: str
) -> None:
    for value in (CANARY, CANARY + "2"):
        body = {"value": value, "allowed_hosts": ["crm.example.com"]}
        assert (await api.call("PUT", "/secrets/crm", body, key=key)).status_code == 204
    (shown,) = (await api.call("GET", "/secrets", key=key)).json()["items"]
    assert (shown["id"], shown["version"], shown["used_by"]) == ("crm", 2, [])
    assert shown["allowed_hosts"] == ["crm.example.com"]
    assert shown["organization_id"] == str(platform.organization)
    assert (await api.call("DELETE", "/secrets/crm", key=key)).status_code == 204
    assert (await api.call("GET", "/secrets", key=key)).json()["items"] == []
    assert (await api.call("DELETE", "/secrets/crm", key=key)).status_code == 404


async def test_no_answer_and_no_row_holds_a_value(api: Api, platform: Platform, key: str) -> None:
    await api.call("PUT", "/secrets/crm", {"value": CANARY}, key=key)
    made = await api.webhook(platform.organization, **USING)
    for path in ("/secrets", "/webhooks", f"/webhooks/{made['id']}/revisions", "/audit"):
        assert CANARY not in (await api.call("GET", path, key=key)).text
    (row,) = await platform.rows("select * from rowhook.secret")
    assert CANARY.encode() not in row["sealed"]


async def test_a_secret_in_use_is_kept_and_the_answer_names_the_webhooks(
    api: Api, platform: Platform, key: str
) -> None:
    await api.call("PUT", "/secrets/crm", {"value": CANARY}, key=key)
    made = [await api.webhook(platform.organization, name=name, **USING) for name in "ab"]
    answer = await api.call("DELETE", "/secrets/crm", key=key)
    assert answer.status_code == 409
    assert [(one["id"], one["name"]) for one in answer.json()["errors"]] == [
        (one["id"], one["name"]) for one in made
    ]
    for one in made:
        await api.call("PATCH", f"/webhooks/{one['id']}", {"headers": None}, key=key)
    assert (await api.call("DELETE", "/secrets/crm", key=key)).status_code == 204


async def test_a_replaced_secret_releases_what_was_held(
    api: Api, platform: Platform, pool: Pool, key: str
) -> None:
    await api.call("PUT", "/secrets/crm", {"value": CANARY}, key=key)
    webhook = (await api.webhook(platform.organization, **USING))["id"]
    await api.call("PUT", f"/webhooks/{webhook}/agents/{platform.agent}", key=key)
    await platform.job("succeeded")
    (claim,) = await platform.claim(pool)
    await platform.record(pool, claim, "render_failed", error="why")
    await api.call("PUT", "/secrets/crm", {"value": "better"}, key=key)

    async def released() -> bool:
        await engine.sweep(pool)
        return [one["status"] for one in await platform.deliveries()] == ["pending"]

    await until(released)


async def test_an_id_of_other_characters_is_refused(api: Api, key: str) -> None:
    for secret in ("a%20b", "ü", "a%2Fb", "a:b", "x" * 129, "%00", "a%25"):
        for method, body in (("PUT", {"value": CANARY}), ("DELETE", None)):
            answer = await api.call(method, f"/secrets/{secret}", body, key=key)
            assert (answer.status_code, list(faults(answer))) == (422, ["/secret_id"])


async def test_every_character_of_an_id_may_be_used(api: Api, key: str) -> None:
    for secret in ("A-z_0.9", "x" * 128, "...", "-"):
        answer = await api.call("PUT", f"/secrets/{secret}", {"value": CANARY}, key=key)
        assert answer.status_code == 204, secret
    assert len((await api.call("GET", "/secrets", key=key)).json()["items"]) == 4


async def test_faults_of_a_secret_are_said_at_once_and_never_quote_it(api: Api, key: str) -> None:
    hosts = ["crm.example.com", "https://x.example.com", "UPPER.example.com", "x.example.com:1"]
    body: dict[str, Any] = {"value": "v" * 20_000, "allowed_hosts": hosts}
    answer = await api.call("PUT", "/secrets/crm", body, key=key)
    assert set(faults(answer)) == {"/value", *(f"/allowed_hosts/{n}" for n in (1, 2, 3))}
    wrong: list[dict[str, Any]] = [{"value": ""}, {"value": CANARY + "\0"}, {"value": [CANARY]}, {}]
    for body in wrong:
        answer = await api.call("PUT", "/secrets/crm", body, key=key)
        assert (answer.status_code, list(faults(answer))) == (422, ["/value"])
        assert CANARY not in answer.text


async def test_an_operator_says_whose_secret_it_is(api: Api, platform: Platform) -> None:
    calls = (
        ("PUT", "/secrets/crm", {"value": CANARY}),
        ("GET", "/secrets", None),
        ("DELETE", "/secrets/crm", None),
    )
    for method, path, body in calls:
        answer = await api.call(method, path, body)
        assert answer.status_code == 422
        assert "required with an operator key" in faults(answer)["/organization_id"]
        params = {"organization_id": str(platform.organization)}
        answer = await api.call(method, path, body, params=params)
        assert answer.status_code in {200, 204}
        params = {"organization_id": str(uuid4())}
        assert (await api.call(method, path, {"no": 1}, params=params)).status_code == 404


async def test_another_organization_s_secret_is_out_of_reach(
    api: Api, platform: Platform, key: str
) -> None:
    await api.call("PUT", "/secrets/crm", {"value": CANARY}, key=key)
    other = Platform(platform.db)
    await other.set_up()
    stranger = await api.key_of(other.organization)
    params = {"organization_id": str(platform.organization)}
    for method, path in (("PUT", "/secrets/crm"), ("GET", "/secrets"), ("DELETE", "/secrets/crm")):
        body = {"value": "mine"} if method == "PUT" else None
        answer = await api.call(method, path, body, key=stranger, params=params)
        assert answer.status_code == 404
    assert (await api.call("GET", "/secrets", key=stranger)).json()["items"] == []
    assert (await api.call("DELETE", "/secrets/crm", key=stranger)).status_code == 404


async def test_secrets_have_a_scope_of_their_own(api: Api, platform: Platform) -> None:
    reader = await api.key_of(platform.organization, "read", "write", "replay", "admin")
    writer = await api.key_of(platform.organization, "secrets")
    body = {"value": CANARY}
    assert (await api.call("PUT", "/secrets/crm", body, key=reader)).status_code == 403
    assert (await api.call("DELETE", "/secrets/crm", key=reader)).status_code == 403
    assert (await api.call("GET", "/secrets", key=reader)).status_code == 200
    assert (await api.call("GET", "/secrets", key=writer)).status_code == 403
    assert (await api.call("PUT", "/secrets/crm", body, key=writer)).status_code == 204


async def test_secrets_put_at_once_get_a_version_each(
    api: Api, platform: Platform, key: str
) -> None:
    calls = [api.call("PUT", "/secrets/crm", {"value": f"v{n}"}, key=key) for n in range(8)]
    assert [one.status_code for one in await asyncio.gather(*calls)] == [204] * 8
    (row,) = await platform.rows("select * from rowhook.secret")
    assert row["version"] == 8
    opened = api.server_ctx.ctx.keyring.open(
        row["sealed"], organization_id=platform.organization, name="crm", version=8
    )
    assert opened.startswith("v")
