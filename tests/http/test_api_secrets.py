"""Secrets over REST: write-only values, ownership, and deletion while in use."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from rowhook.db import engine
from rowhook.db.connection_pool import Pool
from tests.support.calls import Api, faults
from tests.support.sample_platform import Platform, other_platform
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio
CANARY = "canary-6f1d0c"
USING = {"headers": {"X-Key": "{{secret:crm}}"}}


@pytest.fixture
async def key(api: Api, platform: Platform) -> str:
    """A key of the organization, with all scopes."""
    return await api.key_of(platform.organization)


async def test_a_secret_is_saved_listed_replaced_and_deleted(
    api: Api, platform: Platform, key: str
) -> None:
    for value in (CANARY, CANARY + "2"):
        body = {"value": value, "allowed_hosts": ["crm.example.com"]}
        assert (await api.call("PUT", "/secrets/crm", body, key=key)).status_code == 204
    (secret,) = (await api.call("GET", "/secrets", key=key)).json()["items"]
    assert (secret["id"], secret["version"], secret["used_by"]) == ("crm", 2, [])
    assert secret["allowed_hosts"] == ["crm.example.com"]
    assert secret["organization_id"] == str(platform.organization)
    assert (await api.call("DELETE", "/secrets/crm", key=key)).status_code == 204
    assert (await api.call("GET", "/secrets", key=key)).json()["items"] == []
    assert (await api.call("DELETE", "/secrets/crm", key=key)).status_code == 404


async def test_no_response_and_no_row_contains_a_secret_value(
    api: Api, platform: Platform, key: str
) -> None:
    await api.call("PUT", "/secrets/crm", {"value": CANARY}, key=key)
    webhook = await api.webhook(platform.organization, **USING)
    for path in ("/secrets", "/webhooks", f"/webhooks/{webhook['id']}/revisions", "/audit"):
        assert CANARY not in (await api.call("GET", path, key=key)).text
    (row,) = await platform.rows("select * from rowhook.secret")
    assert CANARY.encode() not in row["sealed"]


async def test_a_secret_in_use_cannot_be_deleted_and_its_webhooks_are_named(
    api: Api, platform: Platform, key: str
) -> None:
    await api.call("PUT", "/secrets/crm", {"value": CANARY}, key=key)
    webhooks = [await api.webhook(platform.organization, name=name, **USING) for name in "ab"]
    response = await api.call("DELETE", "/secrets/crm", key=key)
    assert response.status_code == 409
    assert [(error["id"], error["name"]) for error in response.json()["errors"]] == [
        (webhook["id"], webhook["name"]) for webhook in webhooks
    ]
    for webhook in webhooks:
        await api.call("PATCH", f"/webhooks/{webhook['id']}", {"headers": None}, key=key)
    assert (await api.call("DELETE", "/secrets/crm", key=key)).status_code == 204


async def test_replacing_a_secret_releases_held_deliveries(
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
        return [delivery["status"] for delivery in await platform.deliveries()] == ["pending"]

    await until(released)


async def test_a_secret_id_with_invalid_characters_is_refused(api: Api, key: str) -> None:
    for secret in ("a%20b", "ü", "a%2Fb", "a:b", "x" * 129, "%00", "a%25"):
        for method, body in (("PUT", {"value": CANARY}), ("DELETE", None)):
            response = await api.call(method, f"/secrets/{secret}", body, key=key)
            assert (response.status_code, list(faults(response))) == (422, ["/secret_id"])


async def test_a_secret_id_may_use_every_allowed_character(api: Api, key: str) -> None:
    for secret in ("A-z_0.9", "x" * 128, "...", "-"):
        response = await api.call("PUT", f"/secrets/{secret}", {"value": CANARY}, key=key)
        assert response.status_code == 204, secret
    assert len((await api.call("GET", "/secrets", key=key)).json()["items"]) == 4


async def test_all_faults_of_a_secret_are_reported_without_its_value(api: Api, key: str) -> None:
    hosts = ["crm.example.com", "https://x.example.com", "UPPER.example.com", "x.example.com:1"]
    body: dict[str, Any] = {"value": "v" * 20_000, "allowed_hosts": hosts}
    response = await api.call("PUT", "/secrets/crm", body, key=key)
    assert set(faults(response)) == {"/value", *(f"/allowed_hosts/{n}" for n in (1, 2, 3))}
    invalid_bodies: list[dict[str, Any]] = [
        {"value": ""},
        {"value": CANARY + "\0"},
        {"value": [CANARY]},
        {},
    ]
    for body in invalid_bodies:
        response = await api.call("PUT", "/secrets/crm", body, key=key)
        assert (response.status_code, list(faults(response))) == (422, ["/value"])
        assert CANARY not in response.text


async def test_an_operator_must_name_the_organization_of_a_secret(
    api: Api, platform: Platform
) -> None:
    calls = (
        ("PUT", "/secrets/crm", {"value": CANARY}),
        ("GET", "/secrets", None),
        ("DELETE", "/secrets/crm", None),
    )
    for method, path, body in calls:
        response = await api.call(method, path, body)
        assert response.status_code == 422
        assert "required with an operator key" in faults(response)["/organization_id"]
        params = {"organization_id": str(platform.organization)}
        response = await api.call(method, path, body, params=params)
        assert response.status_code in {200, 204}
        params = {"organization_id": str(uuid4())}
        assert (await api.call(method, path, {"no": 1}, params=params)).status_code == 404


async def test_a_secret_of_another_organization_is_not_found(
    api: Api, platform: Platform, key: str
) -> None:
    await api.call("PUT", "/secrets/crm", {"value": CANARY}, key=key)
    other = await other_platform(platform)
    stranger = await api.key_of(other.organization)
    params = {"organization_id": str(platform.organization)}
    for method, path in (("PUT", "/secrets/crm"), ("GET", "/secrets"), ("DELETE", "/secrets/crm")):
        body = {"value": "mine"} if method == "PUT" else None
        response = await api.call(method, path, body, key=stranger, params=params)
        assert response.status_code == 404
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


async def test_concurrent_writes_of_a_secret_get_separate_versions(
    api: Api, platform: Platform, key: str
) -> None:
    calls = [api.call("PUT", "/secrets/crm", {"value": f"v{n}"}, key=key) for n in range(8)]
    assert [response.status_code for response in await asyncio.gather(*calls)] == [204] * 8
    (row,) = await platform.rows("select * from rowhook.secret")
    assert row["version"] == 8
    value = api.server_ctx.ctx.keyring.open(
        row["sealed"], organization_id=platform.organization, name="crm", version=8
    )
    assert value.startswith("v")
