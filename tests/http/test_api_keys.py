"""API keys over REST: creation, hashing, expiry, and the scopes a key may grant."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from rowhook.services.access import SCOPES
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import ADMIN_KEY, Api, faults
from tests.support.sample_platform import Platform, other_platform

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


async def create_key(api: Api, draft: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    response = await api.call(
        "POST", "/api-keys", {"name": "ci", "scopes": ["read"]} | draft, key=key
    )
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    return body


async def test_a_key_is_returned_once_and_stored_as_a_hash(api: Api, platform: Platform) -> None:
    created = await create_key(api, {"organization_id": str(platform.organization)})
    assert created["key"].startswith("rhk_")
    assert (await api.call("GET", "/webhooks", key=created["key"])).status_code == 200
    listed = await api.call("GET", "/api-keys")
    assert created["key"] not in listed.text
    (listed_key,) = listed.json()["items"]
    assert {
        k: v for k, v in created.items() if k in {"id", "name", "scopes", "organization_id"}
    } == {
        "id": listed_key["id"],
        "name": "ci",
        "scopes": ["read"],
        "organization_id": str(platform.organization),
    }
    assert listed_key["last_used_at"] is not None
    stored = await platform.value("select hash from rowhook.api_key")
    assert stored == hashlib.sha256(created["key"].encode()).digest()


async def test_a_deleted_key_is_rejected(api: Api, platform: Platform) -> None:
    created = await create_key(api, {"organization_id": str(platform.organization)})
    assert (await api.call("DELETE", f"/api-keys/{created['id']}")).status_code == 204
    assert (await api.call("GET", "/webhooks", key=created["key"])).status_code == 401
    assert (await api.call("DELETE", f"/api-keys/{created['id']}")).status_code == 404


async def test_an_expired_key_is_rejected(api: Api, platform: Platform) -> None:
    expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    created = await create_key(api, {"expires_at": expires_at})
    assert (await api.call("GET", "/webhooks", key=created["key"])).status_code == 200
    await platform.run("update rowhook.api_key set expires_at = now() - interval '1 s'")
    response = await api.call("GET", "/webhooks", key=created["key"])
    assert (response.status_code, "has expired" in response.json()["detail"]) == (401, True)


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
async def test_an_invalid_draft_creates_no_key(
    empty_api: Api, draft: dict[str, Any], pointer: str
) -> None:
    body = {"name": "ci", "scopes": ["read"]} | draft
    response = await empty_api.call("POST", "/api-keys", body)
    assert (response.status_code, list(faults(response))) == (422, [pointer])
    assert (await empty_api.call("GET", "/api-keys")).json()["items"] == []


async def test_a_key_cannot_grant_a_scope_that_it_lacks(api: Api, platform: Platform) -> None:
    key = await api.key_of(platform.organization, "admin", "read")
    body = {"name": "more", "scopes": ["read", "secrets", "admin", "write"]}
    response = await api.call("POST", "/api-keys", body, key=key)
    assert response.status_code == 422
    assert set(faults(response)) == {"/scopes/1", "/scopes/3"}
    assert (
        faults(response)["/scopes/1"]
        == "This key has the scopes read, admin and cannot grant secrets."
    )
    assert (await create_key(api, {"scopes": ["read"]}, key))["scopes"] == ["read"]


async def test_only_an_operator_key_creates_operator_keys(api: Api, platform: Platform) -> None:
    own = await api.key_of(platform.organization)
    body = {"name": "up", "scopes": ["read"], "organization_id": None}
    response = await api.call("POST", "/api-keys", body, key=own)
    assert response.status_code == 422
    assert "Only an operator key" in faults(response)["/organization_id"]
    assert (await create_key(api, {}, own))["organization_id"] == str(platform.organization)
    operator = await create_key(api, {"organization_id": None, "scopes": list(SCOPES)})
    assert operator["organization_id"] is None
    assert (await create_key(api, {"organization_id": None}, operator["key"]))[
        "organization_id"
    ] is None


async def test_a_key_manages_only_keys_of_its_organization(api: Api, platform: Platform) -> None:
    own = await api.key_of(platform.organization)
    other = await other_platform(platform)
    foreign = await create_key(api, {"organization_id": str(other.organization)})
    operators = await create_key(api, {})
    listed = (await api.call("GET", "/api-keys", key=own)).json()["items"]
    assert {item["organization_id"] for item in listed} == {str(platform.organization)}
    for other_key in (foreign, operators):
        assert (
            await api.call("DELETE", f"/api-keys/{other_key['id']}", key=own)
        ).status_code == 404
    body = {"name": "x", "scopes": ["read"], "organization_id": str(other.organization)}
    assert (await api.call("POST", "/api-keys", body, key=own)).status_code == 404
    params = {"organization_id": str(other.organization)}
    assert (await api.call("GET", "/api-keys", key=own, params=params)).status_code == 404
    listed = (await api.call("GET", "/api-keys", params=params)).json()["items"]
    assert [UUID(item["id"]) for item in listed] == [UUID(foreign["id"])]


async def test_keys_and_audit_need_the_scope_admin(api: Api, platform: Platform) -> None:
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


async def test_the_form_for_a_key_shows_all_its_faults_at_once(
    visitor: httpx.AsyncClient,
) -> None:
    csrf = await sign_in(visitor)
    form = {"csrf": csrf, "name": " ", "organization_id": "nobody", "expires_at": "soon"}
    response = await visitor.post("/keys", data=form)
    assert response.status_code == 422
    for message in (
        "Use 1 to 200 characters.",
        "Use at least one of read",
        "Organization nobody does not exist.",
        "Enter a time such as",
    ):
        assert message in response.text
