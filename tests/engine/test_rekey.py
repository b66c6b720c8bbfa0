"""Rotation of the master key: existing secrets are sealed with the new key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from rowhook.db import webhook_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import TenantPool
from rowhook.render.configuration import Configuration
from rowhook.render.renderer import Renderer
from rowhook.render.webhook_compiler import Webhook
from rowhook.security.vault import Keyring, generate_master_key
from rowhook.services import access, reencryption, secrets, webhook_documents, webhooks
from rowhook.services.context import KeyringContext
from rowhook.services.webhook_cache import WebhookCache
from tests.support.calls import LOOPBACK, Api, running_api
from tests.support.command_line import KEY, CommandLine
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
NEW = generate_master_key()
BOTH = f"{NEW},{KEY}"
CALL = {"headers": {"Idempotency-Key": "one"}}


@pytest.fixture
async def ctx(pool: Pool) -> KeyringContext:
    entry = TenantPool(pool=pool, organization=None, actor="a test")
    return KeyringContext(
        pool=entry,
        keyring=Keyring(KEY),
        policy=LOOPBACK,
        renderer=Renderer(LOOPBACK),
        brand="Roxels",
    )


def with_rotated_keys(ctx: KeyringContext) -> KeyringContext:
    return replace(ctx, keyring=Keyring(BOTH))


async def webhook(ctx: KeyringContext, platform: Platform) -> webhook_documents.Webhook:
    await secrets.put_secret(ctx, platform.organization, "crm", "hunter22")
    configuration = Configuration(
        name="CRM", url="http://127.0.0.1:9/", headers={"X-Key": "{{secret:crm}}"}
    )
    return await webhooks.create_webhook(ctx, platform.organization, configuration)


def ignore_progress(_done: int, _total: int) -> None:
    pass


async def test_after_a_rekey_everything_opens_with_only_the_new_key(
    ctx: KeyringContext, platform: Platform, pool: Pool
) -> None:
    created = await webhook(ctx, platform)
    result = await reencryption.rekey(with_rotated_keys(ctx), ignore_progress)
    assert (result.secrets, result.signing_secrets, result.left) == (1, 1, 0)
    compiled = WebhookCache(pool, Keyring(NEW), brand="Roxels")
    opened = await compiled.get(created.id, 1, 1)
    assert isinstance(opened, Webhook)
    assert opened.secrets == {"crm": "hunter22"}


async def test_a_rekey_keeps_versions_and_the_audit_of_a_secret(
    ctx: KeyringContext, platform: Platform
) -> None:
    created = await webhook(ctx, platform)
    await reencryption.rekey(with_rotated_keys(ctx), ignore_progress)
    assert await platform.rows("select version from rowhook.secret") == [{"version": 1}]
    (observed,) = await platform.rows("select revision, secrets_version from rowhook.webhook")
    assert (observed["revision"], observed["secrets_version"]) == (created.revision, 1)
    audit = await platform.rows("select action from rowhook.audit order by id")
    assert [row["action"] for row in audit][-2:] == ["keyring.rekey_began", "keyring.rekeyed"]
    assert sum(row["action"].startswith("secret.") for row in audit) == 1


async def test_progress_covers_more_than_one_batch(ctx: KeyringContext, platform: Platform) -> None:
    for number in range(105):
        await secrets.put_secret(ctx, platform.organization, f"s{number:03}", "hunter22")
    progress: list[tuple[int, int]] = []
    result = await reencryption.rekey(with_rotated_keys(ctx), lambda *count: progress.append(count))
    assert (result.secrets, progress) == (105, [(100, 105), (105, 105)])
    assert (await reencryption.rekey(with_rotated_keys(ctx), ignore_progress)).resealed == 0


async def test_a_secret_that_no_key_opens_is_reported_and_unchanged(
    ctx: KeyringContext, platform: Platform
) -> None:
    for name in ("a", "b", "c"):
        await secrets.put_secret(ctx, platform.organization, name, "hunter22")
    await platform.run(
        "update rowhook.secret set sealed = (select sealed from rowhook.secret where id = 'a')"
        " where id = 'b'"
    )
    before = await platform.value("select sealed from rowhook.secret where id = 'b'")
    result = await reencryption.rekey(with_rotated_keys(ctx), ignore_progress)
    assert (result.secrets, result.left) == (2, 1)
    assert "secret b of organization" in result.closed[0]
    assert before == await platform.value("select sealed from rowhook.secret where id = 'b'")


async def test_a_concurrently_changed_secret_is_not_overwritten(
    ctx: KeyringContext, platform: Platform, pool: Pool
) -> None:
    await secrets.put_secret(ctx, platform.organization, "a", "old")
    newest = Keyring(BOTH).newest_prefix
    page = await webhook_queries.sealed_page(pool, "secret", newest, None, 10)
    await secrets.put_secret(ctx, platform.organization, "a", "new")
    assert await webhook_queries.reseal(pool, "secret", page, [b"stale"]) == 0
    assert await platform.value("select sealed from rowhook.secret") != b"stale"


async def idempotent_request(api: Api, platform: Platform, key: str) -> httpx.Response:
    draft = {"name": "CRM", "url": "https://crm.example.com/hook"}
    whose = {"organization_id": str(platform.organization)} if key == api.key else {}
    return await api.call("POST", "/webhooks", draft | whose, key=key, **CALL)


async def test_a_stored_idempotent_response_is_repeated_with_the_new_key(
    dsn: str, ctx: KeyringContext, platform: Platform
) -> None:
    async with running_api(dsn, keyring=Keyring(KEY)) as api:
        keys = [await api.key_of(platform.organization), await api.key_of(None), api.key]
        first = [await idempotent_request(api, platform, key) for key in (keys[0], keys[2])]
    result = await reencryption.rekey(with_rotated_keys(ctx), ignore_progress)
    assert (result.answers, result.left) == (2, 0)
    async with running_api(dsn, keyring=Keyring(NEW)) as api:
        again = [await idempotent_request(api, platform, key) for key in (keys[0], keys[2])]
    assert [row.json() for row in again] == [row.json() for row in first]
    assert again[0].json()["signing_secret"].startswith("whsec_")


async def test_stored_responses_of_a_deleted_api_key_are_removed(
    api: Api, platform: Platform
) -> None:
    key = await api.key_of(platform.organization)
    other = await api.key_of(platform.organization)
    for stored_key in (key, other):
        await idempotent_request(api, platform, stored_key)
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
    output = await hands.ok("secrets", "rekey", ROWHOOK_MASTER_KEYS=BOTH)
    assert "1 secrets, 0 signing secrets, 0 stored responses, 1 keyring check" in output
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


async def test_the_command_reports_secrets_that_no_key_opens_and_fails(
    folder: Path, dsn: str, platform: Platform
) -> None:
    hands = CommandLine(folder=folder, dsn=dsn)
    await hands.ok("secrets", "put", "crm", stdin="hunter22")
    await platform.run("update rowhook.secret set sealed = sealed || '\\x00'::bytea")
    result = await hands.type("secrets", "rekey", ROWHOOK_MASTER_KEYS=BOTH)
    result.refused(
        1, "1 row cannot be decrypted with any key of ROWHOOK_MASTER_KEYS", "secret crm of"
    )
