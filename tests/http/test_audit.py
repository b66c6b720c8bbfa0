"""The audit: every change leaves a row that says who did what, and none holds a secret."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from uuid import UUID

import pytest

from rowhook.db.statements import StatementError, TenantPool
from tests.support.calls import DRAFT, Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
CANARY = "canary-6f1d0c"
USING = {"headers": {"X-Key": "{{secret:crm}}"}}


class Ann:
    """A person with a key of that name; every answer is kept."""

    def __init__(self, api: Api, key: str) -> None:
        self.api = api
        self.key = key
        self.answers: list[Any] = []

    async def does(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = await self.api.call(method, path, body, key=self.key, **options)
        assert answer.is_success, answer.text
        self.answers.append(answer.json() if answer.content else None)
        return self.answers[-1]

    async def audit(self, **params: Any) -> list[dict[str, Any]]:
        """Her organization's audit, oldest first."""
        params = {"limit": 200} | params
        answer = await self.api.call("GET", "/audit", key=self.key, params=params)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items[::-1]


async def person(api: Api, organization: UUID, name: str = "ann") -> Ann:
    scopes = ["read", "write", "secrets", "replay", "admin"]
    body = {"name": name, "scopes": scopes, "organization_id": str(organization)}
    return Ann(api, (await api.call("POST", "/api-keys", body)).json()["key"])


@pytest.fixture
async def ann(api: Api, platform: Platform) -> Ann:
    return await person(api, platform.organization)


async def everything(ann: Ann, platform: Platform) -> dict[str, Any]:
    """Every kind of change, once; the webhook, the key and the delivery that it was done to."""
    await ann.does("PUT", "/secrets/crm", {"value": CANARY + "-1"})
    await ann.does("PUT", "/secrets/crm", {"value": CANARY + "-2", "allowed_hosts": None})
    webhook = await ann.does("POST", "/webhooks", DRAFT | USING)
    path = f"/webhooks/{webhook['id']}"
    for way in (f"{path}/agents/{platform.agent}", f"{path}/goals/{platform.goal}"):
        await ann.does("PUT", way)
    await ann.does("PATCH", path, {"name": "CRM 2", "headers": None})
    await ann.does("POST", f"{path}/revisions/1/restore")
    await ann.does("POST", f"{path}/rotate-secret", {"overlap_s": 60})
    await ann.does("POST", f"{path}/pause")
    await platform.job("succeeded")
    delivery = (await platform.deliveries())[0]["id"]
    await ann.does("POST", f"/deliveries/{delivery}/cancel")
    await ann.does("POST", f"/deliveries/{delivery}/retry")
    await ann.does("POST", f"/deliveries/{delivery}/cancel")
    replay = {"webhook_id": webhook["id"], "since": "2020-01-01T00:00:00Z"}
    await ann.does("POST", "/deliveries/replay", replay)
    await ann.does("POST", f"{path}/resume")
    for way in (f"{path}/agents/{platform.agent}", f"{path}/goals/{platform.goal}"):
        await ann.does("DELETE", way)
    await ann.does("DELETE", path)
    await ann.does("DELETE", "/secrets/crm")
    key = await ann.does("POST", "/api-keys", {"name": "ci", "scopes": ["read"]})
    await ann.does("DELETE", f"/api-keys/{key['id']}")
    return {"webhook": webhook["id"], "key": key["id"], "delivery": str(delivery)}


EVERY_ACTION = [
    ("secret.created", "crm"),
    ("secret.changed", "crm"),
    ("webhook.created", "webhook"),
    ("link.created", "webhook"),
    ("link.created", "webhook"),
    ("webhook.changed", "webhook"),
    ("webhook.changed", "webhook"),
    ("webhook.secret_rotated", "webhook"),
    ("webhook.changed", "webhook"),
    ("delivery.cancelled", "delivery"),
    ("delivery.retried", "delivery"),
    ("delivery.cancelled", "delivery"),
    ("delivery.replayed", "delivery"),
    ("webhook.changed", "webhook"),
    ("link.deleted", "webhook"),
    ("link.deleted", "webhook"),
    ("webhook.deleted", "webhook"),
    ("secret.deleted", "crm"),
    ("api_key.created", "key"),
    ("api_key.deleted", "key"),
]


