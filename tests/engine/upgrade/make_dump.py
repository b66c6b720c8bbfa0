"""Writes a dump of a database of one release, with rows in every table, for test_upgrade.py.

It runs over the sources of the release that is dumped, whose commit names the file:

    git worktree add /tmp/release eb01cd9
    PYTHONPATH=/tmp/release:/tmp/release/src python tests/engine/upgrade/make_dump.py \\
      > tests/engine/upgrade/eb01cd9.sql

The embedded PostgreSQL is migrated, filled through the release's own operations and dumped with
`pg_dump --inserts`, without owners and without what psql alone or PostgreSQL 17 and later
understand. Grants and policies are in the dump, the roles are not: create them before it is
restored. Secrets are sealed under MASTER_KEYS.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from rowhook.api import idempotent_requests
from rowhook.api.idempotent_requests import IdempotentRequest, StoredResponse
from rowhook.cli import startup
from rowhook.db import access_queries, callback_queries, connection_pool, engine
from rowhook.db.connection_pool import Pool
from rowhook.embedded.cluster import embedded_postgres
from rowhook.embedded.server_binaries import binaries
from rowhook.migrate import runner
from rowhook.render.configuration import Configuration
from rowhook.security.vault import Keyring
from rowhook.services import access, links, secrets, webhooks
from rowhook.services.access import Caller
from rowhook.services.sessions import make_link
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

# Generated for this file only.
MASTER_KEYS = "upgrade:3tFBpj4ZLHUnP0h6zGrSS9Q4b7/RCxyku652L+sq6Pc="
SECRET = "a secret value of the dump"
SESSION = "session_1"
FAILED: dict[str, Any] = {"outcome": "status", "status_code": 503, "error": "answered 503"}
_NOT_SQL_OF_15 = re.compile(r"^(\\|SET transaction_timeout).*\n", re.MULTILINE)


async def fill(dsn: str) -> None:
    """Adds at least one row to each table, and a delivery in each status."""
    async with (
        await connection_pool.connect(dsn) as db,
        connection_pool.open_pool(dsn, size=4) as pool,
        Receiver() as receiver,
    ):
        platform = Platform(db)
        await platform.set_up()
        rig = Rig(dsn, pool, platform, receiver)
        rig.keyring = Keyring(MASTER_KEYS)
        rig.ctx = replace(rig.ctx, keyring=rig.keyring)
        await startup.check_keyring(pool, rig.keyring)
        await _add_session_and_failed_capture(platform)
        await _add_deliveries(rig, pool)
        await _add_callback(rig, pool)
        await _add_job_deliveries(rig, pool)
        await _add_service_rows(rig, pool)


async def _add_session_and_failed_capture(platform: Platform) -> None:
    await platform.run(
        "insert into rowhook.session (id, organization_id, context)"
        ' values (%s, %s, \'{"locale": "de"}\')',
        SESSION,
        platform.organization,
    )
    await platform.run(
        "insert into rowhook.capture_error (source, source_ids, sqlstate, message)"
        " values ('commit', '{commit_failed}', '42883', 'function does not exist')"
    )


async def _add_deliveries(rig: Rig, pool: Pool) -> None:
    """Creates deliveries of a webhook of a goal in every status but dead, with attempts."""
    platform = rig.platform
    await secrets.put_secret(rig.ctx, platform.organization, "crm", SECRET)
    saved = await rig.webhook(
        headers={"Authorization": "Bearer {{secret:crm}}"},
        body_template='{"amount": {{data.amount}}, "locale": "{{context.locale}}"}',
        retry_schedule_s=[0, 1],
        rate_per_s=100,
    )
    commits = [
        await platform.commit(f'{{"amount": 1.{place}0}}', session=SESSION) for place in range(7)
    ]
    worker = uuid4()
    await engine.heartbeat(pool, worker, "host", 1, 0)
    claims = {claim.event.key: claim for claim in await platform.claim(pool, worker)}
    claims |= {claim.event.key: claim for claim in await platform.claim(pool, worker)}
    results: tuple[dict[str, Any], ...] = (
        {
            "outcome": "delivered",
            "status_code": 200,
            "response_body": "ok",
            "request": {"method": "POST", "url": saved.url, "headers": {}, "body": "{}"},
            "response_headers": {"content-type": "text/plain"},
        },
        {"outcome": "render_failed", "error": "data.nmae is not defined"},
        {"outcome": "skipped"},
    )
    for commit, result in zip(commits, results, strict=False):
        await platform.record(pool, claims[commit], **result)
    await platform.record(pool, claims[commits[3]], **FAILED)
    # commits[4] stays claimed.
    ids = {row["key"]: row["id"] for row in await platform.rows("select * from rowhook.delivery")}
    await engine.cancel(pool, [ids[commits[5]]])
    await engine.release(pool, {claims[commits[6]].token: ids[commits[6]]})
    await _add_revision(rig, saved.id)


async def _add_revision(rig: Rig, webhook: UUID) -> None:
    await webhooks.rotate_signing_secret(rig.ctx, webhook, timedelta(days=365))
    await webhooks.set_state(rig.ctx, webhook, "paused")
    await webhooks.set_state(rig.ctx, webhook, "active")


async def _add_callback(rig: Rig, pool: Pool) -> None:
    """Creates a callback that no page has read."""
    configuration = Configuration(
        name="page", kind="frontend", body_template='{"amount": {{data.amount}}}'
    )
    saved = await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
    await links.link_goal(rig.ctx, saved.id, rig.platform.goal)
    commit = await rig.platform.commit('{"amount": 2.50}', session=SESSION)
    claims = await rig.platform.claim(pool)
    (claim,) = [
        claim for claim in claims if claim.webhook_id == saved.id and claim.event.key == commit
    ]
    await callback_queries.stage(pool, claim, SESSION, '{"amount": 2.50}', timedelta(days=1))


async def _add_job_deliveries(rig: Rig, pool: Pool) -> None:
    """Creates a dead and a pending delivery of a webhook of an agent."""
    platform = rig.platform
    configuration = Configuration(name="job", url=f"{rig.receiver.url}/job", retry_schedule_s=[0])
    saved = await webhooks.create_webhook(rig.ctx, platform.organization, configuration)
    await links.link_agent(rig.ctx, saved.id, platform.agent)
    await platform.finish(await platform.job(), "failed")
    claims = await platform.claim(pool)
    (claim,) = [claim for claim in claims if claim.webhook_id == saved.id]
    await platform.record(pool, claim, **FAILED)
    await platform.finish(await platform.job(output='{"digits": 1.10}', cost="0.0042"))


async def _add_service_rows(rig: Rig, pool: Pool) -> None:
    """Creates the rows of the API: a key, a session, an idempotent response, a test allowance."""
    ctx, organization = rig.ctx, rig.platform.organization
    await access.create_key(ctx, organization, "ci", ["read", "write"])
    await make_link(pool)
    caller = Caller(id="ci", name="ci", organization=organization, scopes=frozenset())
    request = IdempotentRequest(caller=caller, key="once", fingerprint=b"0" * 32)
    await idempotent_requests.begin_request(ctx, request)
    answer = StoredResponse(status=201, headers=[], body=b"{}")
    await idempotent_requests.end_request(ctx, request, answer)
    webhook = await rig.platform.value("select id from rowhook.webhook where name = 'job'")
    await access_queries.allow_test(pool, webhook)


async def _main() -> None:
    with tempfile.TemporaryDirectory(prefix="rowhook-dump-") as folder:
        async with embedded_postgres(Path(folder) / "data") as dsn:
            await runner.migrate(dsn)
            await fill(dsn)
            command = [
                str(binaries() / "pg_dump"),
                "--inserts",
                "--no-owner",
                "--schema=rowhook",
                "--schema=rowhook_pgqueuer",
                dsn,
            ]
            dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603, ASYNC221  # our own program
            sys.stdout.write(_NOT_SQL_OF_15.sub("", dump))


if __name__ == "__main__":
    asyncio.run(_main())
