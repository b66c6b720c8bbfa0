"""Migrations by owners with few privileges, and the messages about missing privileges."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool, statements
from rowhook.migrate import preflight, runner
from rowhook.migrate.preflight import GRANT_ADVICE, NotReady
from tests.support.clusters import Cluster, cluster
from tests.support.command_line import KEY, CommandLine
from tests.support.commands import CommandResult, run_command, running_command
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
ROLES = ("producer", "reader", "operator", "worker", "api")


# The rules of CREATEROLE and of memberships changed in 16.
every_version = pytest.mark.parametrize(
    "running",
    [*(pytest.param(old, marks=pytest.mark.long) for old in ("15", "16")), "18"],
    indirect=True,
)


@pytest.fixture(scope="module", params=["18"])
async def running(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    async with cluster(request.param) as run_service:
        yield run_service


@pytest.fixture
async def servers(running: Cluster) -> AsyncIterator[Cluster]:
    """A server without roles of Rowhook, databases or logins."""
    yield running
    await running.clean()


def since_16(server: Cluster) -> bool:
    return int(server.version) >= 16


def grants(server: Cluster, login: str, prefix: str = "rowhook") -> list[str]:
    options = " with inherit true, set true" if since_16(server) else ""
    return [f"grant {prefix}_{duty} to {login}{options};" for duty in ("worker", "api")]


async def check_delivery(owner: str, login: str, prefix: str = "rowhook") -> None:
    """Checks that a worker of the login delivers the commits of the owner's platform."""
    async with await connection_pool.connect(owner) as db, Receiver() as receiver:
        platform = Platform(db)
        await platform.set_up()
        async with connection_pool.open_pool(login) as pool:
            rig = Rig(login, pool, platform, receiver, role_prefix=prefix)
            await rig.webhook()
            async with rig.worker():
                await platform.commit()
                await rig.reaches("delivered")


async def unhealthy_findings(hands: CommandLine, **variables: str) -> dict[str, dict[str, Any]]:
    """Returns the unhealthy findings of doctor."""
    result = await hands.type("doctor", "--json", **variables)
    findings = json.loads(result.out)
    return {result["subject"]: result for result in findings if not result["healthy"]}


async def run_service(hands: CommandLine, *arguments: str) -> CommandResult:
    """Runs a command that handles signals in its own process to its end."""
    return await run_command(
        hands.folder, *arguments, DATABASE_URL=hands.dsn, ROWHOOK_MASTER_KEYS=KEY
    )


# The log event of a running service.
_BEGINS = {"up": "worker.started", "worker": "worker.started", "api": "api.started"}


@asynccontextmanager
async def started_command(hands: CommandLine, *arguments: str) -> AsyncIterator[Process]:
    async with running_command(
        hands.folder, *arguments, DATABASE_URL=hands.dsn, ROWHOOK_MASTER_KEYS=KEY
    ) as process:
        yield process


async def wait_for_log(process: Process, output: str) -> None:
    """Waits until the log contains a text."""
    assert process.stderr is not None
    result = b""
    async with asyncio.timeout(DEADLINE_S):
        while line := await process.stderr.readline():
            result += line
            if output.encode() in line:
                return
    raise AssertionError(result.decode())


def lines(ended: CommandResult) -> list[str]:
    return [line.strip() for line in (ended.out + ended.err).splitlines()]


@every_version
async def test_an_owner_with_createrole_migrates_and_becomes_the_service_login(
    servers: Cluster, folder: Path
) -> None:
    owner = await servers.login("createrole")
    dsn = servers.dsn_of(await servers.database(owner), owner)
    result = await CommandLine(folder=folder, dsn=dsn).ok("migrate")
    for statement in grants(servers, owner):
        assert f"Granted to the login of DATABASE_URL: {statement}" in result
    await check_delivery(dsn, dsn)


@every_version
async def test_an_owner_with_createrole_grants_the_roles_to_the_login_of_database_url(
    servers: Cluster, folder: Path
) -> None:
    owner, login = await servers.login("createrole"), await servers.login()
    database = await servers.database(owner)
    direct, dsn = servers.dsn_of(database, owner), servers.dsn_of(database, login)
    await CommandLine(folder=folder, dsn=dsn).ok("migrate", DATABASE_DIRECT_URL=direct)
    assert await CommandLine(folder=folder, dsn=dsn).ok("status")
    await check_delivery(direct, dsn)


