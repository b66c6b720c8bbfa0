"""The retention of each kind of row: ages, runs and reports."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import structlog

from rowhook.db import connection_pool, retention_queries
from rowhook.db.connection_pool import Pool
from rowhook.model import Verdict
from rowhook.worker.maintenance import Retention
from tests.engine.test_retention_cost import insert_events, settle_runs
from tests.support.sample_platform import Platform
from tests.support.servers import every_server
from tests.support.worker_rig import Rig, until

pytestmark = [pytest.mark.anyio, every_server]
DEFAULTS = {
    "delivered": 30,
    "failed": 30,
    "held": 90,
    "events": 30,
    "attempts": 30,
    "bodies": 3,
    "failed_bodies": 30,
    "audit": 365,
    "revisions": 365,
    "signing_secrets": 30,
    "capture_errors": 30,
    "open_capture_errors": 90,
}


async def ages(platform: Platform) -> dict[str, timedelta | None]:
    return {
        row["kind"]: row["keep"]
        for row in await platform.rows("select kind, keep from rowhook.retention")
    }


async def run(platform: Platform, kind: str, *, is_full: bool = False) -> int:
    """Completes a run of a kind; returns the number of removed rows."""
    removed: int = 0
    begins = True
    while True:
        (row,) = await platform.rows(
            "select removed, is_finished from rowhook.retain_batch(%s, 100, %s, %s)",
            kind,
            begins,
            is_full,
        )
        removed += row["removed"]
        begins = False
        if row["is_finished"]:
            return removed


async def test_each_kind_has_a_retention_age(platform: Platform) -> None:
    assert await ages(platform) == {kind: timedelta(days=days) for kind, days in DEFAULTS.items()}


async def test_an_operator_changes_an_age_and_the_audit_records_it(platform: Platform) -> None:
    await platform.run("set role rowhook_operator")
    await platform.run("update rowhook.retention set keep = '7 days' where kind = 'failed'")
    await platform.value("select rowhook.set_retention('held', null)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await platform.run("update rowhook.retention set passed_at = now()")
    await platform.run("reset role")
    changed = await ages(platform)
    assert (changed["failed"], changed["held"]) == (timedelta(days=7), None)
    notes = await platform.rows(
        "select subject, before::jsonb, after::jsonb from rowhook.audit"
        " where action = 'retention.changed' order by id"
    )
    assert notes == [
        {"subject": "failed", "before": {"keep": "30 days"}, "after": {"keep": "7 days"}},
        {"subject": "held", "before": {"keep": "90 days"}, "after": {"keep": None}},
    ]


@pytest.mark.parametrize(
    "keep", ["-1 days", "1 month", "1 year -400 days", "1 mon -30 days", "40000 days"]
)
async def test_an_invalid_age_is_rejected(platform: Platform, keep: str) -> None:
    for query in (
        "select rowhook.set_retention('failed', %s)",
        "update rowhook.retention set keep = %s::interval where kind = 'failed'",
    ):
        with pytest.raises(psycopg.Error, match="Cannot keep failed for") as refused:
            await platform.run(query, keep)
        assert refused.value.sqlstate == "RH008"
        assert "Use days and hours" in (refused.value.diag.message_hint or "")
    assert (await ages(platform))["failed"] == timedelta(days=30)


async def test_an_unknown_kind_is_rejected_with_the_list_of_kinds(platform: Platform) -> None:
    for query in (
        "select rowhook.set_retention('rows', '1 day')",
        "select rowhook.retain_batch('rows')",
    ):
        with pytest.raises(psycopg.Error, match="Unknown kind 'rows'") as refused:
            await platform.run(query)
        assert (refused.value.diag.message_hint or "").startswith("Kinds: delivered, failed, held")


async def test_a_setting_is_applied_once_and_does_not_override_later_changes(
    platform: Platform, pool: Pool
) -> None:
    await retention_queries.apply_retention_settings(pool, None, None)
    assert await ages(platform) == {kind: timedelta(days=days) for kind, days in DEFAULTS.items()}
    await retention_queries.apply_retention_settings(pool, 5, None)
    changed = {kind for kind, keep in (await ages(platform)).items() if keep == timedelta(days=5)}
    assert changed == {"delivered", "failed", "events", "attempts", "failed_bodies"}
    await platform.value("select rowhook.set_retention('delivered', '9 days')")
    await retention_queries.apply_retention_settings(pool, 5, None)
    assert (await ages(platform))["delivered"] == timedelta(days=9)
    await retention_queries.apply_retention_settings(pool, 6, None)
    assert (await ages(platform))["delivered"] == timedelta(days=6)


@pytest.mark.parametrize(
    ("setting", "expected", "stored"),
    [
        (None, (timedelta(days=3), timedelta(days=30)), (True, True)),
        ("all", (None, None), (True, True)),
        ("failed", (timedelta(0), None), (False, True)),
        ("none", (timedelta(0), timedelta(0)), (False, False)),
    ],
)
async def test_a_setting_determines_which_bodies_are_stored(
    platform: Platform, pool: Pool, setting: str | None, expected: Any, stored: Any
) -> None:
    retention = Retention(pool, None, setting)
    for _ in range(2):  # before it was applied, and after
        assert (
            retention.stores_exchange(Verdict.DELIVERED),
            retention.stores_exchange(Verdict.HTTP_STATUS),
        ) == stored
        await retention.load()
    result = await ages(platform)
    assert (result["bodies"], result["failed_bodies"]) == expected


async def test_a_worker_stores_no_bodies_of_deliveries_if_they_are_not_retained(
    rig: Rig,
) -> None:
    await rig.platform.value("select rowhook.set_retention('bodies', '0')")
    await rig.webhook()
    async with rig.worker():
        await rig.platform.commit()

        async def delivered() -> bool:
            return bool(await rig.platform.rows("select from rowhook.attempt"))

        await until(delivered, description="an attempt")
    (attempt,) = await rig.platform.rows("select * from rowhook.attempt")
    assert attempt["outcome"] == "delivered"
    assert (attempt["request"], attempt["response_headers"], attempt["response_body"]) == (
        None,
        None,
        None,
    )


async def test_a_retention_run_removes_every_kind_and_reports_the_counts(
    platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook()
    await insert_events(platform, webhook, 12_000, "delivered", timedelta(days=31))
    await insert_events(platform, webhook, 7, "dead", timedelta(days=31))
    await insert_events(platform, webhook, 5, "held", timedelta(days=91))
    await insert_events(platform, webhook, 3, "pending", timedelta(days=400))
    await insert_events(platform, webhook, 2, "held", timedelta(days=89))
    retention = Retention(pool, None, None)
    with structlog.testing.capture_logs() as logs:
        await retention.run(asyncio.Event())
    (finished,) = [log for log in logs if log["event"] == "retention.finished"]
    assert (finished["delivered"], finished["failed"], finished["held"]) == (24_000, 14, 10)
    query = await platform.rows(
        "select status, count(*) from rowhook.outbox group by status order by status"
    )
    assert query == [{"status": "held", "count": 2}, {"status": "pending", "count": 3}]
    (result,) = await platform.rows(
        "select removed, last_finished_at >= last_run_at as is_finished"
        " from rowhook.retention where kind = 'delivered'"
    )
    assert result == {"removed": 24_000, "is_finished": True}


async def test_a_kind_that_fails_is_reported_and_blocks_no_other(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.run(
        "insert into rowhook.audit (actor, action, subject, created_at)"
        " values ('a', 'b', 'c', now() - interval '400 days')"
    )
    webhook = await platform.webhook()
    await insert_events(platform, webhook, 2, "delivered", timedelta(days=31))
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute("lock table rowhook.outbox in access exclusive mode")
        with structlog.testing.capture_logs() as logs:
            await Retention(pool, None, None).run(asyncio.Event())
    failed = {log["kind"]: log for log in logs if log["event"] == "retention.failed"}
    assert failed.keys() >= {"delivered", "failed"}
    assert "lock timeout" in failed["delivered"]["reason"]
    (finished,) = [log for log in logs if log["event"] == "retention.finished"]
    assert finished["audit"] == 1


async def test_rows_with_unlimited_retention_are_never_removed(platform: Platform) -> None:
    webhook = await platform.webhook()
    await insert_events(platform, webhook, 2, "dead", timedelta(days=4000))
    await insert_events(platform, webhook, 2, "delivered", timedelta(days=4000))
    await platform.run("update rowhook.retention set keep = null where kind = 'failed'")
    assert await run(platform, "failed") == 0
    assert await run(platform, "delivered") == 4
    await platform.run("update rowhook.retention set keep = '30 days' where kind = 'failed'")
    assert await run(platform, "failed") == 4


async def test_an_event_is_kept_until_its_last_delivery_is_removed(platform: Platform) -> None:
    webhooks = [await platform.webhook() for _ in range(2)]
    await insert_events(platform, webhooks[0], 1, "delivered", timedelta(days=31))
    await platform.run(
        "insert into rowhook.outbox (event_id, organization_id, webhook_id, status, ready,"
        " next_attempt_at, finished_at)"
        " select event_id, organization_id, %s, 'dead', false, null, now() from rowhook.outbox",
        webhooks[1],
    )
    assert await run(platform, "delivered") == 1
    assert await platform.value("select count(*) from rowhook.event") == 1
    await platform.run(
        "update rowhook.outbox set finished_at = now() - interval '31 days',"
        " token = nextval('rowhook.token')"
    )
    assert await run(platform, "failed") == 2
    assert await platform.value("select count(*) from rowhook.event") == 0


async def test_an_event_is_kept_for_its_own_age_after_its_last_delivery(
    platform: Platform,
) -> None:
    webhook = await platform.webhook()
    await platform.value("select rowhook.set_retention('events', '60 days')")
    await insert_events(platform, webhook, 1, "delivered", timedelta(days=31))
    assert await run(platform, "delivered") == 1
    assert await platform.value("select count(*) from rowhook.event") == 1
    await platform.run("update rowhook.event set created_at = now() - interval '61 days'")

    async def is_removed() -> bool:
        await run(platform, "events")
        return bool(await platform.value("select not exists (select from rowhook.event)"))

    await until(is_removed, description="the event to go")


async def test_callbacks_are_removed_with_their_delivery(platform: Platform) -> None:
    webhook = await platform.webhook(kind="frontend", url=None)
    await insert_events(platform, webhook, 2, "delivered", timedelta(days=31))
    await platform.run(
        "insert into rowhook.callback (outbox_id, staging, organization_id, session_id, place,"
        " revision, body, written_at)"
        " select id, 1, organization_id, 's', id, 1, '{}', now() from rowhook.outbox"
    )
    await run(platform, "delivered")
    assert await platform.value("select count(*) from rowhook.callback") == 0


async def test_a_held_delivery_that_is_retried_is_kept(platform: Platform) -> None:
    webhook = await platform.webhook()
    await insert_events(platform, webhook, 2, "held", timedelta(days=400))
    await platform.run(
        "update rowhook.outbox set next_attempt_at = now() + interval '1 day',"
        " token = nextval('rowhook.token') where id = (select min(id) from rowhook.outbox)"
    )
    assert await run(platform, "held") == 2
    assert len(await platform.deliveries()) == 1


async def test_revisions_are_kept_while_they_are_referenced(platform: Platform) -> None:
    webhook = await platform.webhook()
    for number in range(5):
        await platform.run("update rowhook.webhook set url = %s", f"http://127.0.0.1:9/{number}")
    # Revision n was created n years before the sixth, which is of last month.
    await platform.run(
        "update rowhook.webhook_revision"
        " set created_at = now() - interval '20 days' - (6 - revision) * interval '365 days'"
    )
    stored = "select array_agg(revision order by revision) from rowhook.webhook_revision"
    assert await platform.value(stored) == [1, 2, 3, 4, 5, 6]
    assert await run(platform, "revisions", is_full=True) == 3
    # The first, that of the last year, and the current one.
    assert await platform.value(stored) == [1, 5, 6]
    await platform.run("update rowhook.retention set keep = null where kind = 'attempts'")
    await platform.run("update rowhook.webhook_revision set created_at = '2000-01-01'")
    assert await run(platform, "revisions", is_full=True) == 0
    await platform.run("update rowhook.retention set keep = '30 days' where kind = 'attempts'")
    await insert_events(platform, webhook, 1, "delivered", timedelta(0))
    await platform.run("delete from rowhook.webhook")
    assert await run(platform, "revisions", is_full=True) == 1
    await platform.run("delete from rowhook.outbox")
    assert await run(platform, "revisions", is_full=True) == 2


async def test_other_growing_tables_are_cleaned_by_age(platform: Platform) -> None:
    await platform.run(
        "insert into rowhook.audit (actor, action, subject, created_at)"
        " values ('a', 'b', 'c', now() - interval '366 days')"
    )
    webhook = await platform.webhook()
    await platform.run(
        "insert into rowhook.signing_secret (webhook_id, version, sealed, expires_at)"
        " values (%s, 7, 'x', now() - interval '31 days'),"
        " (%s, 8, 'x', now() - interval '29 days')",
        webhook,
        webhook,
    )
    await platform.run(
        "insert into rowhook.capture_error"
        " (source, source_ids, sqlstate, message, created_at, healed_at)"
        " select 'job', '{x}', 'P0001', 'm', now() - days * interval '1 day', healed_at"
        " from unnest(array[29, 31, 89, 91]) as days,"
        " unnest(array[null, now() - interval '29 days', now() - interval '31 days']) as healed_at"
    )
    counts = [
        await run(platform, kind)
        for kind in ("signing_secrets", "capture_errors", "open_capture_errors", "audit")
    ]
    assert counts == [1, 4, 1, 1]
    await platform.run(
        "insert into rowhook.worker (id, host, pid, seen_at)"
        " values (%s, 'h', 1, now() - interval '2 days')",
        uuid4(),
    )
    await platform.run(
        "insert into rowhook.idempotent_request (caller, key, fingerprint, created_at)"
        " values ('c', 'k', 'f', now() - interval '25 hours'), ('c', 'l', 'f', now())"
    )
    await platform.run(
        "insert into rowhook.sign_in values ('h', true, null, now() - interval '1 s')"
    )
    await platform.value("select rowhook.remove_leftovers()")
    (query,) = await platform.rows(
        "select (select count(*) from rowhook.worker) as workers,"
        " (select count(*) from rowhook.idempotent_request) as requests,"
        " (select count(*) from rowhook.sign_in) as sign_ins"
    )
    assert query == {"workers": 0, "requests": 1, "sign_ins": 0}


async def test_the_plan_lists_the_rows_that_a_run_would_remove(platform: Platform) -> None:
    webhook = await platform.webhook()
    await insert_events(platform, webhook, 4, "delivered", timedelta(days=31))
    await insert_events(platform, webhook, 3, "cancelled", timedelta(days=31))
    await insert_events(platform, webhook, 2, "held", timedelta(days=91))
    await insert_events(platform, webhook, 5, None, timedelta(days=31))
    await insert_events(platform, webhook, 9, "delivered", timedelta(days=29))
    plan = {
        row["kind"]: row for row in await platform.rows("select * from rowhook.retention_plan()")
    }
    removable = {kind: row["removable"] for kind, row in plan.items() if row["removable"]}
    assert removable == {"delivered": 4, "failed": 3, "held": 2, "events": 5}
    assert not any(row["is_capped"] for row in plan.values())
    assert await platform.value(
        "select bool_and(oldest < now() - interval '30 days') from rowhook.retention_plan()"
        " where removable > 0"
    )
    report = {
        row["kind"]: row for row in await platform.rows("select * from rowhook.retention_report()")
    }
    assert report["delivered"]["last_run_at"] is None
    assert [await run(platform, kind) for kind in ("delivered", "failed", "held")] == [8, 6, 4]
    report = {
        row["kind"]: row for row in await platform.rows("select * from rowhook.retention_report()")
    }
    assert (report["delivered"]["removed"], report["delivered"]["keep"]) == (8, timedelta(days=30))
    assert report["delivered"]["last_finished_at"] >= report["delivered"]["last_run_at"]
    assert await platform.value(
        "select oldest > now() - interval '30 days' from rowhook.retention_report()"
        " where kind = 'delivered'"
    )


async def test_doctor_reports_unfinished_runs_and_held_deliveries_about_to_be_removed(
    platform: Platform,
) -> None:
    async def findings() -> dict[str, tuple[bool, str]]:
        rows = await platform.rows("select * from rowhook.retention_findings()")
        return {row["subject"]: (row["healthy"], row["finding"]) for row in rows}

    webhook = await platform.webhook()
    assert await findings() == {
        "retention": (True, "removes old rows"),
        "held until removed": (True, "none is removed within 7 days"),
        "expired partitions": (True, "none is overdue"),
    }
    await platform.run(
        "insert into rowhook.worker (id, host, pid, started_at)"
        " values (%s, 'h', 1, now() - interval '3 hours')",
        uuid4(),
    )
    await platform.run(
        "update rowhook.retention set last_run_at = now(),"
        " last_finished_at = now() - case kind when 'held' then interval '2 hours' else '0' end"
    )
    await insert_events(platform, webhook, 2, "held", timedelta(days=84))
    result = await findings()
    assert result["retention"] == (False, "not finished for over an hour: held")
    assert result["held until removed"][0] is False
    assert result["held until removed"][1].startswith("2 held deliveries are removed within 7 days")


async def expired_partitions(platform: Platform) -> dict[str, Any]:
    (row,) = await platform.rows(
        "select healthy, finding, advice from rowhook.diagnosis()"
        " where subject = 'expired partitions'"
    )
    return row


async def test_doctor_reports_expired_partitions_and_the_processes_that_use_them(
    platform: Platform, dsn: str
) -> None:
    for parent, days in (("attempt_row", 34), ("exchange", 4), ("exchange", 6)):
        await platform.value(
            "select rowhook.make_partition(%s, (now() at time zone 'UTC')::date - %s::int)",
            parent,
            days,
        )
    async with await connection_pool.connect(dsn) as reader, reader.transaction():
        await reader.execute("set application_name = 'nightly backup'")
        await reader.execute("select count(*) from rowhook.attempt_row")
        row = await expired_partitions(platform)
        pid = reader.info.backend_pid
    assert row["healthy"] is False
    # The first of the three expired by less than a day.
    assert row["finding"].startswith("2 partitions of attempts and bodies expired over a day ago")
    assert row["finding"].endswith(f"; in use by process {pid} (nightly backup)")
    assert "let these transactions end" in row["advice"]
    row = await expired_partitions(platform)
    assert row["finding"].endswith("; no transaction uses them now")
    assert "rowhook retain --now" in row["advice"]
    while await platform.value("select rowhook.drop_next_partition()"):
        pass
    assert await expired_partitions(platform) == {
        "healthy": True,
        "finding": "none is overdue",
        "advice": None,
    }
    await platform.run("update rowhook.retention set keep = null")
    await platform.value("select rowhook.make_partition('exchange', '2020-01-01')")
    assert (await expired_partitions(platform))["healthy"]


async def test_the_deliveries_of_paused_webhooks_are_kept_and_counted(platform: Platform) -> None:
    paused = await platform.webhook()
    await platform.webhook()
    active = await platform.webhook()
    none = {"webhooks": 0, "deliveries": 0, "is_capped": False, "oldest": None}
    counted = "select * from rowhook.paused_deliveries()"
    await platform.run("update rowhook.webhook set state = 'paused' where id <> %s", active)
    assert await platform.rows(counted) == [none]
    await insert_events(platform, paused, 3, "pending", timedelta(days=400))
    await insert_events(platform, paused, 2, "delivered", timedelta(days=1))
    await insert_events(platform, active, 4, "pending", timedelta(days=500))
    for kind in DEFAULTS:
        await run(platform, kind)
    (row,) = await platform.rows(counted)
    assert (row["webhooks"], row["deliveries"], row["is_capped"]) == (1, 3, False)
    assert await platform.value(
        "select oldest between now() - interval '401 days' and now() - interval '399 days'"
        " from rowhook.paused_deliveries()"
    )


async def test_a_locked_event_does_not_prevent_a_run_from_finishing(
    platform: Platform, dsn: str
) -> None:
    await insert_events(platform, await platform.webhook_of_goal(), 1, None, timedelta(days=40))
    await insert_events(platform, await platform.webhook(), 300, "pending", timedelta(days=40))
    await settle_runs(platform, most=0)
    async with await connection_pool.connect(dsn) as other, other.transaction():
        await other.execute(
            "select from rowhook.event e where id = (select min(id) from rowhook.event) for update"
        )
        # With batches of at most 100: three pages of events with deliveries follow.
        async with asyncio.timeout(60):
            assert await run(platform, "events") == 0
    assert await run(platform, "events") == 1


async def test_a_run_applies_the_settings_before_it_removes_anything(
    platform: Platform, pool: Pool
) -> None:
    await insert_events(
        platform, await platform.webhook_of_goal(), 3, "delivered", timedelta(days=40)
    )
    await Retention(pool, 365, None).run(asyncio.Event())
    assert await platform.value("select count(*) from rowhook.outbox") == 3
