"""API keys over REST: shown once, kept as a hash, never more than who made them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from rowhook.services.access import SCOPES
from tests.support.calls import ADMIN_KEY, Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio


def faults(answer: Any) -> dict[str, str]:
    return {one["pointer"]: one["message"] for one in answer.json()["errors"]}


async def made(api: Api, draft: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    answer = await api.call(
        "POST", "/api-keys", {"name": "ci", "scopes": ["read"]} | draft, key=key
    )
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_a_key_is_shown_once_and_kept_as_its_hash(api: Api, platform: Platform) -> None:
    new = await made(api, {"organization_id": str(platform.organization)})
    assert new["key"].startswith("rhk_")
    assert (await api.call("GET", "/webhooks", key=new["key"])).status_code == 200
    listed = await api.call("GET", "/api-keys")
    assert new["key"] not in listed.text
    (shown,) = listed.json()["items"]
    assert {k: v for k, v in new.items() if k in {"id", "name", "scopes", "organization_id"}} == {
        "id": shown["id"],
        "name": "ci",
        "scopes": ["read"],
        "organization_id": str(platform.organization),
    }
    assert shown["last_used_at"] is not None
    kept = await platform.value("select hash from rowhook.api_key")
    assert kept == hashlib.sha256(new["key"].encode()).digest()


async def test_a_deleted_key_admits_nobody(api: Api, platform: Platform) -> None:
    new = await made(api, {"organization_id": str(platform.organization)})
    assert (await api.call("DELETE", f"/api-keys/{new['id']}")).status_code == 204
    assert (await api.call("GET", "/webhooks", key=new["key"])).status_code == 401
    assert (await api.call("DELETE", f"/api-keys/{new['id']}")).status_code == 404


async def test_a_key_admits_nobody_after_its_end(api: Api, platform: Platform) -> None:
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    new = await made(api, {"expires_at": ends})
    assert (await api.call("GET", "/webhooks", key=new["key"])).status_code == 200
    await platform.run("update rowhook.api_key set expires_at = now() - interval '1 s'")
    answer = await api.call("GET", "/webhooks", key=new["key"])
    assert (answer.status_code, "has expired" in answer.json()["detail"]) == (401, True)


@pytest.mark.parametrize(
    ("draft", "pointer"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2999-01-01T00:00:00"}, "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:00"}, "/expires_at"),
        ({"expires_at": "soon"}, "/expires_at"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["root"]}, "/scopes/0"),
        ({"name": " "}, "/name"),
        ({"name": "n" * 201}, "/name"),
        ({"name": "ROWHOOK_ADMIN_KEY"}, "/name"),
        ({"name": "a\0b"}, "/name"),
        ({"organization_id": 7}, "/organization_id"),
    ],
)
async def test_a_draft_with_a_fault_makes_no_key(
    empty_api: Api, draft: dict[str, Any], pointer: str
) -> None:
    body = {"name": "ci", "scopes": ["read"]} | draft
    answer = await empty_api.call("POST", "/api-keys", body)
    assert (answer.status_code, list(faults(answer))) == (422, [pointer])
    assert (await empty_api.call("GET", "/api-keys")).json()["items"] == []


async def test_a_key_grants_no_scope_that_it_lacks(api: Api, platform: Platform) -> None:
    key = await api.key_of(platform.organization, "admin", "read")
    body = {"name": "more", "scopes": ["read", "secrets", "admin", "write"]}
    answer = await api.call("POST", "/api-keys", body, key=key)
    assert answer.status_code == 422
    assert set(faults(answer)) == {"/scopes/1", "/scopes/3"}
    assert (
        faults(answer)["/scopes/1"]
        == "This key has the scopes read, admin and cannot grant secrets."
    )
    assert (await made(api, {"scopes": ["read"]}, key))["scopes"] == ["read"]


async def test_only_an_operator_key_makes_an_operator_key(api: Api, platform: Platform) -> None:
    own = await api.key_of(platform.organization)
    body = {"name": "up", "scopes": ["read"], "organization_id": None}
    answer = await api.call("POST", "/api-keys", body, key=own)
    assert answer.status_code == 422
    assert "Only an operator key" in faults(answer)["/organization_id"]
    assert (await made(api, {}, own))["organization_id"] == str(platform.organization)
    first = await made(api, {"organization_id": None, "scopes": list(SCOPES)})
    assert first["organization_id"] is None
    assert (await made(api, {"organization_id": None}, first["key"]))["organization_id"] is None


async def test_an_organization_s_keys_are_its_own(api: Api, platform: Platform) -> None:
    own = await api.key_of(platform.organization)
    other = Platform(platform.db)
    await other.set_up()
    foreign = await made(api, {"organization_id": str(other.organization)})
    operators = await made(api, {})
    listed = (await api.call("GET", "/api-keys", key=own)).json()["items"]
    assert {one["organization_id"] for one in listed} == {str(platform.organization)}
    for one in (foreign, operators):
        assert (await api.call("DELETE", f"/api-keys/{one['id']}", key=own)).status_code == 404
    body = {"name": "x", "scopes": ["read"], "organization_id": str(other.organization)}
    assert (await api.call("POST", "/api-keys", body, key=own)).status_code == 404
    params = {"organization_id": str(other.organization)}
    assert (await api.call("GET", "/api-keys", key=own, params=params)).status_code == 404
    listed = (await api.call("GET", "/api-keys", params=params)).json()["items"]
    assert [UUID(one["id"]) for one in listed] == [UUID(foreign["id"])]


async def test_keys_are_for_admins(api: Api, platform: Platform) -> None:
    key = await api.key_of(platform.organization, "read", "write", "secrets", "replay")
    for method, path in (
        ("GET", "/api-keys"),
        ("POST", "/api-keys"),
        ("GET", "/audit"),
        ("DELETE", f"/api-keys/{uuid4()}"),
    ):
        body = {"name": "x", "scopes": ["read"]} if method == "POST" else None
        expected = 404 if method == "DELETE" else 403
        assert (await api.call(method, path, body, key=key)).status_code == expected
    assert (await api.call("GET", "/api-keys", key=ADMIN_KEY)).status_code == 200
