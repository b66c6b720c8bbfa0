"""`rowhook uninstall` on real servers: removed objects, kept objects, and its output."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool
from rowhook.db.statements import login_and_database, run_script
from tests.engine.test_privileges import ROLES, check_delivery
from tests.support.clusters import Cluster, cluster
from tests.support.command_line import CommandLine
from tests.support.sample_platform import Platform
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio

# The rules of CREATEROLE changed in 16.
every_version = pytest.mark.parametrize(
    "running",
    [*(pytest.param(old, marks=pytest.mark.long) for old in ("15", "16")), "18"],
    indirect=True,
)


@pytest.fixture(scope="module", params=["18"])
async def running(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    async with cluster(request.param) as started:
        yield started


@pytest.fixture
async def servers(running: Cluster) -> AsyncIterator[Cluster]:
    """A server without roles of Rowhook, databases or logins."""
    yield running
    await running.clean()


async def owner_hands(servers: Cluster, folder: Path, options: str = "createrole") -> CommandLine:
    """The command line of the owner of a database, without superuser."""
    owner = await servers.login(options)
    return CommandLine(folder=folder, dsn=servers.dsn_of(await servers.database(owner), owner))


async def remaining_objects(dsn: str) -> dict[str, list[str]]:
    """Returns the remaining objects of Rowhook: schemas, triggers, roles, settings."""
    async with await connection_pool.connect(dsn) as connection:
        (row,) = await Platform(connection).rows(
            "select array(select nspname::text from pg_namespace where nspname ~ 'rowhook')"
            " as schemas,"
            " array(select tgname::text from pg_trigger where tgname ~ '^rowhook_') as triggers,"
            " array(select rolname::text from pg_roles"
            "       where rolname ~ '^(rowhook|acme)_(producer|reader|operator|worker|api)$'"
            "       order by 1) as roles,"
            " array(select unnest(setconfig) from pg_db_role_setting) as settings"
        )
    return row


NOTHING: dict[str, list[str]] = {"schemas": [], "triggers": [], "roles": [], "settings": []}


@every_version
async def test_an_owner_without_superuser_removes_everything_and_gets_a_list(
    servers: Cluster, folder: Path
) -> None:
    hands = await owner_hands(servers, folder)
    await hands.ok("migrate")
    async with await connection_pool.connect(hands.dsn) as connection:
        await run_script(
            connection,
            "create schema platform; create table platform.runs (id int);"
            " create function rowhook.captured() returns trigger language plpgsql"
            " as $$begin return null; end$$;"
            " create trigger rowhook_job after insert on platform.runs"
            " execute function rowhook.captured();"
            " create view platform.recent as select id from rowhook.delivery;",
        )
    output = await hands.ok("uninstall", "--yes")
    for line in (
        "Removed trigger rowhook_job on platform.runs.",
        "Removed view platform.recent.",
        "Removed schema rowhook.",
        "Removed schema rowhook_pgqueuer.",
        *(f"Removed role rowhook_{duty}." for duty in ROLES),
    ):
        assert line in output
    assert await remaining_objects(hands.dsn) == NOTHING
    assert "Nothing to remove" in await hands.ok("uninstall", "--yes")
    await hands.ok("migrate")
    await check_delivery(hands.dsn, hands.dsn)


@every_version
async def test_roles_that_the_owner_may_not_drop_are_kept_with_the_drop_statement(
    servers: Cluster, folder: Path
) -> None:
    hands = await owner_hands(servers, folder, "")
    _, database = login_and_database(hands.dsn)
    await servers.run(await hands.ok("migrate", "--print-bootstrap"), database=database)
    await hands.ok("migrate")
    result = await hands.type("uninstall", "--yes")
    statements = [f"drop role if exists rowhook_{duty};" for duty in ROLES]
    result.refused(1, *(f"Run as an administrator: {statement}" for statement in statements))
    assert (await remaining_objects(hands.dsn))["schemas"] == []
    await servers.run(*statements)
    assert await remaining_objects(hands.dsn) == NOTHING


@every_version
async def test_roles_that_another_database_uses_are_kept_and_the_database_is_named(
    servers: Cluster, folder: Path
) -> None:
    hands = await owner_hands(servers, folder)
    owner, _ = login_and_database(hands.dsn)
    other = await servers.database(owner)
    other_dsn = servers.dsn_of(other, owner)
    await hands.ok("migrate")
    await CommandLine(folder=folder, dsn=other_dsn).ok("migrate")
    output = await hands.ok("uninstall", "--yes")
    for duty in ROLES:
        assert f"Kept role rowhook_{duty}: used in database {other}." in output
    assert (await remaining_objects(hands.dsn))["schemas"] == []
    await check_delivery(other_dsn, other_dsn)


async def test_a_role_that_the_platform_uses_in_this_database_is_kept(
    servers: Cluster, folder: Path
) -> None:
    hands = await owner_hands(servers, folder)
    await hands.ok("migrate")
    _, database = login_and_database(hands.dsn)
    async with await connection_pool.connect(hands.dsn) as connection:
        await run_script(
            connection,
            "create schema platform; create table platform.runs (id int);"
            " grant select on platform.runs to rowhook_reader;",
        )
    output = await hands.ok("uninstall", "--yes")
    assert f"Kept role rowhook_reader: used in database {database}." in output
    assert (await remaining_objects(hands.dsn)) == NOTHING | {"roles": ["rowhook_reader"]}


DAMAGES_FOR_CI = (
    "drop function rowhook.role_names cascade",
    "drop table rowhook.outbox, rowhook.migration cascade",
    "drop schema rowhook cascade; create schema rowhook; create table rowhook.migration ()",
    "drop owned by rowhook_worker; drop role rowhook_worker",
)


@pytest.mark.parametrize(
    "damage",
    [
        "drop schema rowhook cascade",
        "drop schema rowhook_pgqueuer cascade",
        *(pytest.param(damage, marks=pytest.mark.long) for damage in DAMAGES_FOR_CI),
    ],
)
async def test_a_damaged_installation_is_removed_completely(
    servers: Cluster, folder: Path, damage: str
) -> None:
    hands = await owner_hands(servers, folder)
    await hands.ok("migrate")
    async with await connection_pool.connect(hands.dsn) as connection:
        await run_script(connection, damage)
    await hands.ok("uninstall", "--yes")
    assert await remaining_objects(hands.dsn) == NOTHING


@pytest.mark.long
async def test_uninstall_asks_for_confirmation_with_damaged_tables(
    servers: Cluster, folder: Path
) -> None:
    hands = await owner_hands(servers, folder)
    await hands.ok("migrate")
    async with await connection_pool.connect(hands.dsn) as connection:
        await run_script(connection, "drop table rowhook.webhook cascade")
    result = await hands.answer("y", "uninstall")
    assert 'could not be counted: relation "rowhook.webhook" does not exist.' in result.out
    assert (result.code, await remaining_objects(hands.dsn)) == (0, NOTHING)


@pytest.mark.long
async def test_uninstall_asks_on_a_terminal_and_lists_the_lost_objects(
    servers: Cluster, folder: Path
) -> None:
    hands = await owner_hands(servers, folder)
    await hands.ok("migrate")
    async with await connection_pool.connect(hands.dsn) as connection:
        platform = Platform(connection)
        await platform.set_up()
        await platform.webhook_of_goal()
        await platform.commit()
        await platform.commit()
    before = await remaining_objects(hands.dsn)
    refused = await hands.answer("n", "uninstall")
    assert "Data that will be lost: 1 webhook, 2 waiting deliveries, 2 events." in refused.out
    assert "schema rowhook (owned by" in refused.out
    assert (refused.code, await remaining_objects(hands.dsn)) == (1, before)
    assert (await hands.answer("y", "uninstall")).code == 0
    assert await remaining_objects(hands.dsn) == NOTHING


async def test_uninstall_requires_yes_without_a_terminal(servers: Cluster, folder: Path) -> None:
    hands = await owner_hands(servers, folder)
    await hands.ok("migrate")
    before = await remaining_objects(hands.dsn)
    (await hands.type("uninstall", stdin="y\n")).refused(2, "Pass --yes.")
    assert await remaining_objects(hands.dsn) == before


@pytest.mark.long
async def test_the_role_prefix_comes_from_the_database_and_not_from_the_setting(
    servers: Cluster, folder: Path
) -> None:
    hands = await owner_hands(servers, folder)
    await hands.ok("migrate", ROWHOOK_ROLE_PREFIX="acme")
    assert "Removed role acme_worker." in await hands.ok("uninstall", "--yes")
    assert await remaining_objects(hands.dsn) == NOTHING


async def test_a_login_that_is_not_the_owner_removes_nothing(
    servers: Cluster, folder: Path
) -> None:
    hands = await owner_hands(servers, folder)
    await hands.ok("migrate")
    owner, database = login_and_database(hands.dsn)
    before = await remaining_objects(hands.dsn)
    other = CommandLine(
        folder=folder, dsn=servers.dsn_of(database, await servers.login("createrole"))
    )
    result = await other.type("uninstall", "--yes")
    result.refused(1, f"Could not remove schema rowhook (owned by {owner}): must be owner")
    assert await remaining_objects(hands.dsn) == before


async def test_uninstall_waits_for_a_platform_transaction_without_blocking_others(
    servers: Cluster, folder: Path
) -> None:
    hands = await owner_hands(servers, folder)
    await hands.ok("migrate")
    async with (
        await connection_pool.connect(hands.dsn) as first,
        await connection_pool.connect(hands.dsn) as second,
    ):
        platform = Platform(first)
        await platform.set_up()
        async with first.transaction():
            await platform.commit()
            removing = asyncio.create_task(hands.ok("uninstall", "--yes"))

            async def is_waiting() -> bool:
                query = "select from pg_locks where not granted"
                return bool(await Platform(second).rows(query))

            await until(is_waiting)
            platform.db = second
            await platform.commit()
        assert "Removed schema rowhook." in await removing


async def test_without_a_database_url_uninstall_explains_removing_the_embedded_database(
    folder: Path,
) -> None:
    result = await CommandLine(folder=folder, dsn="").type("uninstall", "--yes")
    result.refused(2, "delete", str(folder))


async def test_uninstall_of_an_unreachable_database_exits_3(folder: Path) -> None:
    dsn = "postgresql://nobody@127.0.0.1:9/none"
    (await CommandLine(folder=folder, dsn=dsn).type("uninstall", "--yes")).refused(3)


async def test_a_database_setting_is_reset_by_a_superuser_or_kept_with_the_statement(
    servers: Cluster, folder: Path
) -> None:
    hands = await owner_hands(servers, folder)
    await hands.ok("migrate")
    _, database = login_and_database(hands.dsn)
    await servers.run(
        f"alter database {database} set rowhook.notify = 'off'",
        f"alter database {database} set work_mem = '8MB'",
    )
    result = await hands.type("uninstall", "--yes")
    result.refused(
        1,
        f"Could not remove setting rowhook.notify of database {database}: permission denied",
        f"Run as an administrator: alter database {database} reset rowhook.notify;",
    )
    hands = CommandLine(folder=folder, dsn=make_conninfo(servers.dsn, dbname=database))
    assert await hands.ok("uninstall", "--yes") == (
        f"Removed setting rowhook.notify of database {database}.\n"
    )
    assert await remaining_objects(hands.dsn) == NOTHING | {"settings": ["work_mem=8MB"]}
