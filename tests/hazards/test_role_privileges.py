"""Every role, as a login that is its member, attempts everything that it may and may not do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool
from tests.hazards.role_privileges import (
    COLUMNS,
    FORBIDDEN,
    FUNCTIONS,
    NOT_THE_WORKER,
    ROLES,
    SEQUENCES,
    TABLES,
    Rights,
)
from tests.support.scoreboard import score
from tests.support.servers import Server, every_server

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.hazards, every_server]
Logins = dict[str, psycopg.AsyncConnection]
REFUSED = psycopg.errors.InsufficientPrivilege
_VERBS = {
    "s": "explain select * from rowhook.{}",
    "i": "explain insert into rowhook.{} default values",
    "d": "explain delete from rowhook.{}",
}


@pytest.fixture
async def logins(dsn: str, db: psycopg.AsyncConnection) -> AsyncIterator[Logins]:
    """A connection per role, of a login that is a member of only that role."""
    suffix = uuid4().hex[:12]
    async with AsyncExitStack() as stack:
        logins_by_role: Logins = {}
        for role in ROLES:
            name = f"{role}_{suffix}"
            await db.execute(f"create role {name} login in role rowhook_{role}".encode())
            stack.push_async_callback(db.execute, f"drop role {name}".encode())
            logins_by_role[role] = await stack.enter_async_context(
                await connection_pool.connect(make_conninfo(dsn, user=name))
            )
        yield logins_by_role


async def allowed(login: psycopg.AsyncConnection, statement: str) -> bool:
    """Returns whether a query is permitted. `explain` checks privileges without changes."""
    try:
        await login.execute(statement.encode())
    except REFUSED:
        return False
    except (psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.FeatureNotSupported):
        return False  # a view that is not updatable
    return True


async def column(db: psycopg.AsyncConnection, query: str) -> list[Any]:
    return [row[0] for row in await (await db.execute(query.encode())).fetchall()]


async def relations(db: psycopg.AsyncConnection, kinds: str) -> list[str]:
    return await column(
        db,
        "select relname from pg_class where relnamespace = 'rowhook'::regnamespace"
        f" and relkind = any ('{kinds}') order by 1",
    )


def rule_name(table: str) -> str:
    return re.sub(r"_\d{8}$", "_(day)", table)


async def updatable(
    db: psycopg.AsyncConnection, login: psycopg.AsyncConnection, table: str
) -> tuple[set[str], set[str]]:
    """The columns that the login may update, and all columns."""
    names = await column(
        db,
        "select attname from pg_attribute where attnum > 0 and not attisdropped"
        f" and attrelid = 'rowhook.{table}'::regclass",
    )
    tried = "explain update rowhook.{} set {} = default"
    return {name for name in names if await allowed(login, tried.format(table, name))}, set(names)


async def test_every_table_has_the_expected_privileges(
    logins: Logins, db: psycopg.AsyncConnection
) -> None:
    tables = await relations(db, "{r,p,v,m}")
    assert {rule_name(table) for table in tables} == set(TABLES)
    for table in tables:
        rule = TABLES[rule_name(table)]
        for role, login in logins.items():
            granted = "".join(
                [v for v, query in _VERBS.items() if await allowed(login, query.format(table))]
            )
            columns, every = await updatable(db, login, table)
            expected = every if "u" in rule.get(role, "") else COLUMNS.get((role, table), set())
            allowed_verbs = rule.get(role, "").replace("u", "")
            assert (table, role, granted, columns) == (table, role, allowed_verbs, expected)


async def test_every_sequence_has_the_expected_privileges(
    logins: Logins, db: psycopg.AsyncConnection
) -> None:
    sequences = await relations(db, "{S}")
    assert set(sequences) == set(SEQUENCES)
    for sequence in sequences:
        for role, login in logins.items():
            granted = ""
            for letter, right in (("u", "usage"), ("s", "select"), ("w", "update")):
                query = f"select has_sequence_privilege('rowhook.{sequence}', '{right}')"
                granted += letter * int((await column(login, query))[0])
            assert (sequence, role, granted) == (sequence, role, _right(SEQUENCES[sequence], role))


def _right(rule: Rights, role: str) -> str:
    return rule.get(role, "")


async def functions(db: psycopg.AsyncConnection) -> list[tuple[str, int, str]]:
    """Returns (name, oid, a call with nulls) of every function."""
    await db.execute("set search_path = ''")
    cursor = await db.execute(
        "select proname, p.oid::int, format('select rowhook.%I(%s)', proname, (select"
        "   string_agg('null::' || format_type(one, null), ', ') from unnest(proargtypes) one))"
        " from pg_proc p where pronamespace = 'rowhook'::regnamespace order by 1"
    )
    return await cursor.fetchall()


async def test_every_function_has_the_expected_privileges(
    logins: Logins, db: psycopg.AsyncConnection
) -> None:
    existing = await functions(db)
    assert {name for name, _, _ in existing} == set(FUNCTIONS)
    for name, oid, call in existing:
        for role, login in logins.items():
            every = role == "worker" and name not in NOT_THE_WORKER
            expected = every or role in FUNCTIONS[name].split()
            found_right = await column(login, f"select has_function_privilege({oid}, 'execute')")
            assert (name, role, found_right) == (name, role, [expected])
            if not expected:
                with pytest.raises(REFUSED):
                    await login.execute(call.encode())
    score(
        "functions × roles",
        required="executable only by the expected roles",
        measured=f"{len(existing)} functions, {len(logins)} roles",
        holds=len(existing) > 50,
    )


def attempts(logins: Logins) -> Iterator[tuple[psycopg.AsyncConnection, str]]:
    for role in ROLES:
        for statement in FORBIDDEN:
            yield logins[role], statement


async def test_no_role_changes_the_engine_or_leaves_its_role(logins: Logins) -> None:
    for login, statement in attempts(logins):
        with pytest.raises((REFUSED, psycopg.errors.InvalidParameterValue)) as refused:
            async with login.transaction():
                await login.execute(statement.encode())
                pytest.fail(f"{login.info.user} was let to {statement}")
        assert refused.value.sqlstate in {"42501", "22023"}, statement
    tried = sum(1 for _ in attempts(logins))
    score(
        "statements that no role may execute",
        required="rejected",
        measured=f"{tried} statements by {len(logins)} roles",
        holds=tried > 100,
    )


async def test_no_role_may_set_another(logins: Logins, server: Server) -> None:
    for role, login in logins.items():
        for other in (*ROLES, None):
            if other == role:
                continue
            name = f"rowhook_{other}" if other else server.owner
            with pytest.raises(REFUSED):
                await login.execute(f"set role {name}".encode())


async def test_the_queue_schema_is_accessible_only_to_the_worker(
    logins: Logins, db: psycopg.AsyncConnection
) -> None:
    tables = await column(
        db,
        "select relname from pg_class where relnamespace = 'rowhook_pgqueuer'::regnamespace"
        " and relkind in ('r', 'v')",
    )
    assert tables
    for role, login in logins.items():
        for table in tables:
            let = await allowed(login, f"explain select * from rowhook_pgqueuer.{table}")
            assert (role, table, let) == (role, table, role == "worker")
