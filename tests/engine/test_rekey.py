"""Another master key: what older keys sealed is sealed anew, and opens in its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from rowhook.db import secret_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import TenantPool
from rowhook.render.configuration import Configuration
from rowhook.render.webhook_compiler import Webhook
from rowhook.security.vault import Keyring, generate_master_key
from rowhook.services import access, master_keys, secrets, webhook_documents, webhooks
from rowhook.services.context import KeyringContext
from rowhook.services.webhook_cache import WebhookCache
from tests.support.calls import LOOPBACK, Api, running_api
from tests.support.command_line import KEY, CommandLine
from tests.support.world import Platform

pytestmark = pytest.mark.anyio
NEW = generate_master_key()
BOTH = f"{NEW},{KEY}"
CALL = {"headers": {"Idempotency-Key": "one"}}


@pytest.fixture
async def ctx(pool: Pool) -> KeyringContext:
    entry = TenantPool(pool=pool, organization=None, actor="a test")
    return KeyringContext(pool=entry, keyring=Keyring(KEY), policy=LOOPBACK, brand="Roxels")


def rotated(ctx: KeyringContext) -> KeyringContext:
    return replace(ctx, keyring=Keyring(BOTH))


async def webhook(ctx: KeyringContext, platform: Platform) -> webhook_documents.Webhook:
    await secrets.put_secret(ctx, platform.organization, "crm", "hunter22")
    given = Configuration(
        name="CRM", url="http://127.0.0.1:9/", headers={"X-Key": "{{secret:crm}}"}
    )
    return await webhooks.create_webhook(ctx, platform.organization, given)


def silent(_done: int, _total: int) -> None:
    pass


async def test_all_opens_under_the_new_key_alone(
    ctx: KeyringContext, platform: Platform, pool: Pool
) -> None:
    made = await webhook(ctx, platform)
    found = await master_keys.rekey(rotated(ctx), silent)
    assert (found.secrets, found.signing_secrets, found.left) == (1, 1, 0)
    compiled = WebhookCache(pool, Keyring(NEW), brand="Roxels")
    opened = await compiled.get(made.id, 1, 1)
    assert isinstance(opened, Webhook)
    assert opened.secrets == {"crm": "hunter22"}


async def test_versions_and_the_audit_of_a_secret_stay_as_they_are(
    ctx: KeyringContext, platform: Platform
) -> None:
    made = await webhook(ctx, platform)
    await master_keys.rekey(rotated(ctx), silent)
    assert await platform.rows("select version from rowhook.secret") == [{"version": 1}]
    (seen,) = await platform.rows("select revision, secrets_version from rowhook.webhook")
    assert (seen["revision"], seen["secrets_version"]) == (made.revision, 1)
    audit = await platform.rows("select action from rowhook.audit order by id")
    assert [row["action"] for row in audit][-2:] == ["keyring.rekey_began", "keyring.rekeyed"]
    assert sum(row["action"].startswith("secret.") for row in audit) == 1


async def test_more_than_a_batch_is_counted_to_its_end(
    ctx: KeyringContext, platform: Platform
) -> None:
    for number in range(105):
        await secrets.put_secret(ctx, platform.organization, f"s{number:03}", "hunter22")
    told: list[tuple[int, int]] = []
    found = await master_keys.rekey(rotated(ctx), lambda *count: told.append(count))
    assert (found.secrets, told) == (105, [(100, 105), (105, 105)])
    assert (await master_keys.rekey(rotated(ctx), silent)).resealed == 0


async def test_a_secret_that_no_key_opens_is_named_and_left_as_it_is(
    ctx: KeyringContext, platform: Platform
) -> None:
    for name in ("a", "b", "c"):
        await secrets.put_secret(ctx, platform.organization, name, "hunter22")
    await platform.run(
        "update rowhook.secret set sealed = (select sealed from rowhook.secret where id = 'a')"
        " where id = 'b'"
    )
    before = await platform.value("select sealed from rowhook.secret where id = 'b'")
    found = await master_keys.rekey(rotated(ctx), silent)
    assert (found.secrets, found.left) == (2, 1)
    assert "secret b of organization" in found.closed[0]
    assert before == await platform.value("select sealed from rowhook.secret where id = 'b'")


async def test_a_secret_that_was_put_meanwhile_is_not_overwritten(
    ctx: KeyringContext, platform: Platform, pool: Pool
) -> None:
    await secrets.put_secret(ctx, platform.organization, "a", "old")
    newest = Keyring(BOTH).newest_prefix
    page = await secret_queries.sealed_page(pool, "secret", newest, None, 10)
    await secrets.put_secret(ctx, platform.organization, "a", "new")
    assert await secret_queries.reseal(pool, "secret", page, [b"stale"]) == 0
    assert await platform.value("select sealed from rowhook.secret") != b"stale"


async def kept(api: Api, platform: Platform, key: str) -> httpx.Response:
    draft = {"name": "CRM", "url": "https://crm.example.com/hook"}
    whose = {"organization_id": str(platform.organization)} if key == api.key else {}
    return await api.call("POST", "/webhooks", draft | whose, key=key, **CALL)


async def test_a_kept_answer_is_given_again_under_the_new_key(
    dsn: str, ctx: KeyringContext, platform: Platform
) -> None:
    async with running_api(dsn, keyring=Keyring(KEY)) as api:
        keys = [await api.key_of(platform.organization), await api.key_of(None), api.key]
        first = [await kept(api, platform, key) for key in (keys[0], keys[2])]
    found = await master_keys.rekey(rotated(ctx), silent)
    assert (found.answers, found.left) == (2, 0)
    async with running_api(dsn, keyring=Keyring(NEW)) as api:
        again = [await kept(api, platform, key) for key in (keys[0], keys[2])]
    assert [one.json() for one in again] == [one.json() for one in first]
    assert again[0].json()["signing_secret"].startswith("whsec_")


async def test_the_answers_of_a_deleted_key_are_forgotten(api: Api, platform: Platform) -> None:
    key = await api.key_of(platform.organization)
    other = await api.key_of(platform.organization)
    for one in (key, other):
        await kept(api, platform, one)
    whose = (await access.authenticate(api.server_ctx.pool, key, None)).id
    assert (await api.call("DELETE", f"/api-keys/{whose}")).status_code == 204
    callers = await platform.rows("select caller from rowhook.idempotent_request")
    assert [row["caller"] for row in callers] == [
        (await access.authenticate(api.server_ctx.pool, other, None)).id
    ]


async def test_the_command_moves_the_whole_database_to_the_new_key(
    folder: Path, dsn: str, platform: Platform
) -> None:
    hands = CommandLine(folder=folder, dsn=dsn)
    await hands.ok("secrets", "put", "crm", stdin="hunter22")
    (await hands.type("secrets", "rekey", ROWHOOK_MASTER_KEYS=NEW)).refused(
        1, "does not match this database"
    )
    told = await hands.ok("secrets", "rekey", ROWHOOK_MASTER_KEYS=BOTH)
    assert "1 secrets, 0 signing secrets, 0 stored responses, 1 keyring check" in told
    again = await hands.json("secrets", "rekey", ROWHOOK_MASTER_KEYS=NEW)
    assert (again["secrets"], again["left"]) == (0, 0)
    (await hands.type("secrets", "rekey", ROWHOOK_MASTER_KEYS=KEY)).refused(
        1, "does not match this database"
    )
    assert (
        await platform.value(
            "select count(*) from rowhook.audit where action = %s", "keyring.rekeyed"
        )
        == 1
    )


async def test_the_command_says_what_no_key_opens_and_fails(
    folder: Path, dsn: str, platform: Platform
) -> None:
    hands = CommandLine(folder=folder, dsn=dsn)
    await hands.ok("secrets", "put", "crm", stdin="hunter22")
    await platform.run("update rowhook.secret set sealed = sealed || '\\x00'::bytea")
    told = await hands.type("secrets", "rekey", ROWHOOK_MASTER_KEYS=BOTH)
    told.refused(
        1, "1 row cannot be decrypted with any key of ROWHOOK_MASTER_KEYS", "secret crm of"
    )
