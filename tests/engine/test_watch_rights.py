"""Rights of the login that watches a table, and stops watching it, in a schema of another role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool
from tests.engine.test_sources import watch
from tests.engine.test_watch_tables import COLUMNS, TASKS
from tests.support.sample_platform import Platform

# The owner of the stock server is not a superuser.
pytestmark = [pytest.mark.anyio, pytest.mark.servers("stock_15")]


@pytest.fixture
async def theirs(dsn: str, platform: Platform) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection of another role, whose table theirs.tasks is watched."""
    role = f"other_{uuid4().hex[:12]}"
    owner = await platform.value("select current_user")
    await platform.db.execute(f"create role {role} login; create schema theirs".encode())
    await platform.db.execute(f"grant all on schema theirs to {role}".encode())
    async with await connection_pool.connect(make_conninfo(dsn, user=role)) as connection:
        await connection.execute(f"create table theirs.tasks ({COLUMNS})".encode())
        await connection.execute(f"grant select, trigger on theirs.tasks to {owner}".encode())
        await watch(platform, "jobs", "theirs.tasks", TASKS)
        yield connection
    await platform.db.execute(f"drop schema theirs cascade; drop role {role}".encode())


async def refusal(platform: Platform, query: str) -> tuple[str | None, str | None]:
    """Returns the message and the hint of a query that is refused with RH004."""
    with pytest.raises(psycopg.Error) as refused:
        await platform.db.execute(query.encode())
    assert refused.value.sqlstate == "RH004", refused.value
    return refused.value.diag.message_primary, refused.value.diag.message_hint


async def test_a_schema_that_may_not_be_used_is_named_with_the_grant(
    platform: Platform, theirs: psycopg.AsyncConnection
) -> None:
    assert not theirs.closed
    owner = await platform.value("select current_user")
    await platform.db.execute(f"revoke usage on schema theirs from {owner}".encode())
    expected = (
        f"{owner} may not use the schema of theirs.tasks.",
        f"Run: grant usage on schema theirs to {owner};",
    )
    assert await refusal(platform, "select rowhook.unwatch('theirs.tasks')") == expected
    assert await refusal(platform, "select rowhook.find_table('theirs.tasks')") == expected
    await platform.db.execute(f"grant usage on schema theirs to {owner}".encode())


async def test_triggers_that_may_not_be_dropped_are_named_with_the_statements_of_their_owner(
    platform: Platform, theirs: psycopg.AsyncConnection
) -> None:
    owner = await platform.value("select current_user")
    message, hint = await refusal(platform, "select rowhook.unwatch('theirs.tasks')")
    assert message == f"{owner} may not drop the triggers of theirs.tasks."
    assert hint is not None
    assert await platform.value("select count(*) from rowhook.source") == 3
    _, _, statements = hint.partition(": ")
    assert statements.count("drop trigger") == 2
    await theirs.execute(statements.encode())
    assert await platform.value("select rowhook.unwatch('theirs.tasks')") == 1