@every_version
async def test_an_owner_without_createrole_gets_the_bootstrap_statements_and_then_migrates(
    servers: Cluster, folder: Path
) -> None:
    owner = await servers.login()
    database = await servers.database(owner)
    hands = CommandLine(folder=folder, dsn=servers.dsn_of(database, owner))
    for result in (
        await hands.type("migrate"),
        await hands.type("migrate", "--plan"),
        await run_service(hands, "up", "--port", "0"),
    ):
        result.refused(1, f"{owner} may not create roles (CREATEROLE)")
        for duty in ROLES:
            assert f"create role rowhook_{duty} nologin;" in result.err
    bootstrap = await hands.ok("migrate", "--print-bootstrap")
    await servers.run(bootstrap, bootstrap, database=database)
    await hands.ok("migrate")
    await check_delivery(hands.dsn, hands.dsn)


@every_version
async def test_an_owner_without_create_migrates_in_existing_schemas(
    servers: Cluster, folder: Path
) -> None:
    owner, login = await servers.login(), await servers.login()
    database = await servers.database()
    direct, dsn = servers.dsn_of(database, owner), servers.dsn_of(database, login)
    hands = CommandLine(folder=folder, dsn=dsn)
    result = await hands.type("migrate", "--plan", DATABASE_DIRECT_URL=direct)
    result.refused(1, f"{owner} may not create schemas in {database}")
    for schema in ("rowhook", "rowhook_pgqueuer"):
        assert f"create schema {schema} authorization {owner};" in lines(result)
    bootstrap = await hands.ok("migrate", "--print-bootstrap", DATABASE_DIRECT_URL=direct)
    await servers.run(bootstrap, database=database)
    await hands.ok("migrate", DATABASE_DIRECT_URL=direct)
    await check_delivery(direct, dsn)


async def test_bootstrap_sql_needs_no_connection_and_quotes_every_name(folder: Path) -> None:
    hands = CommandLine(folder=folder, dsn=r"""host=127.0.0.1 port=1 user='o"x' dbname='d\'b'""")
    printed = await hands.ok("migrate", "--print-bootstrap", ROWHOOK_ROLE_PREFIX="acme")
    assert 'grant acme_worker, acme_api to "o""x";' in printed
    assert 'create schema if not exists rowhook authorization "o""x";' in printed
    assert "current_database() <> 'd''b'" in printed
    assert "rowhook_worker" not in printed


@every_version
async def test_a_dba_without_superuser_runs_the_bootstrap(servers: Cluster, folder: Path) -> None:
    dba, owner = await servers.login("createrole"), "login_made_by_dba"
    async with await connection_pool.connect(servers.dsn_of("postgres", dba)) as connection:
        await connection.execute(f"create role {owner} login".encode())
    database = await servers.database(owner)
    await servers.run(f"grant create on database {database} to {dba}")
    hands = CommandLine(folder=folder, dsn=servers.dsn_of(database, owner))
    bootstrap = await hands.ok("migrate", "--print-bootstrap")
    async with await connection_pool.connect(servers.dsn_of(database, dba)) as connection:
        await statements.run_script(connection, bootstrap)
    await hands.ok("migrate")
    await check_delivery(hands.dsn, hands.dsn)


@every_version
async def test_two_installations_of_one_cluster_have_separate_roles(
    servers: Cluster, folder: Path
) -> None:
    installed = []
    for prefix in ("rowhook", "acme"):
        owner = await servers.login("createrole")
        dsn = servers.dsn_of(await servers.database(owner), owner)
        hands = CommandLine(folder=folder, dsn=dsn)
        await hands.ok("migrate", ROWHOOK_ROLE_PREFIX=prefix)
        installed.append((prefix, dsn))
    for prefix, dsn in installed:
        await check_delivery(dsn, dsn, prefix)
    (_, first), (_, second) = installed
    user, _ = statements.login_and_database(first)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with await connection_pool.connect(second) as connection:
            await connection.execute("set role rowhook_worker")
    assert user not in second


async def test_a_wrong_role_prefix_is_rejected_with_both_prefixes(
    servers: Cluster, folder: Path
) -> None:
    dsn = make_conninfo(servers.dsn, dbname=await servers.database())
    hands = CommandLine(folder=folder, dsn=dsn)
    await hands.ok("migrate", ROWHOOK_ROLE_PREFIX="acme")
    message = (
        "the database was migrated with the role prefix acme, but ROWHOOK_ROLE_PREFIX is rowhook"
    )
    for arguments in (["migrate"], ["migrate", "--plan"], ["status"]):
        (await hands.type(*arguments)).refused(1, message, "Set ROWHOOK_ROLE_PREFIX=acme.")
    assert (await unhealthy_findings(hands))["role prefix"]["finding"] == message
    assert "role prefix" not in await unhealthy_findings(hands, ROWHOOK_ROLE_PREFIX="acme")


