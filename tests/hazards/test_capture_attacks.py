"""A platform login with traps in its session: the capture is correct and runs none of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool
from tests.hazards.capture_traps import AHEAD, ATTACKS, REFUSED, SET_UP
from tests.support.sample_platform import Platform
from tests.support.scoreboard import score
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.hazards, every_server]


@pytest.fixture
async def attacker(
    dsn: str,
    platform: Platform,
    superuser: psycopg.AsyncConnection,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Platform]:
    """The platform through a login that may write its tables and create schemas."""
    role = getattr(request, "param", "rowhook_producer")
    name = f"attacker_{uuid4().hex[:12]}"
    database = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    await superuser.execute(f"create role {name} login in role {role}".encode())
    await superuser.execute(f"grant create, temp on database {database} to {name}".encode())
    async with await connection_pool.connect(make_conninfo(dsn, user=name)) as connection:
        attacking_platform = platform.with_connection(connection)
        await run_attack(attacking_platform, *SET_UP)
        yield attacking_platform
    await superuser.execute(f"drop owned by {name} cascade".encode())
    await superuser.execute(f"drop role {name}".encode())


async def run_attack(platform: Platform, *statements: str) -> None:
    for statement in statements:
        await platform.db.execute(statement.encode())


async def was_triggered(platform: Platform, trap: str) -> bool:
    cursor = await platform.db.execute(f"select is_called from hostile.{trap}".encode())
    return await cursor.fetchone() == (True,)


async def finish_and_commit(attacker: Platform) -> None:
    """Creates a job and a commit in statements that do not depend on the search path."""
    await attacker.run(
        "insert into rowhook.job (agent_version_id, status) values (%s::pg_catalog.uuid,"
        " 'running'::pg_catalog.text)",
        attacker.version,
    )
    await attacker.run("update rowhook.job set status = 'succeeded'::pg_catalog.text")
    await attacker.run(
        "insert into rowhook.commit (goal_id, data) values (%s::pg_catalog.text,"
        " '{\"n\": 1.10}'::pg_catalog.json)",
        attacker.goal,
    )


@pytest.mark.parametrize("name", ATTACKS)
async def test_the_capture_is_correct_and_runs_no_code_of_the_login(
    name: str, attacker: Platform, platform: Platform
) -> None:
    await platform.webhook_of_goal()
    await platform.webhook_of_agent()
    await run_attack(attacker, *ATTACKS[name])
    before = len(await platform.deliveries())
    await finish_and_commit(attacker)
    assert len(await platform.deliveries()) - before == 2
    assert await platform.rows("select * from rowhook.capture_error") == []
    rows = await platform.rows(
        "select type, data::text, occurred_at - now() < '1 min' as soon"
        " from rowhook.event order by id desc limit 2"
    )
    assert [(row["type"], row["data"], row["soon"]) for row in rows] == [
        ("goal.committed", '{"n": 1.10}', True),
        ("job.succeeded", None, True),
    ]
    hijacked = await was_triggered(platform, "hijacked") or await was_triggered(platform, "own")
    score(
        "search_path, pg_temp and operator attacks on the capture",
        required="nothing is hijacked",
        measured=name,
        holds=not hijacked,
    )


@pytest.mark.parametrize(
    "call",
    ["now()", "'a'::text || 'b'::text", "max('x'::text)", "'x'::text::hostile.text", "count(*)"],
)
async def test_the_traps_work(call: str, attacker: Platform) -> None:
    await run_attack(attacker, *ATTACKS["everything at once"])
    with suppress(psycopg.errors.RaiseException):
        await attacker.db.execute(f"select {call} from (values (1)) as one".encode())
    assert await was_triggered(attacker, "own")


async def test_a_custom_cast_runs_only_with_the_privileges_of_the_login(
    attacker: Platform, platform: Platform
) -> None:
    await run_attack(attacker, *ATTACKS["casts of its own to the types that we store"])
    await attacker.run(
        "insert into rowhook.commit (goal_id, data) values (%s, row(1)::hostile.mark)",
        attacker.goal,
    )
    assert await was_triggered(platform, "own")
    assert not await was_triggered(platform, "hijacked")
    assert await platform.value("select data ->> 'n' from rowhook.event") == "1"


@pytest.mark.parametrize("statement", REFUSED)
async def test_objects_that_would_run_in_the_capture_cannot_be_created(
    statement: str, attacker: Platform
) -> None:
    await run_attack(
        attacker,
        "create function hostile.as_text(json) returns text language sql return 'x'",
    )
    refused_statement = statement.format(trap="rowhook.capture_commit()")
    with pytest.raises(
        (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidObjectDefinition)
    ):
        await run_attack(attacker, refused_statement)


async def test_names_that_look_like_sql_are_only_names(
    attacker: Platform, platform: Platform
) -> None:
    hostile = """'); drop table rowhook.event; --"$$%s%%\\{{x}}"""
    await attacker.run(
        "insert into rowhook.goal values (%s, %s, %s, %s)",
        hostile,
        attacker.organization,
        hostile,
        hostile,
    )
    await attacker.run(
        "insert into rowhook.commit (id, goal_id, interview_id) values (%s, %s, %s)",
        hostile,
        hostile,
        hostile,
    )
    (event,) = await platform.rows("select key, goal_id, interview_id from rowhook.event")
    assert (event["key"], event["goal_id"]) == (hostile, hostile)
    assert event["interview_id"] == hostile


async def test_an_event_trigger_is_not_fired_by_the_capture(
    attacker: Platform, platform: Platform, superuser: psycopg.AsyncConnection
) -> None:
    await run_attack(
        platform.with_connection(superuser),
        "create function hostile.on_change() returns event_trigger language plpgsql as"
        " $$ begin perform hostile.trap(); raise 'hijacked'; end $$",
        "create event trigger hostile on ddl_command_start execute function hostile.on_change()",
    )
    await finish_and_commit(attacker)
    assert await platform.value("select count(*) from rowhook.event") == 2
    assert not await was_triggered(platform, "hijacked")
    await run_attack(platform.with_connection(superuser), "drop event trigger hostile")


STEERED = (
    "select rowhook.retry(%s::pg_catalog.int8[])",
    "select rowhook.cancel(%s::pg_catalog.int8[])",
    "update rowhook.outbox set status = 'pending'::pg_catalog.text",
    "select rowhook.resend_at_rate(%s::pg_catalog.int8[], 1::pg_catalog.numeric)",
    "select rowhook.heal('1 day'::pg_catalog.interval)",
    "select rowhook.diagnosis()",
    "select * from rowhook.delivery",
    "select * from rowhook.webhook_health",
    "select * from rowhook.capture_gap",
)


@pytest.mark.parametrize("attacker", ["rowhook_operator"], indirect=True)
async def test_the_search_path_of_an_operator_affects_no_function_or_view(
    attacker: Platform, platform: Platform
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    (row,) = await platform.deliveries()
    await run_attack(attacker, *ATTACKS["everything at once"], AHEAD)
    for statement in STEERED:
        parameters = ([row["id"]],) if "%s" in statement else ()
        await attacker.db.execute(statement.encode(), parameters)
    assert not await was_triggered(platform, "hijacked")
    assert not await was_triggered(platform, "own")
