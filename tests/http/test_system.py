"""The installation over REST: workers, pending work, and settings with secrets masked."""

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
from rowhook.cli.run_commands import serve_api
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


async def get_json(api: Api, path: str, key: str | None = None) -> Any:
    response = await api.call("GET", path, key=key)
    assert response.status_code == 200, response.text
    return response.json()


async def add_worker(platform: Platform, silent_s: float = 0) -> str:
    """Adds a worker that was last seen `silent_s` ago and returns its id."""
    worker = uuid4()
    await platform.run(
        "insert into rowhook.worker (id, host, pid, in_flight, started_at, seen_at) values"
        " (%s, 'host-1', 4711, 2, now() - interval '1 hour', now() - make_interval(secs => %s))",
        worker,
        silent_s,
    )
    return str(worker)


async def test_a_worker_is_alive_if_it_was_seen_in_the_last_30_seconds(
    api: Api, platform: Platform
) -> None:
    alive, dead = [await add_worker(platform, silent_s) for silent_s in (5, 60)]
    workers = {item["id"]: item for item in (await get_json(api, "/workers"))["items"]}
    assert {worker: item["alive"] for worker, item in workers.items()} == {alive: True, dead: False}
    worker_document = workers[alive]
    assert (worker_document["host"], worker_document["pid"], worker_document["in_flight"]) == (
        "host-1",
        4711,
        2,
    )
    seen_at, started_at = (
        datetime.fromisoformat(worker_document[name]) for name in ("seen_at", "started_at")
    )
    assert 3500 < (seen_at - started_at).total_seconds() < 3600


async def test_only_operators_see_the_host_of_a_worker(api: Api, platform: Platform) -> None:
    worker = await add_worker(platform)
    key = await api.key_of(platform.organization, "read")
    response = await api.call("GET", "/workers", key=key)
    (listed,) = response.json()["items"]
    assert (listed["id"], listed["host"], listed["pid"], listed["alive"]) == (
        worker,
        None,
        None,
        True,
    )
    assert "host-1" not in response.text


async def test_the_system_is_visible_to_operators_with_the_scope_admin(
    api: Api, platform: Platform
) -> None:
    for organization, scopes, status in (
        (None, ["admin"], 200),
        (None, ["read", "write"], 403),
        (platform.organization, [], 403),
    ):
        key = await api.key_of(organization, *scopes)  # type: ignore[arg-type]
        response = await api.call("GET", "/system", key=key)
        assert response.status_code == status


async def test_the_database_refuses_the_system_query_to_organizations(
    pool: Pool, platform: Platform
) -> None:
    tenant_pool = TenantPool(pool=pool, organization=platform.organization, actor="a test")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="operators only"):
        await installation_queries.system(tenant_pool)
    operator = TenantPool(pool=pool, organization=None, actor="a test")
    assert "postgres_version" in await installation_queries.system(operator)


async def test_the_system_lists_migrations_and_partitions(api: Api, platform: Platform) -> None:
    system = await get_json(api, "/system")
    version = await platform.value("show server_version")
    assert (system["postgres_version"], bool(system["version"])) == (version, True)
    names = [migration["name"] for migration in system["migrations"]]
    assert {"0001_roles", "functions/10_capture", "grants"} <= set(names)
    today = datetime.now(UTC).strftime("%Y%m%d")
    kinds = {"attempt_row", "exchange", "failed_exchange"}
    assert {f"{kind}_{today}" for kind in kinds} < {
        partition["name"] for partition in system["partitions"]
    }
    assert all(partition["bytes"] > 0 for partition in system["partitions"])


async def test_the_system_counts_gaps_open_errors_and_chores(api: Api, platform: Platform) -> None:
    none = {"count": 0, "oldest_at": None}
    system = await get_json(api, "/system")
    assert (system["capture_gaps"], system["chores"], system["capture_errors"]) == (
        none,
        none,
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
    system = await get_json(api, "/system")
    assert [system[name]["count"] for name in ("capture_gaps", "chores")] == [1, 1]
    assert system["capture_gaps"]["oldest_at"] is not None
    (error,) = system["capture_errors"]
    assert (error["captures"], error["message"]) == (2, "disk full")


async def test_the_effective_settings_are_returned_with_secrets_masked(
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
        startup.database(settings) as database,
        startup.server_context(settings, database) as server_ctx,
        serve_api(server_ctx, host="127.0.0.1", port=0, tasks=Supervisor(asyncio.Event())) as port,
        httpx.AsyncClient() as client,
    ):
        response = await client.get(
            f"http://127.0.0.1:{port}/v1/system", headers={"Authorization": f"Bearer {ADMIN_KEY}"}
        )
    settings_shown = response.json()["settings"]
    assert set(settings_shown) == {environment_name(name) for name in NAMES}
    assert (settings_shown["ROWHOOK_BRAND"], settings_shown["ROWHOOK_ADMIN_KEY"]) == ("Acme", "***")
    for secret in ("hunter2", ADMIN_KEY, master_keys.partition(":")[2]):
        assert secret not in response.text


async def test_the_command_line_reads_workers_and_system_without_a_key(
    api: Api, platform: Platform
) -> None:
    worker = await add_worker(platform)
    ctx = api.server_ctx.ctx.for_actor(api.server_ctx.pool, None, "cli:ann")
    assert [str(item.id) for item in await installation.workers(ctx)] == [worker]
    assert (await installation.system(ctx, {"X": "***"})).settings == {"X": "***"}
