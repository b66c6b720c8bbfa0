"""No plan of the engine is compiled by JIT on a PostgreSQL 15 with its default settings.

auto_explain logs every statement inside a function, with a JIT section if the cost of the plan
exceeds jit_above_cost. Before PostgreSQL 18, each disabled planner method adds 10^10 to the cost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import psycopg
import pytest

from tests.support.sample_platform import Platform

pytestmark = [pytest.mark.anyio, pytest.mark.servers("stock_15")]
WORKER = uuid4()
RESULT = (
    "select json_agg(json_build_object('outbox_id', id, 'token', token, 'revision', 1,"
    " 'secrets_version', 1, 'outcome', 'delivered', 'started_at', now(), 'duration_ms', 1))::text"
    " from rowhook.outbox where status = 'sending'"
)
Step = Callable[[Platform], Awaitable[object]]


async def capture_commit(platform: Platform) -> None:
    await platform.commit()


async def capture_inserted_job(platform: Platform) -> None:
    await platform.job("succeeded")


async def capture_updated_job(platform: Platform) -> None:
    await platform.finish(await platform.job("running"))


async def claim(platform: Platform) -> None:
    query = (
        "select count(*) from rowhook.claim_batch(%s, 8, 4, falls_asleep => true, sweep => true)"
    )
    assert await platform.value(query, WORKER) > 0


async def renew(platform: Platform) -> None:
    await platform.value(
        "select count(*) from rowhook.renew(%s,"
        " array(select id from rowhook.outbox where status = 'sending' order by id),"
        " array(select token from rowhook.outbox where status = 'sending' order by id))",
        WORKER,
    )


async def record(platform: Platform) -> None:
    results = await platform.value(RESULT)
    assert await platform.value("select count(*) from rowhook.record(%s::json)", results) > 0


async def heal(platform: Platform) -> None:
    await platform.value("select rowhook.heal()")


async def sweep(platform: Platform) -> None:
    await platform.value("select rowhook.sweep()")


async def announce_waiting(platform: Platform) -> None:
    await platform.value("select rowhook.announce_waiting()")


async def warn_or_disable(platform: Platform) -> None:
    await platform.value("select rowhook.warn_or_disable()")


async def retain(platform: Platform) -> None:
    await platform.value("select rowhook.retain()")


async def retry(platform: Platform) -> None:
    await platform.value("select rowhook.retry(array(select id from rowhook.outbox))")


STEPS: tuple[Step, ...] = (
    capture_commit,
    capture_inserted_job,
    capture_updated_job,
    claim,
    renew,
    record,
    retry,
    heal,
    sweep,
    announce_waiting,
    warn_or_disable,
    retain,
)


async def logged_plans(connection: psycopg.AsyncConnection) -> list[str]:
    """A list that receives the plan of every statement, including those inside functions."""
    plans: list[str] = []
    connection.add_notice_handler(lambda notice: plans.append(notice.message_primary or ""))
    await connection.execute("load 'auto_explain'")
    for setting in (
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_nested_statements = on",
        "auto_explain.log_level = notice",
        "client_min_messages = notice",
    ):
        await connection.execute(f"set {setting}".encode())
    return plans


def compiled_plans(plans: list[str]) -> list[str]:
    return [plan for plan in plans if "\nJIT:" in plan]


async def test_the_server_has_jit_on_and_a_costly_plan_is_compiled(
    superuser: psycopg.AsyncConnection,
) -> None:
    plans = await logged_plans(superuser)
    await superuser.execute("select count(*) from generate_series(1, 20000000) where false")
    await superuser.execute("set enable_seqscan = off")
    await superuser.execute("select count(*) from pg_catalog.pg_proc where prosrc = 'x'")
    assert len(compiled_plans(plans)) == 1


async def test_no_statement_of_the_engine_is_compiled_by_jit(
    platform: Platform, superuser: psycopg.AsyncConnection
) -> None:
    await platform.webhook_of_goal()
    await platform.webhook_of_agent(ordered=True)
    watched = Platform(superuser)
    watched.organization, watched.agent = platform.organization, platform.agent
    watched.version, watched.goal = platform.version, platform.goal
    plans = await logged_plans(superuser)
    result: dict[str, int] = {}
    for step in STEPS:
        observed = len(plans)
        await step(watched)
        result[step.__name__] = len(plans) - observed
    assert [name for name, count in result.items() if count < 2] == [], "a step told no inner plan"
    assert compiled_plans(plans) == []


async def test_every_function_with_settings_that_runs_a_query_has_jit_off(
    platform: Platform,
) -> None:
    rows = await platform.rows(
        "select p.proname as name from pg_proc p"
        " where p.pronamespace = 'rowhook'::regnamespace"
        " and exists (select from unnest(p.proconfig) as setting where setting like 'enable_%%')"
        " and not 'jit=off' = any (p.proconfig)"
    )
    assert rows == []
