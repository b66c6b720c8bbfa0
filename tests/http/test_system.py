"""The installation over REST: who works, what is owed, and settings without their secrets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from rowhook.cli import startup
from rowhook.cli.serve import serve_api
from rowhook.db import installation_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import TenantPool
from rowhook.security.vault import generate_master_key
from rowhook.services import installation
from rowhook.settings import NAMES, environment_name, load
from rowhook.supervisor import Supervisor
from tests.support.calls import ADMIN_KEY, Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio


async def answered(api: Api, path: str, key: str | None = None) -> Any:
    answer = await api.call("GET", path, key=key)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def work(platform: Platform, silent_s: float = 0) -> str:
    """A worker that was last seen so long ago; its id."""
    worker = uuid4()
    await platform.run(
        "insert into rowhook.worker (id, host, pid, in_flight, started_at, seen_at) values"
        " (%s, 'host-1', 4711, 2, now() - interval '1 hour', now() - make_interval(secs => %s))",
        worker,
        silent_s,
    )
    return str(worker)


async def test_a_worker_lives_while_it_was_seen_in_the_last_half_minute(
    api: Api, platform: Platform
) -> None:
    alive, silent = [await work(platform, silent_s) for silent_s in (5, 60)]
    found = {one["id"]: one for one in (await answered(api, "/workers"))["items"]}
    assert {worker: one["alive"] for worker, one in found.items()} == {alive: True, silent: False}
    one = found[alive]
    assert (one["host"], one["pid"], one["in_flight"]) == ("host-1", 4711, 2)
    seen, began = (datetime.fromisoformat(one[name]) for name in ("seen_at", "started_at"))
    assert 3500 < (seen - began).total_seconds() < 3600


async def test_where_workers_run_is_told_to_operators_alone(api: Api, platform: Platform) -> None:
    worker = await work(platform)
    key = await api.key_of(platform.organization, "read")
    answer = await api.call("GET", "/workers", key=key)
    (found,) = answer.json()["items"]
    assert (found["id"], found["host"], found["pid"], found["alive"]) == (worker, None, None, True)
    assert "host-1" not in answer.text


async def test_the_system_is_shown_to_operators_with_the_scope_admin(
    api: Api, platform: Platform
) -> None:
    for organization, scopes, status in (
        (None, ["admin"], 200),
        (None, ["read", "write"], 403),
        (platform.organization, [], 403),
    ):
        key = await api.key_of(organization, *scopes)  # type: ignore[arg-type]
        answer = await api.call("GET", "/system", key=key)
        assert answer.status_code == status


async def test_the_database_itself_shows_the_system_to_no_organization(
    pool: Pool, platform: Platform
) -> None:
    entry = TenantPool(pool=pool, organization=platform.organization, actor="a test")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="operators only"):
        await installation_queries.system(entry)
    operator = TenantPool(pool=pool, organization=None, actor="a test")
    assert "postgres_version" in await installation_queries.system(operator)


async def test_the_system_says_what_was_applied_and_which_days_are_kept(
    api: Api, platform: Platform
) -> None:
    found = await answered(api, "/system")
    version = await platform.value("show server_version")
    assert (found["postgres_version"], bool(found["version"])) == (version, True)
    names = [one["name"] for one in found["migrations"]]
    assert {"0001_roles", "functions/10_capture", "grants"} <= set(names)
    today = datetime.now(UTC).strftime("%Y%m%d")
    kinds = {"attempt_row", "exchange", "failed_exchange"}
    assert {f"{kind}_{today}" for kind in kinds} < {one["name"] for one in found["partitions"]}
    assert all(one["bytes"] > 0 for one in found["partitions"])


async def test_the_system_counts_gaps_open_errors_and_chores(api: Api, platform: Platform) -> None:
    nothing = {"count": 0, "oldest_at": None}
    found = await answered(api, "/system")
    assert (found["capture_gaps"], found["chores"], found["capture_errors"]) == (
        nothing,
        nothing,
        [],
    )
    webhook = await platform.webhook_of_goal()
    await platform.run("set session_replication_role = replica")
    await platform.commit()
    await platform.run("set session_replication_role = origin")
    await platform.run("insert into rowhook.chore (webhook_id) values (%s)", webhook)
    await platform.run(
        "insert into rowhook.capture_error (source, source_ids, sqlstate, message, healed_at)"
        " values ('job', '{a,b}', '53100', 'disk full', null), ('job', '{c}', 'x', 'old', now())"
    )
    found = await answered(api, "/system")
    assert [found[name]["count"] for name in ("capture_gaps", "chores")] == [1, 1]
    assert found["capture_gaps"]["oldest_at"] is not None
    (error,) = found["capture_errors"]
    assert (error["captures"], error["message"]) == (2, "disk full")


async def test_the_settings_are_shown_as_they_are_in_force_without_their_secrets(
    dsn: str, folder: Path
) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    url = f"postgresql:///{parts['dbname']}?host={parts['host']}&user={parts['user']}"
    master_keys = generate_master_key()
    settings = load(
        {
            "DATABASE_URL": f"{url}&password=hunter2",
            "ROWHOOK_MASTER_KEYS": master_keys,
            "ROWHOOK_ADMIN_KEY": ADMIN_KEY,
            "ROWHOOK_DATA_DIR": str(folder),
            "ROWHOOK_BRAND": "Acme",
        }
    )
    async with (
        startup.database(settings) as place,
        startup.server_context(settings, place) as server_ctx,
        serve_api(server_ctx, host="127.0.0.1", port=0, tasks=Supervisor(asyncio.Event())) as port,
        httpx.AsyncClient() as client,
    ):
        answer = await client.get(
            f"http://127.0.0.1:{port}/v1/system", headers={"Authorization": f"Bearer {ADMIN_KEY}"}
        )
    shown = answer.json()["settings"]
    assert set(shown) == {environment_name(name) for name in NAMES}
    assert (shown["ROWHOOK_BRAND"], shown["ROWHOOK_ADMIN_KEY"]) == ("Acme", "***")
    for secret in ("hunter2", ADMIN_KEY, master_keys.partition(":")[2]):
        assert secret not in answer.text


async def test_who_has_the_database_asks_the_same_without_a_key(
    api: Api, platform: Platform
) -> None:
    worker = await work(platform)
    ctx = api.server_ctx.ctx.for_actor(api.server_ctx.pool, None, "cli:ann")
    assert [str(one.id) for one in await installation.workers(ctx)] == [worker]
    assert (await installation.system(ctx, {"X": "***"})).settings == {"X": "***"}