async def test_every_change_leaves_a_row_that_says_who_and_what(
    ann: Ann, platform: Platform
) -> None:
    done = await everything(ann, platform)
    first, *rows = await ann.audit()
    assert (first["actor"], first["action"]) == ("key:ROWHOOK_ADMIN_KEY", "api_key.created")
    assert [(one["action"], one["subject"]) for one in rows] == [
        (action, done.get(subject, subject)) for action, subject in EVERY_ACTION
    ]
    assert {one["actor"] for one in rows} == {"key:ann"}
    assert {one["organization_id"] for one in rows} == {str(platform.organization)}


async def test_a_row_shows_what_was_before_and_after(ann: Ann, platform: Platform) -> None:
    await everything(ann, platform)
    rows = (await ann.audit())[1:]
    for row in rows:
        kind = row["action"].partition(".")[2]
        assert (row["before"] is None) == (kind not in {"changed", "deleted"}), row
        assert (row["after"] is None) == (kind == "deleted"), row
    patched, _, paused = [one for one in rows if one["action"] == "webhook.changed"][:3]
    assert (patched["before"]["name"], patched["after"]["name"]) == ("CRM", "CRM 2")
    assert (paused["before"]["state"], paused["after"]["state"]) == ("active", "paused")
    replayed = next(one for one in rows if one["action"] == "delivery.replayed")
    assert replayed["after"]["asked"]["since"].startswith("2020-01-01")


async def test_no_row_holds_a_secret(ann: Ann, platform: Platform) -> None:
    await platform.run(
        "create table public.sealed_once (bytes bytea);"
        "create function public.keep_sealed() returns trigger"
        " language plpgsql security definer as $$"
        " begin insert into public.sealed_once values (new.sealed); return null; end $$;"
        "create trigger keep_sealed after insert or update on rowhook.secret"
        " for each row execute function public.keep_sealed();"
        "create trigger keep_sealed after insert or update on rowhook.signing_secret"
        " for each row execute function public.keep_sealed()"
    )
    await everything(ann, platform)
    shown = [one for one in ann.answers if one]
    signing = [one["signing_secret"] for one in shown if "signing_secret" in one]
    keys = [ann.key, *(one["key"] for one in shown if "scopes" in one)]
    hashes = [hashlib.sha256(one.encode()).digest() for one in keys]
    sealed = [one["bytes"] for one in await platform.rows("select bytes from sealed_once")]
    assert (len(signing), len(keys), len(sealed)) == (2, 2, 5)
    hidden = [CANARY, *keys, *signing, *(one.removeprefix("whsec_") for one in signing)]
    for one in (*hashes, *sealed):
        hidden += [one.hex(), base64.b64encode(one).decode()]
    rows = await platform.rows("select audit::text as text from rowhook.audit")
    assert len(rows) == 1 + len(EVERY_ACTION)
    assert [one for one in hidden if any(one in row["text"] for row in rows)] == []


async def test_what_changes_nothing_leaves_no_row(ann: Ann, platform: Platform) -> None:
    webhook = await ann.does("POST", "/webhooks", DRAFT)
    path = f"/webhooks/{webhook['id']}"
    await ann.does("PUT", f"{path}/agents/{platform.agent}")
    before = len(await ann.audit())
    await ann.does("PUT", f"{path}/agents/{platform.agent}")
    await ann.does("DELETE", f"{path}/goals/{platform.goal}")
    await ann.does("POST", f"{path}/resume")
    assert (await ann.api.call("DELETE", path, key=ann.key)).status_code == 400
    assert len(await ann.audit()) == before


