"""The master key is rotated under load; ciphertexts are moved and altered."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from rowhook.db import connection_pool, webhook_queries
from rowhook.db.connection_pool import Pool
from rowhook.security.vault import Keyring, generate_master_key
from rowhook.services import reencryption, secrets, webhooks
from rowhook.services.context import Rejected
from rowhook.verify import verify
from tests.support.commands import free_port, run_command, running_command
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform
from tests.support.scoreboard import score
from tests.support.worker_rig import Rig, until

pytestmark = [pytest.mark.anyio, pytest.mark.hazards]
OLD, NEW = generate_master_key(), generate_master_key()
BOTH = f"{NEW},{OLD}"
SECRETS = 400
COMMITS = 300


@pytest.fixture
async def rig(dsn: str, pool: Pool, platform: Platform) -> AsyncIterator[Rig]:
    async with Receiver() as receiver:
        running_command = Rig(dsn, pool, platform, receiver)
        running_command.keyring = Keyring(OLD)
        running_command.ctx = replace(running_command.ctx, keyring=Keyring(OLD))
        yield running_command


def settings(rig: Rig, keys: str) -> dict[str, str]:
    return {
        "DATABASE_URL": rig.dsn,
        "ROWHOOK_MASTER_KEYS": keys,
        "ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "ROWHOOK_PORT": str(free_port()),
    }


async def put(rig: Rig, name: str, value: str = "hunter22") -> None:
    await secrets.put_secret(rig.ctx, rig.platform.organization, name, value)


async def older_seal_count(rig: Rig) -> int:
    older_seals = await webhook_queries.count_older_seals(rig.ctx.pool, Keyring(BOTH).newest_prefix)
    return sum(older_seals.values())


@pytest.mark.battery
async def test_a_killed_rekey_is_resumed(rig: Rig, folder: Path, dsn: str) -> None:
    await run_command(folder, "secrets", "rekey", before=(), **settings(rig, OLD))
    for number in range(SECRETS):
        await put(rig, f"s{number:04}")
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute("select from rowhook.secret where id = 's0250' for update")
        async with running_command(
            folder, "secrets", "rekey", before=(), **settings(rig, BOTH)
        ) as process:
            await until(is_partly_resealed(rig), description="a rekey half way")
            process.send_signal(signal.SIGKILL)
            await process.wait()
    assert 0 < await older_seal_count(rig) < SECRETS
    refused = await run_command(folder, "secrets", "rekey", before=(), **settings(rig, NEW))
    refused.refused(1, "does not match this database")
    completed = await run_command(folder, "secrets", "rekey", before=(), **settings(rig, BOTH))
    assert (completed.code, await older_seal_count(rig)) == (0, 0)
    assert (
        await run_command(folder, "secrets", "rekey", before=(), **settings(rig, NEW))
    ).code == 0


def is_partly_resealed(rig: Rig) -> Callable[[], Awaitable[bool]]:
    async def is_finished() -> bool:
        return await older_seal_count(rig) <= SECRETS - 200 + 1

    return is_finished


@pytest.mark.battery
async def test_deliveries_continue_during_a_rekey(rig: Rig) -> None:
    await put(rig, "crm")
    saved = await rig.webhook(headers={"X-Key": "{{secret:crm}}"}, max_in_flight=50)
    for number in range(SECRETS // 2):
        await put(rig, f"s{number:04}")
    rig.keyring = Keyring(BOTH)
    rig.ctx = replace(rig.ctx, keyring=Keyring(BOTH))
    async with rig.worker():
        _, rekeyed, _ = await asyncio.gather(
            commits(rig), reencryption.rekey(rig.ctx, lambda *_: None), changes(rig, saved.id)
        )
        await rig.reaches("delivered", count=COMMITS)
    assert (rekeyed.left, rekeyed.closed) == (0, [])
    check_all(rig, saved.signing_secret or "", COMMITS)
    rig.keyring = Keyring(NEW)
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("delivered", count=COMMITS + 1)
    check_all(rig, saved.signing_secret or "", COMMITS + 1)
    score(
        "rotation of the master key during deliveries",
        required="every delivery arrives once with its secrets",
        measured=f"{COMMITS + 1} deliveries, {rekeyed.left} secrets still with the old key",
        holds=rekeyed.left == 0,
    )


async def commits(rig: Rig) -> None:
    for _ in range(COMMITS):
        await rig.platform.commit()


async def changes(rig: Rig, webhook: UUID) -> None:
    """Changes secrets and rotates signing secrets concurrently."""
    for _ in range(5):
        await put(rig, "crm")
        await webhooks.rotate_signing_secret(rig.ctx, webhook, timedelta(hours=1))
        await put(rig, "s0001")


def check_all(rig: Rig, signing: str, count: int) -> None:
    """Every request arrived once, with the secret and with a valid signature."""
    assert len(rig.receiver.requests) == count
    for request in rig.receiver.requests:
        assert request.header("x-key") == "hunter22"
        verify(secret=signing, headers=dict(request.headers), body=request.body, now=request.at)


@pytest.mark.long
async def test_secrets_sealed_with_the_old_key_during_a_rekey_are_reported_and_resealed(
    rig: Rig,
) -> None:
    await put(rig, "a")
    behind = replace(rig.ctx, keyring=Keyring(f"{OLD},{NEW}"))
    ahead = replace(rig.ctx, keyring=Keyring(BOTH))
    over = asyncio.Event()

    async def change_secrets() -> None:
        while not over.is_set():
            await secrets.put_secret(behind, rig.platform.organization, "a", "hunter22")

    churning = asyncio.create_task(change_secrets())
    await reencryption.rekey(ahead, lambda *_: None)
    over.set()
    await churning
    assert (await reencryption.rekey(ahead, lambda *_: None)).left == 0
    assert await older_seal_count(rig) == 0


BENDS = {
    "a bit of the ciphertext": "set_byte(sealed, length(sealed) - 1,"
    " get_byte(sealed, length(sealed) - 1) # 1)",
    "a bit of the nonce": "set_byte(sealed, 12, get_byte(sealed, 12) # 128)",
    "the key's name": "set_byte(sealed, 1, 88)",
    "its length": "substr(sealed, 1, length(sealed) - 1)",
    "another row's": "(select sealed from rowhook.secret where id = 'other')",
    "another organization's": "(select sealed from rowhook.secret where id = 'crm'"
    " and organization_id <> s.organization_id)",
    "nothing": "''",
}


@pytest.mark.long
@pytest.mark.parametrize("bend", BENDS)
async def test_deliveries_with_altered_or_moved_ciphertexts_are_held(bend: str, rig: Rig) -> None:
    other_organization = uuid4()
    await rig.platform.run("insert into rowhook.organization values (%s, 'B')", other_organization)
    await secrets.put_secret(rig.ctx, other_organization, "crm", "theirs22")
    await put(rig, "other")
    await put(rig, "crm")
    await rig.webhook(headers={"X-Key": "{{secret:crm}}"})
    update = f"update rowhook.secret s set sealed = {BENDS[bend]} where organization_id = %s"
    await rig.platform.db.execute(f"{update} and id = 'crm'".encode(), (rig.platform.organization,))
    async with rig.worker():
        await rig.platform.commit()
        (row,) = await rig.reaches("held")
    assert "A secret cannot be decrypted" in row["last_error"]
    assert rig.receiver.requests == []


@pytest.mark.long
async def test_allowed_hosts_are_checked_on_save_and_on_send(rig: Rig) -> None:
    organization = rig.platform.organization
    bound = ["other.example.com"]
    await secrets.put_secret(rig.ctx, organization, "crm", "hunter22", bound)
    with pytest.raises(Rejected, match="Secret crm may only be sent to its allowed hosts: other"):
        await rig.webhook(headers={"X-Key": "{{secret:crm}}"})
    await put(rig, "crm")
    await rig.webhook(headers={"X-Key": "{{secret:crm}}"})
    await secrets.put_secret(rig.ctx, organization, "crm", "hunter22", bound)
    async with rig.worker():
        await rig.platform.commit()
        await rig.reaches("held")
        assert rig.receiver.requests == []
        await put(rig, "crm")
        await rig.reaches("delivered")


@pytest.mark.battery
async def test_a_process_with_another_master_key_does_not_start(rig: Rig, folder: Path) -> None:
    await run_command(folder, "secrets", "rekey", before=(), **settings(rig, OLD))
    stranger = f"{OLD.partition(':')[0]}:{NEW.partition(':')[2]}"
    for keys in (NEW, stranger):
        for command in ("worker", "api"):
            result = await run_command(folder, command, before=(), **settings(rig, keys))
            result.refused(1, "does not match this database")
            assert keys.partition(":")[2] not in result.out + result.err
