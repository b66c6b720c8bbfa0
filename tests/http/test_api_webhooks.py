"""Webhooks over REST: saved, changed, guarded, deleted, or refused with every fault."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.support.calls import DRAFT, Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio


def faults(answer: Any) -> dict[str, str]:
    return {one["pointer"]: one["message"] for one in answer.json()["errors"]}


async def test_a_created_webhook_shows_its_signing_secret_once(
    api: Api, platform: Platform
) -> None:
    made = await api.webhook(platform.organization)
    assert made["signing_secret"].startswith("whsec_")
    answer = await api.call("GET", f"/webhooks/{made['id']}")
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"1"'
    assert "signing_secret" not in answer.json()
    assert answer.json() == {k: v for k, v in made.items() if k != "signing_secret"}


async def test_every_fault_of_a_draft_is_said_at_once_with_its_place(
    api: Api, platform: Platform
) -> None:
    answer = await api.call(
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
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    found = faults(answer)
    assert set(found) == {
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
    assert "Line 1, column" in found["/body_template"]
    assert "Secret nope does not exist" in found["/headers/X-Key"]


async def test_a_patch_and_a_preview_say_every_fault_at_once_too(
    api: Api, platform: Platform
) -> None:
    made = await api.webhook(platform.organization)
    wrong = {"timeout_s": "soon", "url": "https://10.0.0.1/", "body_template": "{{data.a"}
    changed = await api.call("PATCH", f"/webhooks/{made['id']}", wrong)
    draft = wrong | {"organization_id": str(platform.organization)}
    previewed = await api.call("POST", "/preview", draft)
    assert set(faults(changed)) == {"/timeout_s", "/url", "/body_template"}
    assert set(faults(previewed)) == {"/name", "/timeout_s", "/url", "/body_template"}
    assert (await api.call("GET", f"/webhooks/{made['id']}")).json()["revision"] == 1


async def test_a_body_that_is_no_object_is_said_so(api: Api) -> None:
    for body, word in ((b"{", "not valid JSON"), (b"[]", "must be a JSON object")):
        answer = await api.call("POST", "/webhooks", content=body)
        assert (answer.status_code, word in answer.json()["detail"]) == (400, True)


async def test_a_merge_patch_changes_what_it_names_alone(api: Api, platform: Platform) -> None:
    made = await api.webhook(
        platform.organization, headers={"X-A": "1", "X-B": "2"}, timeout_s=20, description="old"
    )
    patch = {"headers": {"X-A": None, "X-C": "3"}, "timeout_s": None}
    answer = await api.call("PATCH", f"/webhooks/{made['id']}", patch)
    assert answer.status_code == 200
    changed = answer.json()
    assert changed["headers"] == {"X-B": "2", "X-C": "3"}
    assert (changed["timeout_s"], changed["description"], changed["revision"]) == (15, "old", 2)


async def test_if_match_guards_against_lost_updates(api: Api, platform: Platform) -> None:
    made = await api.webhook(platform.organization)
    path, guard = f"/webhooks/{made['id']}", {"If-Match": '"1"'}
    first = await api.call("PATCH", path, {"name": "first"}, headers=guard)
    second = await api.call("PATCH", path, {"name": "second"}, headers=guard)
    assert (first.status_code, second.status_code) == (200, 412)
    assert "at revision 2, not at 1" in second.json()["detail"]
    assert (await api.call("GET", path)).json()["name"] == "first"


async def test_what_cannot_be_set_is_refused_with_the_way_to_do_it(
    api: Api, platform: Platform
) -> None:
    made = await api.webhook(platform.organization)
    answer = await api.call("PATCH", f"/webhooks/{made['id']}", {"state": "paused", "id": "x"})
    assert answer.status_code == 422
    assert "/pause" in faults(answer)["/state"]


async def test_an_old_revision_is_restored_as_a_new_one(api: Api, platform: Platform) -> None:
    made = await api.webhook(platform.organization)
    await api.call("PATCH", f"/webhooks/{made['id']}", {"name": "second"})
    answer = await api.call("POST", f"/webhooks/{made['id']}/revisions/1/restore")
    assert (answer.json()["name"], answer.json()["revision"]) == ("CRM", 3)
    listed = await api.call("GET", f"/webhooks/{made['id']}/revisions?limit=2")
    assert [one["revision"] for one in listed.json()["items"]] == [3, 2]
    rest = await api.call(
        "GET", f"/webhooks/{made['id']}/revisions", params={"cursor": listed.json()["next_cursor"]}
    )
    assert [one["revision"] for one in rest.json()["items"]] == [1]
    assert (
        await api.call("POST", f"/webhooks/{made['id']}/revisions/9/restore")
    ).status_code == 404


async def test_pages_hold_every_webhook_once(api: Api, platform: Platform) -> None:
    for number in range(5):
        await api.webhook(platform.organization, name=f"webhook {number}")
    names: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.call("GET", "/webhooks", params=params)).json()
        names += [one["name"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert names == [f"webhook {number}" for number in range(4, -1, -1)]


async def test_a_rotation_shows_the_new_secret_once(api: Api, platform: Platform) -> None:
    made = await api.webhook(platform.organization)
    answer = await api.call("POST", f"/webhooks/{made['id']}/rotate-secret", {"overlap_s": 60})
    assert answer.status_code == 200
    assert answer.json()["signing_secret"] != made["signing_secret"]


async def test_a_deleted_webhook_is_gone_and_its_history_stays(
    api: Api, platform: Platform
) -> None:
    made = await api.webhook(platform.organization)
    assert (await api.call("DELETE", f"/webhooks/{made['id']}")).status_code == 204
    assert (await api.call("GET", f"/webhooks/{made['id']}")).status_code == 404
    assert (await api.call("DELETE", f"/webhooks/{made['id']}")).status_code == 404
    kept = await platform.value("select count(*) from rowhook.webhook_revision")
    assert kept == 1


async def test_another_organization_s_webhook_does_not_exist(api: Api, platform: Platform) -> None:
    made = await api.webhook(platform.organization)
    other = Platform(platform.db)
    await other.set_up()
    key = await api.key_of(other.organization)
    path = f"/webhooks/{made['id']}"
    for method, body in (("GET", None), ("PATCH", {"nonsense": 1}), ("DELETE", None)):
        assert (await api.call(method, path, body, key=key)).status_code == 404
    assert (await api.call("GET", "/webhooks", key=key)).json()["items"] == []
    draft = DRAFT | {"organization_id": str(platform.organization)}
    assert (await api.call("POST", "/webhooks", draft, key=key)).status_code == 404


async def test_a_key_may_do_what_its_scopes_say(api: Api, platform: Platform) -> None:
    key = await api.key_of(platform.organization, "read")
    assert (await api.call("GET", "/webhooks", key=key)).status_code == 200
    answer = await api.call("POST", "/webhooks", DRAFT, key=key)
    assert answer.status_code == 403
    assert "lacks the scope write. It has: read." in answer.json()["detail"]


@pytest.mark.parametrize("key", ["", "rhk_" + "b" * 40])
async def test_without_a_known_key_nobody_comes_in(api: Api, key: str) -> None:
    answer = await api.call("GET", f"/webhooks/{uuid4()}", key=key)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_change_that_changes_nothing_is_no_revision(api: Api, platform: Platform) -> None:
    made = await api.webhook(platform.organization, timeout_s=15, metadata={"price": 1.5})
    answer = await api.call("PATCH", f"/webhooks/{made['id']}", {"timeout_s": 15.0})
    assert (answer.status_code, answer.json()["revision"]) == (200, 1)
    audited = "select count(*) from rowhook.audit where action = 'webhook.changed'"
    assert await platform.value(audited) == 0