async def test_an_organization_reads_its_own_audit_in_pages(
    ann: Ann, api: Api, platform: Platform
) -> None:
    other = Platform(platform.db)
    await other.set_up()
    ben = await person(api, other.organization, "ben")
    for name in "abc":
        await ann.does("PUT", f"/secrets/{name}", {"value": CANARY})
        await ben.does("PUT", f"/secrets/{name}", {"value": CANARY})
    assert [one["subject"] for one in (await ann.audit())[1:]] == ["a", "b", "c"]
    assert {one["actor"] for one in (await ben.audit())[1:]} == {"key:ben"}
    assert len((await api.call("GET", "/audit")).json()["items"]) == 8
    page = (await api.call("GET", "/audit", key=ann.key, params={"limit": 3})).json()
    rest = await ann.audit(cursor=page["next_cursor"])
    assert [one["action"] for one in rest] == ["api_key.created"]


async def test_a_change_by_hand_is_in_the_name_of_the_login(ann: Ann, platform: Platform) -> None:
    webhook = await platform.webhook()
    await platform.run("select set_config('rowhook.actor', 'key:ann', false)")
    await platform.run("update rowhook.webhook set name = 'by hand' where id = %s", webhook)
    login = await platform.value("select session_user::text")
    assert [one["actor"] for one in (await ann.audit())[-2:]] == [login, login]


# Where a text with U+0000 stands → the pointer that names the place.
UNSTORABLE: list[tuple[dict[str, Any], str]] = [
    ({"name": "a\0"}, "/name"),
    ({"metadata": {"a": [0, {"b": "\0"}]}}, "/metadata/a/1/b"),
    ({"metadata": {"a": {"b\0/": 1}}}, "/metadata/a/b\0~1"),
    ({"headers": {"X": "\0"}}, "/headers/X"),
    ({"schema": {"title": "\0"}}, "/schema/title"),
]


async def test_a_text_that_no_audit_can_hold_is_refused_with_its_place(ann: Ann) -> None:
    webhook = await ann.does("POST", "/webhooks", DRAFT)
    for fields, pointer in UNSTORABLE:
        for method, path, body in (
            ("POST", "/webhooks", DRAFT | fields),
            ("PATCH", f"/webhooks/{webhook['id']}", fields),
        ):
            answer = await ann.api.call(method, path, body, key=ann.key)
            assert answer.status_code == 422, (method, pointer)
            faults = {fault["pointer"]: fault["message"] for fault in answer.json()["errors"]}
            assert "U+0000" in faults[pointer], (method, pointer)


async def test_such_texts_are_found_at_any_depth_and_not_all_named(ann: Ann) -> None:
    deep: Any = "\0"
    for _ in range(300):
        deep = {"a": deep}
    wide = ["\0"] * 10_000
    for metadata, count in ((deep, 1), ({"a": wide}, 100)):
        answer = await ann.api.call(
            "POST", "/webhooks", DRAFT | {"metadata": metadata}, key=ann.key
        )
        assert answer.status_code == 422
        assert len(answer.json()["errors"]) == count


async def test_the_audit_holds_whatever_else_a_webhook_may_hold(ann: Ann) -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    metadata = {"deep": deep, "large": 10**300, "small": 5e-324, "text": "\\u0000 ü💥\u0001"}
    webhook = await ann.does("POST", "/webhooks", DRAFT | {"metadata": metadata})
    assert webhook["metadata"] == metadata
    (row,) = (await ann.audit())[-1:]
    assert row["after"]["metadata"] == metadata


@pytest.mark.parametrize("table", ["audit", "webhook_revision"])
async def test_the_api_cannot_rewrite_history(api: Api, ann: Ann, table: str) -> None:
    await ann.does("POST", "/webhooks", DRAFT)
    entry = TenantPool(pool=api.server_ctx.pool, organization=None, actor="nobody")
    for change in ("delete from", "update"):
        with pytest.raises(StatementError, match="permission denied"):
            async with entry.connection() as connection:
                end = " set organization_id = null" if change == "update" else ""
                await connection.execute(f"{change} rowhook.{table}{end}".encode())
