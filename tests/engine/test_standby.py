"""Commands on a read-only database: reading works, writing is refused with advice."""

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
from tests.support.commands import run_command
from tests.support.sample_platform import Platform
from tests.support.servers import Server
from tests.support.worker_rig import Rig, until

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
    """The ids of a database with one delivered delivery."""
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


async def wait_for_replay(primary: Platform, reader: str) -> None:
    """Waits until the standby has all changes of the primary."""
    place = await primary.value("select pg_current_wal_lsn()::text")

    async def is_replayed() -> bool:
        async with await connection_pool.connect(reader) as connection:
            cursor = await connection.execute(
                "select pg_last_wal_replay_lsn() >= %s::pg_lsn", (place,)
            )
            return await cursor.fetchone() == (True,)

    await until(is_replayed, description="the standby")


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
        await wait_for_replay(platform, there)
        yield CommandLine(folder=folder, dsn=there)


async def test_on_a_standby_reading_commands_work_and_writing_ones_are_refused_with_advice(
    reader: CommandLine, names: dict[str, str], request: pytest.FixtureRequest
) -> None:
    kind = request.node.callspec.params["reader"]
    for command in READS:
        await reader.ok(*command.format(**names).split())
    for command in WRITES:
        result = await reader.type(*command.format(**names).split())
        result.refused(1, "primary: ", "it can only be read", FINDINGS[kind])
    for command in STARTS:
        ended = await run_command(
            reader.folder, *command.split(), DATABASE_URL=reader.dsn, ROWHOOK_MASTER_KEYS=KEY
        )
        ended.refused(1, "primary: ", "it can only be read", FINDINGS[kind])


async def test_doctor_checks_everything_and_reports_only_the_read_only_database(
    reader: CommandLine,
) -> None:
    result = await reader.type("doctor", "--json")
    findings = {result["subject"]: result for result in json.loads(result.out)}
    assert {"migrations", "master keys", "installation", "sources"} <= set(findings)
    ill = {subject for subject, result in findings.items() if not result["healthy"]}
    assert (result.code, ill) == (1, {"primary", "workers"})


async def test_a_migration_of_a_read_only_database_is_refused(
    reader: CommandLine,
) -> None:
    with pytest.raises(NotReady, match=r"primary: .* it can only be read"):
        await runner.migrate(reader.dsn)
