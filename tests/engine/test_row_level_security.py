"""Row-level security for `rowhook_api`, the second line of defence behind the checks of the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import TenantPool
from tests.support.calls import Api
from tests.support.pgbouncer import pooled_dsn
from tests.support.sample_platform import Platform
from tests.support.servers import every_server
from tests.support.tenants import OWNED, Tenant, tenant

pytestmark = [pytest.mark.anyio, every_server]

# Security definer functions of the API, and why they are safe.
WITH_OWNERS_RIGHTS = {
    "authenticate": "a key is looked up before the tenant is known; the caller must know its hash",
    **dict.fromkeys(
        (
            "sign_in",
            "open_sign_in",
            "signed_in",
            "sign_out",
            "portal_access",
            "open_portal_link",
            "end_portal_session",
        ),
        "as authenticate; they refuse inside a transaction of the API",
    ),
    "write_audit": "the audit is append-only; the organization must be visible to the transaction",
    "make_commit": "the platform's tables are read alone but for this; it asks rowhook.can_see",
    "callbacks_written": "only the engine may settle; it asks rowhook.can_see for each callback",
    "resend_at_rate": "only the engine may set times; it asks rowhook.can_see for each row",
    "system": "it answers to operators alone, and asks that first",
    "status": "counts of the whole installation, no row of anybody",
    **dict.fromkeys(
        (
            "delivery_counts",
            "retention_plan",
            "retention_report",
            "paused_deliveries",
            "storage_report",
        ),
        "counts, ages and sizes of the whole installation, no row of anybody",
    ),
    **dict.fromkeys(
        ("rare_waiting_statuses", "few_deliveries_ended", "few_deliveries_failed"),
        "whether the whole installation has few of them, no row of anybody",
    ),
    **dict.fromkeys(
        ("last_id_before", "creation_after", "clock_set_back_by"),
        "the creation time of a delivery id or the id at a time, nothing else of the row",
    ),
    **dict.fromkeys(
        ("count_many_since", "pending_of_webhooks"),
        "counts and a time; they ask first whether the caller sees the organization",
    ),
    "workers": "the processes of the installation",
    **dict.fromkeys(
        ("metrics", "backlog", "queue_metrics", "upkeep_metrics"),
        "figures of the whole installation for /metrics, no row of anybody",
    ),
    "diagnosis": "findings about the installation, no row of anybody",
    **dict.fromkeys(
        (
            "check_installation",
            "epoch_is_due",
            "raise_epoch",
            "move_event_batch",
            "settled_before",
            "suspension",
        ),
        "facts about the database and its transaction ids, no row of anybody",
    ),
    "adopt": "it refuses a transaction of the API that is not an operator's",
    **dict.fromkeys(
        ("set_quotas", "erase_configuration", "erase_batch", "has_events", "end_erasure"),
        "as adopt",
    ),
    "check_webhook_quota": "it locks the quota, and returns nothing",
}
# Tables without a policy that rowhook_api may use, and why.
WITHOUT_POLICY = {
    **dict.fromkeys(
        ("organization", "agent", "agent_version", "goal", "session", "job", "commit"),
        "the platform's: COPY must work; rowhook.can_see decides in each function",
    ),
    "worker": "the processes of the installation",
    "keyring_check": "one sealed word, of the installation",
    "idempotent_request": "found by its caller's name alone, and sealed",
    "test_allowance": "how many tests a webhook has left",
}


@pytest.fixture
async def own(api: Api, db: psycopg.AsyncConnection) -> Tenant:
    return await tenant(api, db)


@pytest.fixture
async def foreign(api: Api, db: psycopg.AsyncConnection) -> Tenant:
    return await tenant(api, db)


@pytest.fixture
async def granted(
    own: Tenant, foreign: Tenant, db: psycopg.AsyncConnection
) -> tuple[Tenant, Tenant]:
    """Grants rowhook_api all privileges in the database of this test, to test only the policies."""
    await db.execute("grant all on all tables in schema rowhook to rowhook_api")
    return own, foreign


@asynccontextmanager
async def with_organization(
    pool: Pool, organization: UUID | None
) -> AsyncIterator[psycopg.AsyncConnection]:
    """Runs a transaction of the API."""
    entry = TenantPool(pool=pool, organization=organization, actor="a test")
    async with entry.connection() as connection:
        yield connection


@asynccontextmanager
async def without_organization(
    pool: Pool, **settings: str
) -> AsyncIterator[psycopg.AsyncConnection]:
    """Runs a transaction as rowhook_api without an organization."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("set local role rowhook_api")
        for name, value in settings.items():
            await connection.execute("select set_config(%s, %s, true)", (f"rowhook.{name}", value))
        yield connection