@every_version
async def test_a_grant_that_the_owner_may_not_make_is_printed(
    servers: Cluster, folder: Path
) -> None:
    owner, login = await servers.login(), await servers.login()
    database = await servers.database(owner)
    direct, dsn = servers.dsn_of(database, owner), servers.dsn_of(database, login)
    hands = CommandLine(folder=folder, dsn=direct)
    await servers.run(await hands.ok("migrate", "--print-bootstrap"), database=database)
    hands = CommandLine(folder=folder, dsn=dsn)
    result = await hands.type("migrate", DATABASE_DIRECT_URL=direct)
    assert result.code == 0
    for statement in grants(servers, login):
        assert f"Run as an administrator: {statement}" in result.err
    (await hands.type("status")).refused(1, *grants(servers, login))
    findings = await unhealthy_findings(hands)
    assert [findings[f"membership in rowhook_{duty}"]["advice"] for duty in ("worker", "api")] == (
        grants(servers, login)
    )
    await servers.run(*grants(servers, login), database=database)
    assert "membership in rowhook_worker" not in await unhealthy_findings(hands)


async def test_migrate_succeeds_where_the_login_of_database_url_cannot_connect(
    servers: Cluster, folder: Path
) -> None:
    owner, login = await servers.login("createrole"), await servers.login("connection limit 0")
    database = await servers.database(owner)
    direct = servers.dsn_of(database, owner)
    hands = CommandLine(folder=folder, dsn=servers.dsn_of(database, login))
    for completed in ("Applied bootstrap", "Nothing to do"):
        result = await hands.type("migrate", DATABASE_DIRECT_URL=direct)
        assert result.code == 0, result.err
        assert completed in result.out
        assert f'too many connections for role "{login}"' in result.err
        for output in ("The database is migrated", "were not checked", "Run rowhook doctor"):
            assert output in result.err
    assert await runner.plan(direct) == []
    result = await run_service(hands, "up", "--port", "0")
    result.refused(3, "too many connections")


async def test_every_start_names_a_missing_grant_before_connecting(
    servers: Cluster, folder: Path
) -> None:
    login, database = await servers.login(), await servers.database()
    await runner.migrate(make_conninfo(servers.dsn, dbname=database))
    hands = CommandLine(folder=folder, dsn=servers.dsn_of(database, login))
    commands = ("worker", "worker --processes 2", "api --port 0", "up --port 0")
    for result in await asyncio.gather(*(run_service(hands, *line.split()) for line in commands)):
        result.refused(1, *grants(servers, login))


async def service(servers: Cluster, folder: Path) -> tuple[CommandLine, str]:
    """A migrated database, its name, and a login that has the service roles and owns nothing."""
    login, database = await servers.login(), await servers.database()
    await runner.migrate(make_conninfo(servers.dsn, dbname=database))
    await servers.run(*grants(servers, login), database=database)
    return CommandLine(folder=folder, dsn=servers.dsn_of(database, login)), database


# Each with its reversal, except that the last changes the order of the function's settings.
ADDITIONS = {
    "grant select on rowhook.outbox to colleague": "revoke select on rowhook.outbox from colleague",
    "grant select on rowhook.outbox to rowhook_reader": (
        "revoke select on rowhook.outbox from rowhook_reader"
    ),
    "alter function rowhook.fill_completed_at() reset search_path": (
        "alter function rowhook.fill_completed_at() set search_path = pg_catalog, pg_temp"
    ),
}


async def test_a_service_login_starts_with_additional_grants_and_changes(
    servers: Cluster, folder: Path
) -> None:
    hands, database = await service(servers, folder)
    await servers.run("create role colleague", database=database)
    for addition, reversal in ADDITIONS.items():
        await servers.run(addition, database=database)
        (await hands.type("migrate")).refused(
            *((1, "Set DATABASE_DIRECT_URL") if "colleague" not in addition else (0,))
        )
        await hands.ok("status")
        doubts = await unhealthy_findings(hands)
        assert ("migrations" in doubts) == ("colleague" not in addition), addition
        await servers.run(reversal, database=database)
    await servers.run(*ADDITIONS, database=database)
    for command in ("up", "worker", "api"):
        options = () if command == "worker" else ("--port", "0")
        async with started_command(hands, command, *options) as process:
            await wait_for_log(process, _BEGINS[command])


async def test_a_service_login_gets_the_missing_objects_and_who_can_repair_them(
    servers: Cluster, folder: Path
) -> None:
    hands, database = await service(servers, folder)
    await servers.run("drop trigger must_fit on rowhook.outbox", database=database)
    superuser, _ = statements.login_and_database(servers.dsn)
    (await run_service(hands, "worker")).refused(
        1, "repair: 1 trigger is missing", "rowhook migrate"
    )
    (await run_service(hands, "up", "--port", "0")).refused(
        1,
        "To be applied: repair: 1 trigger is missing",
        "rowhook migrate --print-bootstrap",
        f"Set DATABASE_DIRECT_URL to a login that is a member of {superuser}.",
    )


