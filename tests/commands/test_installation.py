"""A copy of the database is detected, sends nothing, and can be adopted."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rowhook.db import connection_pool, engine, installation_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import TenantPool
from rowhook.migrate import runner
from rowhook.worker.maintenance import CopyDetector
from tests.support.database_copies import cloned_database, mark_as_copied, mark_as_restored, restore
from tests.support.sample_platform import Platform
from tests.support.servers import Server
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio


async def record(platform: Platform) -> dict[str, Any]:
    (row,) = await platform.rows("select * from rowhook.installation")
    return row


async def keys(platform: Platform, pool: Pool) -> list[str]:
    return [claim.event.key for claim in await platform.claim(pool, uuid4())]


async def test_migrate_records_a_new_installation(empty_dsn: str) -> None:
    await runner.migrate(empty_dsn)
    async with await connection_pool.connect(empty_dsn) as db:
        stored = await record(Platform(db))
        (setting,) = await Platform(db).rows(
            "select setconfig from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase"
            " where datname = current_database()"
        )
    assert (stored["epoch"], stored["suspended_at"]) == (0, None)
    assert stored["system_identifier"] is not None
    assert setting["setconfig"] == [f"rowhook.installation={stored['nonce']}"]


async def test_an_owner_who_may_not_set_the_nonce_gets_a_record_without_one(server: Server) -> None:
    name = f"owner_{uuid4().hex[:12]}"
    async with await connection_pool.connect(server.superuser_dsn) as admin:
        await admin.execute(f"create role {name} login createrole".encode())
        await admin.execute(f"create database {name} owner {name}".encode())
        dsn = make_conninfo(server.superuser_dsn, dbname=name, user=name)
        await runner.migrate(dsn)
        async with await connection_pool.connect(dsn) as db:
            platform = Platform(db)
            stored = await record(platform)
            allowed = await platform.value("select rowhook.may_send()")
        await admin.execute(f"drop database {name} with (force)".encode())
        await admin.execute(f"drop owned by {name}".encode())
        await admin.execute(f"drop role {name}".encode())
    assert (stored["nonce"], allowed) == (None, True)


async def test_an_upgrade_records_an_older_installation(
    platform: Platform, pool: Pool, dsn: str
) -> None:
    await platform.webhook_of_goal()
    commit = await platform.commit()
    await platform.run("drop table rowhook.installation cascade")
    await platform.run(
        "delete from rowhook.migration"
        " where name in ('0008_installation', '0035_clock_steps', 'engine')"
    )
    await runner.migrate(dsn)
    assert (await record(platform))["epoch"] == 0
    assert await keys(platform, pool) == [commit]


async def test_a_copy_by_template_sends_nothing_and_captures_until_it_is_adopted(
    dsn: str, server: Server
) -> None:
    async with await connection_pool.connect(dsn) as db:
        platform = Platform(db)
        await platform.set_up()
        await platform.webhook_of_goal()
        first = await platform.commit()
    async with (
        cloned_database(server, dsn) as copy,
        await connection_pool.connect(copy) as db,
        connection_pool.open_pool(copy) as pool,
        connection_pool.open_pool(dsn) as original,
    ):
        platform.db = db
        second = await platform.commit()
        assert await keys(platform, pool) == []
        assert not (await platform.outlook(pool)).has_more
        assert [row["status"] for row in await platform.deliveries()] == ["pending", "pending"]
        assert "the database has the OID" in (await record(platform))["suspended_reason"]
        assert [claim.event.key for claim in await platform.claim(original)] == [first]
        assert await installation_queries.adopt(pool, cancel_waiting=False) == 0
        assert await keys(platform, pool) == [first, second]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("system_identifier = 1", "the system identifier of the cluster is "),
        ("database_oid = 1", "the database has the OID "),
        ("table_oid = 1", "the schema rowhook was restored from a dump"),
        ("nonce = 'another'", "the database setting rowhook.installation differs"),
        ("highest_xid = '9000000000000'", "the next transaction id of the cluster is "),
    ],
)
async def test_a_single_different_fact_suspends_deliveries_and_is_named(
    platform: Platform, pool: Pool, change: str, reason: str
) -> None:
    await platform.webhook_of_goal()
    commit = await platform.commit()
    query = f"update rowhook.installation set checked_file = 'another', {change}"
    await platform.db.execute(query.encode())
    assert await keys(platform, pool) == []
    suspension = await installation_queries.suspension(pool)
    assert suspension is not None
    assert suspension.reason.startswith(f"This database is a copy: {reason}")
    assert "`rowhook adopt`" in suspension.advice
    await installation_queries.adopt(pool, cancel_waiting=False)
    assert await installation_queries.suspension(pool) is None
    assert await keys(platform, pool) == [commit]


async def test_a_neon_branch_is_a_copy(platform: Platform, dsn: str) -> None:
    async def reason(timeline: str) -> str | None:
        options = f"-c neon.timeline_id={timeline}"
        async with await connection_pool.connect(make_conninfo(dsn, options=options)) as db:
            reason_text: str | None = await Platform(db).value(
                "select rowhook.check_installation()"
            )
            return reason_text

    await platform.run("delete from rowhook.installation")
    assert await reason("main") is None
    await platform.run("update rowhook.installation set checked_file = 'another'")
    assert await reason("main") is None
    await platform.run("update rowhook.installation set checked_file = 'another'")
    assert "the Neon timeline is branch, and was main" in (await reason("branch") or "")


async def test_a_restart_of_the_server_is_not_a_copy(platform: Platform, pool: Pool) -> None:
    await platform.webhook_of_goal()
    commit = await platform.commit()
    await platform.run("update rowhook.installation set checked_server = 'epoch'")
    assert await keys(platform, pool) == [commit]
    started = await platform.value("select pg_postmaster_start_time()")
    assert (await record(platform))["checked_server"] == started


async def test_a_schema_restored_in_the_same_database_is_a_copy(dsn: str) -> None:
    async with await connection_pool.connect(dsn) as db:
        platform = Platform(db)
        await platform.set_up()
        await platform.webhook_of_goal()
        await platform.commit()
    await restore(dsn, dsn, clean=True)
    async with await connection_pool.connect(dsn) as db, connection_pool.open_pool(dsn) as pool:
        platform.db = db
        assert await keys(platform, pool) == []
        assert "restored from a dump" in (await record(platform))["suspended_reason"]


async def test_adopt_cancels_waiting_deliveries_and_sends_later_ones(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(retry_schedule_s=[0, 3600])
    sent, held, *_ = [await platform.commit() for _ in range(4)]
    claims = {claim.event.key: claim for claim in await platform.claim(pool, batch=3)}
    await platform.record(pool, claims[sent], "delivered")
    await platform.record(pool, claims[held], "render_failed", error="data.x is not defined")
    await mark_as_copied(platform)
    assert await keys(platform, pool) == []
    assert await installation_queries.adopt(pool, cancel_waiting=True) == 3
    assert [row["status"] for row in await platform.deliveries()] == [
        "delivered",
        "cancelled",
        "cancelled",
        "cancelled",
    ]
    later = await platform.commit()
    assert await keys(platform, pool) == [later]
    await platform.run("update rowhook.outbox set status = 'pending' where status = 'cancelled'")
    assert len(await keys(platform, pool)) == 3


async def test_adopt_is_audited_with_the_old_and_new_identity(
    platform: Platform, pool: Pool
) -> None:
    await mark_as_copied(platform)
    await installation_queries.adopt(pool, cancel_waiting=True)
    (entry,) = await platform.rows(
        "select * from rowhook.audit where action = 'installation.adopted'"
    )
    assert (entry["organization_id"], entry["before"]["database_oid"]) == (None, "1")
    assert entry["after"]["suspended_at"] is None
    assert entry["after"]["cancelled"] == 0
    assert entry["subject"] == await platform.value("select current_database()")


@pytest.mark.parametrize("role", ["producer", "reader", "worker"])
async def test_adopt_is_forbidden_without_the_operator_role(platform: Platform, role: str) -> None:
    await platform.db.execute(f"set role rowhook_{role}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await platform.run("select rowhook.adopt()")
    await platform.run("reset role")


async def test_adopt_is_allowed_for_the_operator_role_and_operator_keys(
    platform: Platform, pool: Pool
) -> None:
    await mark_as_copied(platform)
    tenant = TenantPool(pool=pool, organization=platform.organization, actor="a tenant")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Only an operator"):
        await installation_queries.adopt(tenant, cancel_waiting=False)
    operator = TenantPool(pool=pool, organization=None, actor="an operator")
    await installation_queries.adopt(operator, cancel_waiting=False)
    await platform.run("set role rowhook_operator")
    await platform.run("select rowhook.adopt()")
    await platform.run("reset role")


async def test_a_worker_in_a_copy_continues_after_adoption(rig: Rig) -> None:
    await rig.webhook()
    await mark_as_copied(rig.platform)
    async with rig.worker() as worker:
        first = await rig.platform.commit()

        async def sleeping_worker() -> bool:
            return not worker.driver.is_notified

        await until(sleeping_worker, description="a nap")
        assert rig.receiver.requests == []
        async with connection_pool.open_pool(rig.dsn) as pool:
            await installation_queries.adopt(pool, cancel_waiting=False)
        await rig.reaches("delivered")
    assert [request.header("idempotency-key") for request in rig.receiver.requests] == [first]


async def test_no_webhook_is_disabled_for_failures_in_a_copy(
    platform: Platform, pool: Pool
) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.run(
        "insert into rowhook.lane_state (webhook_id, failures, failing_since, warned)"
        " values (%s, 50, now() - interval '6 days', 90)",
        webhook,
    )
    await mark_as_copied(platform)
    assert await engine.warn_or_disable(pool) == 0
    await installation_queries.adopt(pool, cancel_waiting=False)
    assert await engine.warn_or_disable(pool) == 1


async def test_doctor_detects_a_copy(platform: Platform, pool: Pool) -> None:
    async def doctor_finding(subject: str) -> dict[str, Any]:
        (result,) = [
            diagnosi
            for diagnosi in await installation_queries.diagnosis(pool)
            if diagnosi["subject"] == subject
        ]
        return result

    assert (await doctor_finding("installation"))["healthy"]
    assert (await doctor_finding("epoch"))["finding"] == "epoch 0"
    await mark_as_restored(platform)
    copy, epoch = await doctor_finding("installation"), await doctor_finding("epoch")
    assert (copy["healthy"], epoch["healthy"]) == (False, False)
    assert "This database is a copy: the system identifier" in copy["finding"]
    assert "`rowhook adopt`" in copy["advice"]
    await CopyDetector(pool).check()
    assert await doctor_finding("epoch") == {**epoch, "healthy": True, "finding": "epoch 1"}
