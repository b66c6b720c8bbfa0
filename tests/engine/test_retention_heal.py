"""Events removed by retention are never sent again; missed events are healed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, every_server]
DAY = timedelta(days=1)
AGES = pytest.mark.parametrize("keep", ["0", "1 hour", "3 days", "30 days"])


async def installed_long_ago(platform: Platform) -> None:
    await platform.run(
        "update rowhook.source set installed_at = now() - interval '90 days',"
        " history_until = '-infinity', settled_at = now() - interval '20 days'"
    )
    await platform.run("update rowhook.link set created_at = now() - interval '90 days'")


async def heal(platform: Platform, backdate: str = "30 days") -> int:
    """Heals until nothing remains to be checked; returns the number of events."""
    healed: int = 0
    for _ in range(50):
        result: int = await platform.value("select rowhook.heal(%s)", backdate)
        healed += result
        if not result and not await platform.value("select rowhook.is_healing()"):
            return healed
    raise AssertionError("healing did not come to an end")


async def deliver_all(platform: Platform) -> None:
    """Marks all waiting deliveries as just delivered."""
    await platform.run(
        "update rowhook.outbox set status = 'delivered', ready = false, next_attempt_at = null,"
        " finished_at = now(), token = nextval('rowhook.token') where finished_at is null"
    )


async def backdate(platform: Platform, by: timedelta) -> None:
    """Backdates events and deliveries."""
    await platform.run("update rowhook.event set created_at = created_at - %s", by)
    await platform.run(
        "update rowhook.outbox set finished_at = finished_at - %s,"
        " created_at = created_at - %s, token = nextval('rowhook.token')",
        by,
        by,
    )


async def remove_all(platform: Platform, keep: str = "0") -> None:
    await deliver_all(platform)
    while await platform.value("select rowhook.retain(%s)", keep):
        pass


async def traces(platform: Platform) -> int:
    count: int = await platform.value("select count(*) from rowhook.removed_event")
    return count


async def counts(platform: Platform) -> tuple[int, int]:
    (row,) = await platform.rows(
        "select (select count(*) from rowhook.event) as events,"
        " (select count(*) from rowhook.outbox) as deliveries"
    )
    return row["events"], row["deliveries"]


async def missed(superuser: psycopg.AsyncConnection, query: Any, *parameters: object) -> None:
    """Executes a statement without triggers."""
    async with superuser.transaction():
        await superuser.execute("set local session_replication_role = replica")
        await superuser.execute(query, parameters)


async def completed(platform: Platform, ago: timedelta, status: str = "succeeded") -> Any:
    return await platform.value(
        "insert into rowhook.job (agent_version_id, status, created_at, completed_at)"
        " values (%s, %s, now() - %s, now() - %s) returning id",
        platform.version,
        status,
        ago,
        ago,
    )


async def committed(platform: Platform, ago: timedelta) -> None:
    await platform.run(
        "insert into rowhook.commit (goal_id, data, committed_at) values (%s, '{}', now() - %s)",
        platform.goal,
        ago,
    )


async def committed_at(platform: Platform, moment: str) -> None:
    """Inserts a commit with a time from an SQL expression."""
    await platform.run(
        f"insert into rowhook.commit (goal_id, data, committed_at) values (%s, '{{}}', {moment})",
        platform.goal,
    )


@AGES
async def test_heal_sends_missed_events_but_none_that_retention_removed(
    platform: Platform, superuser: psycopg.AsyncConnection, keep: str
) -> None:
    await platform.webhook_of_goal()
    await platform.webhook_of_agent()
    await installed_long_ago(platform)
    (rows,) = await platform.rows("select %s::interval as for", keep)
    for ago in (rows["for"], rows["for"] + DAY, 6 * DAY, 8 * DAY):
        await completed(platform, ago)
        await completed(platform, ago, "failed")
        await committed(platform, ago)
    await deliver_all(platform)
    await backdate(platform, max(rows["for"], timedelta(seconds=1)))
    await remove_all(platform, keep)
    assert await counts(platform) == (0, 0)
    for heal_age in ("0", "3 days", "30 days", "400 days"):
        assert await heal(platform, heal_age) == 0
    assert await platform.rows("select * from rowhook.capture_gap") == []
    await missed(
        superuser,
        "insert into rowhook.job (agent_version_id, status, completed_at)"
        " select %s, 'succeeded', now() - ago from unnest(%s::interval[]) as ago",
        platform.version,
        [timedelta(0), timedelta(hours=2), 4 * DAY],
    )
    await missed(
        superuser,
        "insert into rowhook.commit (goal_id, data, committed_at) values (%s, '{}', now() - %s)",
        platform.goal,
        5 * DAY,
    )
    assert await heal(platform) == 4
    assert await counts(platform) == (4, 4)


async def test_a_later_update_of_a_job_sends_nothing_after_its_event_was_removed(
    platform: Platform,
) -> None:
    await platform.webhook_of_agent()
    await installed_long_ago(platform)
    for ago in (timedelta(0), 6 * DAY, 8 * DAY, 40 * DAY):
        await completed(platform, ago)
    await remove_all(platform)
    for moment in ("now()", "now() - interval '2 days'", "'3000-01-01'", "'infinity'", "now()"):
        await platform.run(f"update rowhook.job set completed_at = {moment}")
        assert await heal(platform) == 0, moment
    await platform.run("update rowhook.job set completed_at = null")
    assert await heal(platform) == 0
    await platform.run("update rowhook.job set created_at = now(), completed_at = 'infinity'")
    assert await heal(platform) == 0
    assert await counts(platform) == (0, 0)


async def test_a_later_update_of_a_commit_sends_nothing_after_its_event_was_removed(
    platform: Platform,
) -> None:
    await platform.webhook_of_goal()
    await installed_long_ago(platform)
    for ago in (timedelta(0), 6 * DAY, 40 * DAY):
        await committed(platform, ago)
    await committed_at(platform, "'infinity'")
    await remove_all(platform)
    for moment in ("now()", "'3000-01-01'", "'infinity'", "now()"):
        await platform.run(f"update rowhook.commit set committed_at = {moment}")
        assert await heal(platform) == 0, moment


async def test_a_changed_completion_time_updates_the_trace_of_the_event(
    platform: Platform,
) -> None:
    await platform.webhook_of_agent()
    await platform.webhook_of_goal()
    await installed_long_ago(platform)
    await completed(platform, 40 * DAY)
    await committed_at(platform, "'2020-01-01'")
    await platform.run("update rowhook.job set completed_at = now()")
    await platform.run("update rowhook.commit set committed_at = now()")
    await remove_all(platform)
    assert await traces(platform) == 2
    assert await heal(platform) == 0


async def test_a_gap_remains_when_its_completion_time_changes(
    platform: Platform, superuser: psycopg.AsyncConnection
) -> None:
    await platform.webhook_of_agent()
    await installed_long_ago(platform)
    await missed(
        superuser,
        "insert into rowhook.job (agent_version_id, status, completed_at)"
        " values (%s, 'succeeded', now() - interval '2 days')",
        platform.version,
    )
    await platform.run("update rowhook.job set completed_at = now()")
    assert await heal(platform) == 1


async def test_history_is_not_sent_when_its_time_changes(
    platform: Platform, superuser: psycopg.AsyncConnection
) -> None:
    await missed(
        superuser,
        "insert into rowhook.job (agent_version_id, status, completed_at)"
        " values (%s, 'succeeded', now() - interval '1 day')",
        platform.version,
    )
    await platform.webhook_of_agent()
    await platform.run("update rowhook.job set completed_at = now()")
    assert await heal(platform) == 0


@pytest.mark.parametrize("moment", ["now() + interval '2 days'", "'3000-01-01'", "'infinity'"])
async def test_a_row_dated_in_the_future_is_sent_once(platform: Platform, moment: str) -> None:
    await platform.webhook_of_goal()
    await platform.webhook_of_agent()
    await installed_long_ago(platform)
    await committed_at(platform, moment)
    await platform.run(
        "insert into rowhook.job (agent_version_id, status, completed_at)"
        f" values (%s, 'succeeded', {moment})",
        platform.version,
    )
    await remove_all(platform)
    for _ in range(2):
        assert await heal(platform) == 0
        await platform.value("select rowhook.remove_leftovers()")
    assert await counts(platform) == (0, 0)


async def test_a_trace_is_removed_when_heal_no_longer_reads_its_time(platform: Platform) -> None:
    await installed_long_ago(platform)
    job = await completed(platform, 6 * DAY)
    await completed(platform, timedelta(days=8, minutes=1))
    await remove_all(platform)
    assert await platform.rows("select row_id from rowhook.removed_event") == [{"row_id": str(job)}]
    await platform.run("update rowhook.removed_event set expires_at = now() - interval '1 s'")
    assert await platform.value("select rowhook.remove_leftovers()") == 1
    assert await traces(platform) == 0


async def test_a_second_completion_after_removal_of_the_first_has_its_own_key(
    platform: Platform, superuser: psycopg.AsyncConnection
) -> None:
    await platform.webhook_of_agent()
    await installed_long_ago(platform)
    job = await platform.job("succeeded")
    await remove_all(platform)
    await platform.run("update rowhook.job set status = 'running'")
    await platform.run("update rowhook.job set status = 'succeeded'")
    (event,) = await platform.rows("select id, key, occurred_at from rowhook.event")
    assert event["key"] == f"{job}:{event['id']}"
    assert await heal(platform) == 0
    await remove_all(platform)
    await missed(superuser, "update rowhook.job set completed_at = now() + interval '1 s'")
    assert await heal(platform) == 1
    (event,) = await platform.rows("select id, key from rowhook.event")
    assert event["key"] == f"{job}:{event['id']}"


async def test_a_job_without_a_time_is_not_sent_again(
    platform: Platform, superuser: psycopg.AsyncConnection
) -> None:
    await platform.run(
        "create table public.runs (id bigint primary key, agent text, state text,"
        " created_at timestamptz default now(), ended_at timestamptz)"
    )
    mapping = (
        '{"id": "id", "agent_id": "agent", "status": "state", "created_at": "created_at",'
        ' "completed_at": "ended_at", "organization_id": {"value": "acme"}}'
    )
    await platform.run("select rowhook.watch_jobs('public.runs', %s)", mapping)
    await installed_long_ago(platform)
    await platform.run("insert into public.runs values (1, 'a', 'succeeded')")
    await platform.run(
        "insert into public.runs (id, agent, state, ended_at)"
        " values (2, 'a', 'succeeded', now()), (3, 'a', 'failed', 'infinity')"
    )
    assert (await counts(platform))[0] == 3
    await remove_all(platform)
    assert await traces(platform) == 3
    assert await heal(platform) == 0
    await platform.run("update public.runs set ended_at = now() + interval '1 minute'")
    assert await heal(platform) == 0
    await missed(superuser, "insert into public.runs values (4, 'a', 'succeeded')")
    assert await heal(platform) == 1
    assert await platform.rows("select job_id from rowhook.event") == [{"job_id": "4"}]


async def test_rows_of_a_watched_table_with_numeric_ids_are_not_sent_again(
    platform: Platform, superuser: psycopg.AsyncConnection
) -> None:
    await platform.run(
        "create table public.captures (id bigint primary key, goal text, doc json, at timestamp)"
    )
    await platform.run(
        "select rowhook.watch_commits('public.captures', %s)",
        '{"id": "id", "goal_id": "goal", "data": "doc", "committed_at": "at",'
        ' "organization_id": {"value": "acme"}, "time_zone": {"value": "Europe/Berlin"}}',
    )
    await installed_long_ago(platform)
    await platform.run(
        "insert into public.captures"
        " select n, 'g', '{}', now() at time zone 'Europe/Berlin' - n * interval '1 day'"
        " from generate_series(0, 9) as n"
    )
    assert (await counts(platform))[0] == 10
    await remove_all(platform)
    assert await heal(platform) == 0
    await platform.run("update public.captures set at = now() at time zone 'Europe/Berlin'")
    assert await heal(platform) == 0
    await missed(
        superuser,
        "insert into public.captures"
        " values (10, 'g', '{}', now() at time zone 'Europe/Berlin' - interval '1 hour')",
    )
    assert await heal(platform) == 1


async def test_a_late_capture_retry_does_not_send_removed_events(
    platform: Platform,
) -> None:
    await platform.webhook_of_agent()
    await installed_long_ago(platform)
    job = await completed(platform, timedelta(0))
    # It failed once, and was captured on a retry long ago.
    await platform.run(
        "insert into rowhook.capture_error (source, source_ids, sqlstate, message, created_at)"
        " values ('job', array[%s], '57014', 'late', now() - interval '40 days')",
        str(job),
    )
    await platform.run(
        "update rowhook.job set completed_at = now() - interval '39 days',"
        " created_at = now() - interval '39 days'"
    )
    await deliver_all(platform)
    await backdate(platform, 39 * DAY)
    await remove_all(platform, "30 days")
    assert await counts(platform) == (0, 0)
    await platform.run("update rowhook.removed_event set expires_at = now() - interval '1 s'")
    await platform.value("select rowhook.remove_leftovers()")
    assert await heal(platform) == 0
    assert await counts(platform) == (0, 0)
    await platform.value("select rowhook.remove_leftovers()")
    assert await traces(platform) == 0


async def test_a_row_whose_time_change_was_not_captured_is_not_sent(
    platform: Platform, superuser: psycopg.AsyncConnection
) -> None:
    await platform.webhook_of_agent()
    await installed_long_ago(platform)
    job = await completed(platform, 40 * DAY)
    await remove_all(platform)
    await missed(superuser, "update rowhook.job set completed_at = now()")
    await platform.run(
        "insert into rowhook.capture_error (source, source_ids, sqlstate, message)"
        " values ('job', array[%s], 'RH007', 'canceling statement due to lock timeout')",
        str(job),
    )
    assert await heal(platform) == 0
    assert await counts(platform) == (0, 0)