@pytest.mark.parametrize(
    "revocation",
    [
        "revoke execute on function rowhook.applied_migrations() from rowhook_worker",
        "revoke select on rowhook.schema_line from rowhook_worker",
        "revoke execute on function rowhook.diagnosis() from rowhook_worker, rowhook_api",
    ],
)
async def test_a_missing_privilege_is_named_with_the_command_that_grants_it(
    servers: Cluster, folder: Path, revocation: str
) -> None:
    hands, database = await service(servers, folder)
    await servers.run(revocation, database=database)
    results = [await hands.type("doctor")]
    if "diagnosis" not in revocation:
        results += [await hands.type("status"), await hands.type("migrate")]
        results += [await hands.type("migrate", "--plan")]
    for command in results:
        assert command.code == 1
        assert "rowhook doctor" not in command.out + command.err
        assert (
            "DATABASE_DIRECT_URL" in command.out + command.err
            or "Run rowhook migrate" in command.out
        )


async def test_every_refusal_names_the_missing_privilege(servers: Cluster) -> None:
    owner = await servers.login("createrole")
    database = await servers.database(owner)
    dsn = servers.dsn_of(database, owner)
    await runner.migrate(dsn)
    await preflight.grant_missing(dsn, dsn, "rowhook")
    claimed = "revoke execute on function rowhook.applied_migrations() from"
    await servers.run(f"{claimed} rowhook_worker", f"{claimed} {owner}", database=database)
    for refused in (runner.migrate(dsn), runner.plan(dsn)):
        with pytest.raises(NotReady, match="rights: permission denied for function") as caught:
            await refused
        assert [lack.advice for lack in caught.value.findings] == [GRANT_ADVICE]


@every_version
async def test_a_member_without_set_or_inherit_gets_the_grant_statement(
    servers: Cluster,
) -> None:
    login = await servers.login("noinherit")
    database = await servers.database()
    await runner.migrate(make_conninfo(servers.dsn, dbname=database))
    without = " with set false" if since_16(servers) else ""
    await servers.run(f"grant rowhook_worker, rowhook_api to {login}{without}")
    findings = await preflight.examine(servers.dsn_of(database, login), "rowhook")
    with pytest.raises(NotReady) as refused:
        preflight.require(findings, "server", "start")
    advice = {result.advice for result in refused.value.findings}
    assert advice == (
        set(grants(servers, login)) if since_16(servers) else {f"alter role {login} inherit;"}
    )
    await servers.run(*advice)
    findings = await preflight.examine(servers.dsn_of(database, login), "rowhook")
    preflight.require(findings, "server", "start")


async def test_objects_of_another_owner_are_reported_before_anything_is_applied(
    servers: Cluster, folder: Path
) -> None:
    owner = await servers.login("createrole")
    database = await servers.database(owner)
    await servers.run("create schema rowhook", "create table rowhook.x ()", database=database)
    hands = CommandLine(folder=folder, dsn=servers.dsn_of(database, owner))
    superuser, _ = statements.login_and_database(servers.dsn)
    result = await hands.type("migrate")
    result.refused(
        1,
        f"alter schema rowhook owner to {owner};",
        f"1 table or function of Rowhook belongs to {superuser}",
        f"grant {superuser} to {owner};",
    )


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_without_utf8_is_rejected_with_the_create_statement(
    servers: Cluster, folder: Path, encoding: str
) -> None:
    options = f"encoding '{encoding}' locale 'C' template template0"
    database = await servers.database(options=options)
    hands = CommandLine(folder=folder, dsn=make_conninfo(servers.dsn, dbname=database))
    statement = f"create database {database}_utf8 encoding 'UTF8' locale 'C' template template0;"
    for arguments in (["migrate"], ["migrate", "--plan"], ["status"]):
        (await hands.type(*arguments)).refused(1, f"encoding: {encoding}", statement)
    assert (await unhealthy_findings(hands))["encoding"]["advice"] == statement
    await servers.run(statement)


@pytest.mark.parametrize(
    ("read_only", "finding"),
    [("off", "writable"), ("on", "read-only (default_transaction_read_only): it can only be read")],
)
async def test_a_read_only_database_is_rejected_at_start(
    servers: Cluster, read_only: str, finding: str
) -> None:
    options = f"-c default_transaction_read_only={read_only}"
    findings = await preflight.examine(make_conninfo(servers.dsn, options=options), "rowhook")
    (primary,) = [result for result in findings if result.subject == "primary"]
    assert (primary.healthy, primary.finding) == (read_only == "off", finding)
