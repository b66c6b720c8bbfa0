"""The audit log: a row with actor and action for every change, without secrets."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from uuid import UUID

import pytest

from rowhook.db.statements import StatementError, TenantPool
from tests.support.calls import DRAFT, Api
from tests.support.sample_platform import Platform, other_platform

pytestmark = pytest.mark.anyio
CANARY = "canary-6f1d0c"
USING = {"headers": {"X-Key": "{{secret:crm}}"}}


class Person:
    """A user with an API key of that name; records every response."""

    def __init__(self, api: Api, key: str) -> None:
        self.api = api
        self.key = key
        self.answers: list[Any] = []

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        response = await self.api.call(method, path, body, key=self.key, **options)
        assert response.is_success, response.text
        self.answers.append(response.json() if response.content else None)
        return self.answers[-1]

    async def audit(self, **params: Any) -> list[dict[str, Any]]:
        """Returns the audit of the organization, oldest first."""
        params = {"limit": 200} | params
        response = await self.api.call("GET", "/audit", key=self.key, params=params)
        items: list[dict[str, Any]] = response.json()["items"]
        return items[::-1]


async def create_person(api: Api, organization: UUID, name: str = "ann") -> Person:
    scopes = ["read", "write", "secrets", "replay", "admin"]
    body = {"name": name, "scopes": scopes, "organization_id": str(organization)}
    return Person(api, (await api.call("POST", "/api-keys", body)).json()["key"])


@pytest.fixture
async def ann(api: Api, platform: Platform) -> Person:
    return await create_person(api, platform.organization)


async def make_every_change(ann: Person, platform: Platform) -> dict[str, Any]:
    """Makes every kind of change once; returns the ids of the changed webhook, key and delivery."""
    await ann.call("PUT", "/secrets/crm", {"value": CANARY + "-1"})
    await ann.call("PUT", "/secrets/crm", {"value": CANARY + "-2", "allowed_hosts": None})
    webhook = await ann.call("POST", "/webhooks", DRAFT | USING)
    path = f"/webhooks/{webhook['id']}"
    for link_path in (f"{path}/agents/{platform.agent}", f"{path}/goals/{platform.goal}"):
        await ann.call("PUT", link_path)
    await ann.call("PATCH", path, {"name": "CRM 2", "headers": None})
    await ann.call("POST", f"{path}/revisions/1/restore")
    await ann.call("POST", f"{path}/rotate-secret", {"overlap_s": 60})
    await ann.call("POST", f"{path}/pause")
    await platform.job("succeeded")
    delivery = (await platform.deliveries())[0]["id"]
    await ann.call("POST", f"/deliveries/{delivery}/cancel")
    await ann.call("POST", f"/deliveries/{delivery}/retry")
    await ann.call("POST", f"/deliveries/{delivery}/cancel")
    replay = {"webhook_id": webhook["id"], "since": "2020-01-01T00:00:00Z"}
    await ann.call("POST", "/deliveries/replay", replay)
    await ann.call("POST", f"{path}/resume")
    for link_path in (f"{path}/agents/{platform.agent}", f"{path}/goals/{platform.goal}"):
        await ann.call("DELETE", link_path)
    await ann.call("DELETE", path)
    await ann.call("DELETE", "/secrets/crm")
    key = await ann.call("POST", "/api-keys", {"name": "ci", "scopes": ["read"]})
    await ann.call("DELETE", f"/api-keys/{key['id']}")
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


async def test_every_change_is_audited_with_actor_and_action(
    ann: Person, platform: Platform
) -> None:
    subjects = await make_every_change(ann, platform)
    first, *rows = await ann.audit()
    assert (first["actor"], first["action"]) == ("key:ROWHOOK_ADMIN_KEY", "api_key.created")
    assert [(row["action"], row["subject"]) for row in rows] == [
        (action, subjects.get(subject, subject)) for action, subject in EVERY_ACTION
    ]
    assert {row["actor"] for row in rows} == {"key:ann"}
    assert {row["organization_id"] for row in rows} == {str(platform.organization)}


async def test_an_audit_row_contains_the_states_before_and_after(
    ann: Person, platform: Platform
) -> None:
    await make_every_change(ann, platform)
    rows = (await ann.audit())[1:]
    for row in rows:
        kind = row["action"].partition(".")[2]
        assert (row["before"] is None) == (kind not in {"changed", "deleted"}), row
        assert (row["after"] is None) == (kind == "deleted"), row
    patched, _, paused = [row for row in rows if row["action"] == "webhook.changed"][:3]
    assert (patched["before"]["name"], patched["after"]["name"]) == ("CRM", "CRM 2")
    assert (paused["before"]["state"], paused["after"]["state"]) == ("active", "paused")
    replayed = next(row for row in rows if row["action"] == "delivery.replayed")
    assert replayed["after"]["asked"]["since"].startswith("2020-01-01")


async def test_no_audit_row_contains_a_secret(ann: Person, platform: Platform) -> None:
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
    await make_every_change(ann, platform)
    bodies = [response for response in ann.answers if response]
    signing = [response["signing_secret"] for response in bodies if "signing_secret" in response]
    keys = [ann.key, *(response["key"] for response in bodies if "scopes" in response)]
    hashes = [hashlib.sha256(key.encode()).digest() for key in keys]
    sealed = [row["bytes"] for row in await platform.rows("select bytes from sealed_once")]
    assert (len(signing), len(keys), len(sealed)) == (2, 2, 5)
    secret_texts = [CANARY, *keys, *signing, *(secret.removeprefix("whsec_") for secret in signing)]
    for value in (*hashes, *sealed):
        secret_texts += [value.hex(), base64.b64encode(value).decode()]
    rows = await platform.rows("select audit::text as text from rowhook.audit")
    assert len(rows) == 1 + len(EVERY_ACTION)
    assert [value for value in secret_texts if any(value in row["text"] for row in rows)] == []


async def test_a_call_without_effect_is_not_audited(ann: Person, platform: Platform) -> None:
    webhook = await ann.call("POST", "/webhooks", DRAFT)
    path = f"/webhooks/{webhook['id']}"
    await ann.call("PUT", f"{path}/agents/{platform.agent}")
    before = len(await ann.audit())
    await ann.call("PUT", f"{path}/agents/{platform.agent}")
    await ann.call("DELETE", f"{path}/goals/{platform.goal}")
    await ann.call("POST", f"{path}/resume")
    assert (await ann.api.call("DELETE", path, key=ann.key)).status_code == 400
    assert len(await ann.audit()) == before


async def test_an_organization_pages_through_its_own_audit(
    ann: Person, api: Api, platform: Platform
) -> None:
    other = await other_platform(platform)
    ben = await create_person(api, other.organization, "ben")
    for name in "abc":
        await ann.call("PUT", f"/secrets/{name}", {"value": CANARY})
        await ben.call("PUT", f"/secrets/{name}", {"value": CANARY})
    assert [row["subject"] for row in (await ann.audit())[1:]] == ["a", "b", "c"]
    assert {row["actor"] for row in (await ben.audit())[1:]} == {"key:ben"}
    assert len((await api.call("GET", "/audit")).json()["items"]) == 8
    page = (await api.call("GET", "/audit", key=ann.key, params={"limit": 3})).json()
    rest = await ann.audit(cursor=page["next_cursor"])
    assert [row["action"] for row in rest] == ["api_key.created"]


async def test_a_change_in_sql_is_attributed_to_the_login_role(
    ann: Person, platform: Platform
) -> None:
    webhook = await platform.webhook()
    await platform.run("select set_config('rowhook.actor', 'key:ann', false)")
    await platform.run("update rowhook.webhook set name = 'by hand' where id = %s", webhook)
    login = await platform.value("select session_user::text")
    assert [row["actor"] for row in (await ann.audit())[-2:]] == [login, login]


# Fields with U+0000, and the pointer of the expected error.
UNSTORABLE: list[tuple[dict[str, Any], str]] = [
    ({"name": "a\0"}, "/name"),
    ({"metadata": {"a": [0, {"b": "\0"}]}}, "/metadata/a/1/b"),
    ({"metadata": {"a": {"b\0/": 1}}}, "/metadata/a/b\0~1"),
    ({"headers": {"X": "\0"}}, "/headers/X"),
    ({"schema": {"title": "\0"}}, "/schema/title"),
]


async def test_a_text_with_u_0000_is_refused_with_its_pointer(ann: Person) -> None:
    webhook = await ann.call("POST", "/webhooks", DRAFT)
    for fields, pointer in UNSTORABLE:
        for method, path, body in (
            ("POST", "/webhooks", DRAFT | fields),
            ("PATCH", f"/webhooks/{webhook['id']}", fields),
        ):
            response = await ann.api.call(method, path, body, key=ann.key)
            assert response.status_code == 422, (method, pointer)
            faults = {fault["pointer"]: fault["message"] for fault in response.json()["errors"]}
            assert "U+0000" in faults[pointer], (method, pointer)


async def test_u_0000_is_found_at_any_depth_with_a_limited_number_of_errors(ann: Person) -> None:
    deep: Any = "\0"
    for _ in range(300):
        deep = {"a": deep}
    wide = ["\0"] * 10_000
    for metadata, count in ((deep, 1), ({"a": wide}, 100)):
        response = await ann.api.call(
            "POST", "/webhooks", DRAFT | {"metadata": metadata}, key=ann.key
        )
        assert response.status_code == 422
        assert len(response.json()["errors"]) == count


async def test_the_audit_stores_every_value_that_a_webhook_may_have(ann: Person) -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    metadata = {"deep": deep, "large": 10**300, "small": 5e-324, "text": "\\u0000 ü💥\u0001"}
    webhook = await ann.call("POST", "/webhooks", DRAFT | {"metadata": metadata})
    assert webhook["metadata"] == metadata
    (row,) = (await ann.audit())[-1:]
    assert row["after"]["metadata"] == metadata


@pytest.mark.parametrize("table", ["audit", "webhook_revision"])
async def test_the_api_cannot_rewrite_history(api: Api, ann: Person, table: str) -> None:
    await ann.call("POST", "/webhooks", DRAFT)
    tenant_pool = TenantPool(pool=api.server_ctx.pool, organization=None, actor="nobody")
    for change in ("delete from", "update"):
        with pytest.raises(StatementError, match="permission denied"):
            async with tenant_pool.connection() as connection:
                clause = " set organization_id = null" if change == "update" else ""
                await connection.execute(f"{change} rowhook.{table}{clause}".encode())