# All but the generated ones.
WRITTEN = """select attname from pg_attribute
  where attrelid = 'rowhook.{table}'::regclass and attnum > 0 and attgenerated = ''"""


async def owners(connection: psycopg.AsyncConnection, table: str) -> set[object]:
    """Returns the organizations whose rows are visible, by table."""
    cursor = await connection.execute(f"select {OWNED[table]} from rowhook.{table}".encode())
    return {row[0] for row in await cursor.fetchall()}


async def visible_owners(connection: psycopg.AsyncConnection) -> dict[str, set[object]]:
    return {table: await owners(connection, table) for table in OWNED}


@pytest.mark.usefixtures("granted")
async def test_a_transaction_sees_only_rows_of_its_organization(
    pool: Pool, own: Tenant, foreign: Tenant
) -> None:
    for visible, hidden in ((own, foreign), (foreign, own)):
        async with with_organization(pool, visible.organization) as connection:
            observed = await visible_owners(connection)
        for table in OWNED:
            assert visible.owner_of(table) in observed[table]
            assert hidden.owner_of(table) not in observed[table]
            assert OWNED[table] != "organization_id" or observed[table] == {visible.organization}


@pytest.mark.usefixtures("granted")
async def test_an_operator_transaction_sees_every_row(
    pool: Pool, db: psycopg.AsyncConnection
) -> None:
    async with with_organization(pool, None) as connection:
        assert await visible_owners(connection) == await visible_owners(db)


@pytest.mark.usefixtures("granted")
async def test_rows_of_another_organization_are_not_updated_or_deleted(
    pool: Pool, own: Tenant, foreign: Tenant
) -> None:
    for table, column in OWNED.items():
        for statement in (
            f"update rowhook.{table} set {column} = {column} where {column} = %s",
            f"delete from rowhook.{table} where {column} = %s",
        ):
            for as_whom in (with_organization(pool, own.organization), without_organization(pool)):
                async with as_whom as connection:
                    completed = await connection.execute(
                        statement.encode(), (foreign.owner_of(table),)
                    )
                    assert (statement, completed.rowcount) == (statement, 0)


@pytest.mark.usefixtures("granted")
async def test_no_row_is_inserted_for_another_organization(
    pool: Pool, db: psycopg.AsyncConnection, own: Tenant, foreign: Tenant
) -> None:
    for table, column in OWNED.items():
        query = f"select row_to_json(t) from rowhook.{table} t where {column} = %s"
        cursor = await db.execute(query.encode(), (foreign.owner_of(table),))
        copied = json.dumps((await cursor.fetchone() or ())[0])
        columns = ", ".join(sorted(await names(db, WRITTEN.format(table=table))))
        insert = (
            f"insert into rowhook.{table} ({columns}) overriding system value"
            f" select {columns} from json_populate_record(null::rowhook.{table}, %s::json)"
        )
        for as_whom in (with_organization(pool, own.organization), without_organization(pool)):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                async with as_whom as connection:
                    await connection.execute(insert.encode(), (copied,))


@pytest.mark.usefixtures("granted")
async def test_no_row_is_moved_to_another_organization(
    pool: Pool, own: Tenant, foreign: Tenant
) -> None:
    for table, column in OWNED.items():
        # The trigger of the outbox rejects it first.
        message = "Only the status" if table == "outbox" else "row-level security"
        update = f"update rowhook.{table} set {column} = %s where {column} = %s"
        with pytest.raises(psycopg.Error, match=message):
            async with with_organization(pool, own.organization) as connection:
                await connection.execute(
                    update.encode(), (foreign.owner_of(table), own.owner_of(table))
                )


