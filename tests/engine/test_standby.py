"""Commands on a database that can only be read: what reads works, the rest says why not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rowhook.cli import startup
from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from rowhook.migrate import runner
from rowhook.migrate.preflight import NotReady
from rowhook.security.vault import Keyring
from rowhook.services import secrets
from tests.support import servers
from tests.support.command_line import KEY, CommandLine
from tests.support.commands import run
from tests.support.rig import Rig, until
from tests.support.servers import Server
from tests.support.world import Platform

pytestmark = [pytest.mark.anyio, pytest.mark.servers("stock_15")]
READS = (
    "status",
    "status --json",
    "deliveries",
    "deliveries show {delivery}",
    "webhooks",
    "webhooks show {webhook}",
    "webhooks revisions {webhook}",
    "keys",
    "config",
    "migrate --plan",
    "secrets --organization {organization}",
)
WRITES = ("migrate", "cancel {delivery}", "retry {delivery}", "webhooks pause {webhook}")
STARTS = ("up --port 0", "worker", "worker --processes 2", "api --port 0")
FINDINGS = {
    "a standby": "Point DATABASE_URL at the primary",
    "a read-only session": "Find out who set default_transaction_read_only",
}


@pytest.fixture
async def names(rig: Rig, pool: Pool) -> dict[str, str]:
    """Ids of what a database holds that delivered something once."""
    await startup.check_keyring(pool, Keyring(KEY))
    organization = rig.platform.organization
    await secrets.put_secret(rig.ctx, organization, "crm", "s3cret-value-77")
    webhook = await rig.webhook()
    async with rig.worker():
        await rig.platform.commit()
        (delivery,) = await rig.reaches("delivered")
    return {
        "webhook": str(webhook.id),
        "delivery": str(delivery["id"]),
        "organization": str(organization),
    }


async def replayed(primary: Platform, reader: str) -> None:
    """Waits until the standby has all that the primary has."""
    place = await primary.value("select pg_current_wal_lsn()::text")

    async def done() -> bool:
        async with await connection_pool.connect(reader) as connection:
            cursor = await connection.execute(
                "select pg_last_wal_replay_lsn() >= %s::pg_lsn", (place,)
            )
            return await cursor.fetchone() == (True,)

    await until(done, what="the standby")


@pytest.fixture(params=list(FINDINGS))
async def reader(
    request: pytest.FixtureRequest,
    server: Server,
    dsn: str,
    names: dict[str, str],
    platform: Platform,
    folder: Path,
) -> AsyncIterator[CommandLine]:
    assert names
    if request.param == "a read-only session":
        options = "-c default_transaction_read_only=on"
        yield CommandLine(folder=folder, dsn=make_conninfo(dsn, options=options))
        return
    async with servers.standby(server) as copy:
        there = copy.dsn(str(conninfo_to_dict(dsn)["dbname"]))
        await replayed(platform, there)
        yield CommandLine(folder=folder, dsn=there)


async def test_what_only_reads_works_and_what_writes_is_refused_with_what_to_do(
    reader: CommandLine, names: dict[str, str], request: pytest.FixtureRequest
) -> None:
    kind = request.node.callspec.params["reader"]
    for command in READS:
        await reader.ok(*command.format(**names).split())
    for command in WRITES:
        told = await reader.type(*command.format(**names).split())
        told.refused(1, "primary: ", "it can only be read", FINDINGS[kind])
    for command in STARTS:
        ended = await run(
            reader.folder, *command.split(), DATABASE_URL=reader.dsn, ROWHOOK_MASTER_KEYS=KEY
        )
        ended.refused(1, "primary: ", "it can only be read", FINDINGS[kind])


async def test_the_doctor_examines_all_and_finds_only_that_nothing_can_be_written(
    reader: CommandLine,
) -> None:
    told = await reader.type("doctor", "--json")
    findings = {found["subject"]: found for found in json.loads(told.out)}
    assert {"migrations", "master keys", "installation", "sources"} <= set(findings)
    ill = {subject for subject, found in findings.items() if not found["healthy"]}
    assert (told.code, ill) == (1, {"primary", "workers"})


async def test_a_migration_of_a_database_that_can_only_be_read_is_refused(
    reader: CommandLine,
) -> None:
    with pytest.raises(NotReady, match=r"primary: .* it can only be read"):
        await runner.migrate(reader.dsn)
