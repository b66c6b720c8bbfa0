"""Webhooks over REST: creation, changes, revisions, deletion and faults."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.support.calls import DRAFT, Api, faults
from tests.support.sample_platform import Platform, other_platform

pytestmark = pytest.mark.anyio


async def test_the_signing_secret_is_returned_only_at_creation(
    api: Api, platform: Platform
) -> None:
    webhook = await api.webhook(platform.organization)
    assert webhook["signing_secret"].startswith("whsec_")
    response = await api.call("GET", f"/webhooks/{webhook['id']}")
    assert response.status_code == 200
    assert response.headers["etag"] == '"1"'
    assert "signing_secret" not in response.json()
    assert response.json() == {k: v for k, v in webhook.items() if k != "signing_secret"}


async def test_every_fault_of_a_draft_is_reported_at_once_with_its_pointer(
    api: Api, platform: Platform
) -> None:
    response = await api.call(
        "POST",
        "/webhooks",
        {
            "organization_id": str(platform.organization),
            "name": " ",
            "url": "https://10.0.0.1/",
            "headers": {
                "Host": "a",
                "X-Key": "{{secret:nope}}",
                "X-Number": 5,
                "X-Open": "{{data.b",
            },
            "body_template": "{{data.a",
            "schema": {"type": "objekt"},
            "timeout_s": "soon",
            "retry_schedule_s": [0, "later", -1],
            "surprise": 1,
        },
    )
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    errors = faults(response)
    assert set(errors) == {
        "/name",
        "/url",
        "/headers/Host",
        "/headers/X-Key",
        "/headers/X-Number",
        "/headers/X-Open",
        "/body_template",
        "/schema/type",
        "/timeout_s",
        "/retry_schedule_s/1",
        "/retry_schedule_s/2",
        "/surprise",
    }
    assert "Line 1, column" in errors["/body_template"]
    assert "Secret nope does not exist" in errors["/headers/X-Key"]


async def test_every_fault_of_a_patch_and_a_preview_is_reported_at_once(
    api: Api, platform: Platform
) -> None:
    webhook = await api.webhook(platform.organization)
    invalid = {"timeout_s": "soon", "url": "https://10.0.0.1/", "body_template": "{{data.a"}
    changed = await api.call("PATCH", f"/webhooks/{webhook['id']}", invalid)
    draft = invalid | {"organization_id": str(platform.organization)}
    previewed = await api.call("POST", "/preview", draft)
    assert set(faults(changed)) == {"/timeout_s", "/url", "/body_template"}
    assert set(faults(previewed)) == {"/name", "/timeout_s", "/url", "/body_template"}
    assert (await api.call("GET", f"/webhooks/{webhook['id']}")).json()["revision"] == 1


async def test_a_body_that_is_not_a_json_object_is_refused(api: Api) -> None:
    for body, message in ((b"{", "not valid JSON"), (b"[]", "must be a JSON object")):
        response = await api.call("POST", "/webhooks", content=body)
        assert (response.status_code, message in response.json()["detail"]) == (400, True)


async def test_a_merge_patch_changes_only_the_named_fields(api: Api, platform: Platform) -> None:
    webhook = await api.webhook(
        platform.organization, headers={"X-A": "1", "X-B": "2"}, timeout_s=20, description="old"
    )
    patch = {"headers": {"X-A": None, "X-C": "3"}, "timeout_s": None}
    response = await api.call("PATCH", f"/webhooks/{webhook['id']}", patch)
    assert response.status_code == 200
    changed = response.json()
    assert changed["headers"] == {"X-B": "2", "X-C": "3"}
    assert (changed["timeout_s"], changed["description"], changed["revision"]) == (15, "old", 2)


async def test_if_match_guards_against_lost_updates(api: Api, platform: Platform) -> None:
    webhook = await api.webhook(platform.organization)
    path, guard = f"/webhooks/{webhook['id']}", {"If-Match": '"1"'}
    first = await api.call("PATCH", path, {"name": "first"}, headers=guard)
    second = await api.call("PATCH", path, {"name": "second"}, headers=guard)
    assert (first.status_code, second.status_code) == (200, 412)
    assert "at revision 2, not at 1" in second.json()["detail"]
    assert (await api.call("GET", path)).json()["name"] == "first"


async def test_a_read_only_field_is_refused_with_the_call_that_changes_it(
    api: Api, platform: Platform
) -> None:
    webhook = await api.webhook(platform.organization)
    response = await api.call("PATCH", f"/webhooks/{webhook['id']}", {"state": "paused", "id": "x"})
    assert response.status_code == 422
    assert "/pause" in faults(response)["/state"]


async def test_an_old_revision_is_restored_as_a_new_one(api: Api, platform: Platform) -> None:
    webhook = await api.webhook(platform.organization)
    await api.call("PATCH", f"/webhooks/{webhook['id']}", {"name": "second"})
    response = await api.call("POST", f"/webhooks/{webhook['id']}/revisions/1/restore")
    assert (response.json()["name"], response.json()["revision"]) == ("CRM", 3)
    listed = await api.call("GET", f"/webhooks/{webhook['id']}/revisions?limit=2")
    assert [revision["revision"] for revision in listed.json()["items"]] == [3, 2]
    rest = await api.call(
        "GET",
        f"/webhooks/{webhook['id']}/revisions",
        params={"cursor": listed.json()["next_cursor"]},
    )
    assert [revision["revision"] for revision in rest.json()["items"]] == [1]
    assert (
        await api.call("POST", f"/webhooks/{webhook['id']}/revisions/9/restore")
    ).status_code == 404


async def test_pages_list_every_webhook_once(api: Api, platform: Platform) -> None:
    for number in range(5):
        await api.webhook(platform.organization, name=f"webhook {number}")
    names: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.call("GET", "/webhooks", params=params)).json()
        names += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert names == [f"webhook {number}" for number in range(4, -1, -1)]


async def test_a_rotation_returns_the_new_secret(api: Api, platform: Platform) -> None:
    webhook = await api.webhook(platform.organization)
    response = await api.call("POST", f"/webhooks/{webhook['id']}/rotate-secret", {"overlap_s": 60})
    assert response.status_code == 200
    assert response.json()["signing_secret"] != webhook["signing_secret"]


async def test_a_deleted_webhook_is_not_found_and_its_revisions_stay(
    api: Api, platform: Platform
) -> None:
    webhook = await api.webhook(platform.organization)
    assert (await api.call("DELETE", f"/webhooks/{webhook['id']}")).status_code == 204
    assert (await api.call("GET", f"/webhooks/{webhook['id']}")).status_code == 404
    assert (await api.call("DELETE", f"/webhooks/{webhook['id']}")).status_code == 404
    count = await platform.value("select count(*) from rowhook.webhook_revision")
    assert count == 1


async def test_a_webhook_of_another_organization_does_not_exist(
    api: Api, platform: Platform
) -> None:
    webhook = await api.webhook(platform.organization)
    other = await other_platform(platform)
    key = await api.key_of(other.organization)
    path = f"/webhooks/{webhook['id']}"
    for method, body in (("GET", None), ("PATCH", {"nonsense": 1}), ("DELETE", None)):
        assert (await api.call(method, path, body, key=key)).status_code == 404
    assert (await api.call("GET", "/webhooks", key=key)).json()["items"] == []
    draft = DRAFT | {"organization_id": str(platform.organization)}
    assert (await api.call("POST", "/webhooks", draft, key=key)).status_code == 404


async def test_a_key_may_only_use_its_scopes(api: Api, platform: Platform) -> None:
    key = await api.key_of(platform.organization, "read")
    assert (await api.call("GET", "/webhooks", key=key)).status_code == 200
    response = await api.call("POST", "/webhooks", DRAFT, key=key)
    assert response.status_code == 403
    assert "lacks the scope write. It has: read." in response.json()["detail"]


@pytest.mark.parametrize("key", ["", "rhk_" + "b" * 40])
async def test_a_missing_or_unknown_key_is_401(api: Api, key: str) -> None:
    response = await api.call("GET", f"/webhooks/{uuid4()}", key=key)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_change_without_effect_creates_no_revision(api: Api, platform: Platform) -> None:
    webhook = await api.webhook(platform.organization, timeout_s=15, metadata={"price": 1.5})
    response = await api.call("PATCH", f"/webhooks/{webhook['id']}", {"timeout_s": 15.0})
    assert (response.status_code, response.json()["revision"]) == (200, 1)
    audited = "select count(*) from rowhook.audit where action = 'webhook.changed'"
    assert await platform.value(audited) == 0