@pytest.mark.usefixtures("granted")
async def test_no_row_is_visible_with_an_unset_empty_or_partial_setting(pool: Pool) -> None:
    nothing: dict[str, set[object]] = {table: set() for table in OWNED}
    async with without_organization(pool) as connection:
        assert await visible_owners(connection) == nothing
    for message in ("", "off", "ON", "true", "1", "on "):
        async with without_organization(pool, organization="", operator=message) as connection:
            assert await visible_owners(connection) == nothing


@pytest.mark.usefixtures("granted")
async def test_an_invalid_organization_id_is_an_error(pool: Pool) -> None:
    for message in ("not-a-uuid", "*", "%", "null", "' or true --", " "):
        for table in OWNED:
            with pytest.raises(psycopg.errors.InvalidTextRepresentation):
                async with without_organization(pool, organization=message) as connection:
                    await owners(connection, table)


@pytest.mark.usefixtures("granted")
async def test_one_connection_can_serve_one_organization_after_another(
    dsn: str, own: Tenant, foreign: Tenant
) -> None:
    async with connection_pool.open_pool(dsn, size=1) as single:
        for organization in (own.organization, None, foreign.organization):
            async with with_organization(single, organization) as connection:
                assert organization is None or await owners(connection, "webhook") == {organization}
            async with without_organization(single) as connection:
                assert await owners(connection, "webhook") == set()
        with pytest.raises(ZeroDivisionError):
            async with with_organization(single, None):
                raise ZeroDivisionError
        async with without_organization(single) as connection:
            assert await owners(connection, "outbox") == set()


@pytest.mark.usefixtures("granted")
async def test_row_level_security_works_through_a_transaction_pooler(
    dsn: str, folder: Path, own: Tenant, foreign: Tenant
) -> None:
    backends: set[object] = set()

    async def call(pool: Pool, organization: UUID | None, *expected: UUID) -> None:
        for _ in range(20):
            async with (
                with_organization(pool, organization)
                if expected
                else without_organization(pool) as connection
            ):
                assert await owners(connection, "webhook") == set(expected)
                cursor = await connection.execute("select pg_backend_pid()")
                backends.add(await cursor.fetchone())

    async with (
        pooled_dsn(dsn, folder) as through,
        connection_pool.open_pool(through, size=5, pooler=True) as pool,
    ):
        await asyncio.gather(
            call(pool, own.organization, own.organization),
            call(pool, None),
            call(pool, foreign.organization, foreign.organization),
            call(pool, None, own.organization, foreign.organization),
            call(pool, None),
        )
    assert len(backends) == 1


async def test_the_views_of_the_api_apply_row_level_security_and_other_views_are_inaccessible(
    pool: Pool, own: Tenant, foreign: Tenant
) -> None:
    async def visible_ids(connection: psycopg.AsyncConnection, view: str) -> set[UUID]:
        cursor = await connection.execute(f"select organization_id from rowhook.{view}".encode())
        return {row[0] for row in await cursor.fetchall()}

    async with with_organization(pool, own.organization) as connection:
        assert await visible_ids(connection, "api_delivery") == {own.organization}
    async with with_organization(pool, None) as connection:
        assert await visible_ids(connection, "api_delivery") == {
            own.organization,
            foreign.organization,
        }
    async with without_organization(pool) as connection:
        assert await visible_ids(connection, "api_delivery") == set()
    for view in ("delivery", "webhook_health", "capture_gap"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with with_organization(pool, None) as connection:
                await connection.execute(f"select from rowhook.{view}".encode())


async def test_functions_that_read_the_platform_tables_filter_by_organization(
    pool: Pool, own: Tenant, foreign: Tenant
) -> None:
    pages = (
        "select rowhook.organization_page(null, 100)",
        "select rowhook.agent_page(null, null, 100)",
        "select rowhook.goal_page(null, null, 100)",
        "select rowhook.stats(null, '1 hour')",
        "select rowhook.failures(null, null, '-infinity', 100, 100)",
        "select rowhook.worst_webhooks(null, array['held'], '1 hour', 100, 100)",
        "select rowhook.health_of(array[%(webhook)s::uuid])",
        "select rowhook.sample_job(%(organization)s, %(agent)s)",
        "select rowhook.sample_commit(%(organization)s, %(goal)s)",
        "select rowhook.first_missing(agent => %(agent)s)",
        "select rowhook.first_missing(goal => %(goal)s)",
        "select rowhook.first_missing(organization => %(organization)s)",
    )
    named = {
        "organization": foreign.organization,
        "agent": foreign.platform.agent,
        "goal": foreign.platform.goal,
        "webhook": foreign.webhook,
    }
    marks = {str(name) for name in named.values()} | {'"deliveries" : 4'}
    for page in pages:
        async with with_organization(pool, own.organization) as connection:
            cursor = str(await (await connection.execute(page.encode(), named)).fetchall())
        assert not [mark for mark in marks if mark in cursor], page
        assert "unknown" not in page or cursor in {
            "[('agent',)]",
            "[('goal',)]",
            "[('organization',)]",
        }


async def test_security_definer_functions_filter_by_organization(
    pool: Pool, db: psycopg.AsyncConnection, own: Tenant, foreign: Tenant
) -> None:
    async with with_organization(pool, own.organization) as connection:
        await connection.execute(
            "select rowhook.resend_at_rate(%s::bigint[], 1)", ([foreign.dead],)
        )
        await connection.execute("select rowhook.retry(%s::bigint[])", ([foreign.dead],))
        await connection.execute("select rowhook.cancel(%s::bigint[])", ([foreign.waiting],))
        created = await connection.execute(
            "select * from rowhook.make_commit(%s, null, null, '1', null)", (foreign.platform.goal,)
        )
        assert await created.fetchall() == []
        await connection.execute("select rowhook.callbacks_written(%s, 1)", (foreign.session,))
    cursor = await db.execute(
        "select status from rowhook.outbox where id = any(%s) order by id",
        ([foreign.dead, foreign.waiting],),
    )
    assert await cursor.fetchall() == [("dead",), ("pending",)]
    for organization in (foreign.organization, None):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with with_organization(pool, own.organization) as connection:
                await connection.execute(
                    "select rowhook.write_audit(%s, 'lie', 'x')", (organization,)
                )


async def names(db: psycopg.AsyncConnection, query: str) -> set[str]:
    return {row[0] for row in await (await db.execute(query.encode())).fetchall()}


async def test_only_listed_functions_of_the_api_are_security_definer(
    db: psycopg.AsyncConnection,
) -> None:
    own = "pronamespace = 'rowhook'::regnamespace"
    assert await names(
        db,
        f"select proname from pg_proc where {own} and prosecdef"
        " and has_function_privilege('rowhook_api', oid, 'execute')",
    ) == set(WITH_OWNERS_RIGHTS)
    hijackable = f"""
      select proname from pg_proc where {own} and prosecdef
        and not coalesce(proconfig @> array['search_path=pg_catalog, pg_temp'], false)"""
    assert await names(db, hijackable) == set()
    open_to_all = f"""
      select proname from pg_proc where {own} and prorettype <> 'trigger'::regtype
        and has_function_privilege('public', oid, 'execute')"""
    assert await names(db, open_to_all) == set()


async def test_only_listed_tables_of_the_api_have_no_policy(db: psycopg.AsyncConnection) -> None:
    held = " or ".join(
        f"has_table_privilege('rowhook_api', c.oid, '{right}')"
        for right in ("select", "insert", "update", "delete", "truncate", "references", "trigger")
    )
    tables = f"""
      select relname from pg_class c
      where relnamespace = 'rowhook'::regnamespace and relkind in ('r', 'p') and ({held})"""
    guarded = "select relname from pg_class where relrowsecurity"
    assert await names(db, tables) - await names(db, guarded) == set(WITHOUT_POLICY)
    assert await names(db, guarded) == set(OWNED)
    past_policies = f"{tables} and has_table_privilege('rowhook_api', c.oid, 'truncate')"
    assert await names(db, past_policies) == set()
    platform = "select relname from pg_class where relname in ('job', 'commit') and relrowsecurity"
    assert await names(db, platform) == set()


async def test_the_platform_can_copy_into_its_tables(db: psycopg.AsyncConnection) -> None:
    platform = Platform(db)
    await platform.set_up()
    await db.execute("set role rowhook_producer")
    into = "copy rowhook.commit (goal_id, data) from stdin"
    async with db.cursor() as cursor, cursor.copy(into) as copy:
        for number in range(3):
            await copy.write_row((platform.goal, json.dumps({"n": number})))
    await db.execute("reset role")
    assert await platform.value("select count(*) from rowhook.event") == 3
