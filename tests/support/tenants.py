"""An organization with a row in every table that Rowhook owns, for tests of isolation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg

from rowhook.db.connection_pool import Pool
from tests.support.calls import Api
from tests.support.sample_platform import Platform

# A loopback port on which nothing listens.
UNREACHABLE = "http://127.0.0.1:9/"
# The tables that Rowhook owns, with the column that relates a row to its organization.
OWNED = {
    "webhook": "organization_id",
    "webhook_revision": "organization_id",
    "link": "organization_id",
    "secret": "organization_id",
    "webhook_secret": "organization_id",
    "signing_secret": "webhook_id",
    "event": "organization_id",
    "outbox": "organization_id",
    **dict.fromkeys(("attempt_row", "exchange", "failed_exchange", "attempt_archive"), "outbox_id"),
    "request_frame": "organization_id",
    **dict.fromkeys(("attempt_delta", "attempt_minute", "attempt_quarter"), "organization_id"),
    **dict.fromkeys(("organization_minute", "organization_quarter"), "organization_id"),
    "lane_state": "webhook_id",
    "callback": "organization_id",
    "api_key": "organization_id",
    "organization_quota": "organization_id",
    "portal_session": "organization_id",
    "alert_threshold": "organization_id",
    "audit": "organization_id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """An organization whose webhook is linked and uses its secret."""

    platform: Platform
    webhook: UUID
    unlinked_webhook: UUID
    secret: str
    key_id: UUID
    dead: int
    waiting: int
    session: str
    event: int

    @property
    def organization(self) -> UUID:
        return self.platform.organization

    def owner_of(self, table: str) -> object:
        """Returns the value of the column of OWNED in the rows of this tenant."""
        values = {
            "signing_secret": self.webhook,
            "lane_state": self.webhook,
            **dict.fromkeys(
                (table for table, column in OWNED.items() if column == "outbox_id"), self.dead
            ),
        }
        return values.get(table, self.organization)


async def tenant(api: Api, db: psycopg.AsyncConnection) -> Tenant:
    """Creates a tenant with a delivery that is dead after one attempt, and a pending one."""
    platform = Platform(db)
    await platform.set_up()
    await platform.value(
        """select rowhook.set_quotas(%s, '{"webhooks": 100000}')""", platform.organization
    )
    await platform.run("insert into rowhook.worker (id, host, pid) values (%s, 'host', 1)", uuid4())
    await platform.run(
        "select rowhook.set_alert_thresholds(%s, 5, 1000, 600)", platform.organization
    )
    secret = f"secret-{uuid4().hex[:8]}"
    owner = {"organization_id": str(platform.organization)}
    await _call(api, "PUT", f"/secrets/{secret}", {"value": "s3cret"}, params=owner)
    webhook = UUID(
        (
            await api.webhook(
                platform.organization,
                url=UNREACHABLE,
                retry_schedule_s=[0],
                headers={"X-Key": f"{{{{secret:{secret}}}}}"},
            )
        )["id"]
    )
    unlinked_webhook = UUID((await api.webhook(platform.organization, url=UNREACHABLE))["id"])
    await _call(api, "PUT", f"/webhooks/{webhook}/agents/{platform.agent}")
    await _call(api, "PUT", f"/webhooks/{webhook}/goals/{platform.goal}")
    key = await _call(api, "POST", "/api-keys", {"name": "a key", "scopes": ["read"], **owner})
    await _call(api, "POST", "/portal-links", owner)
    return Tenant(
        platform=platform,
        webhook=webhook,
        unlinked_webhook=unlinked_webhook,
        secret=secret,
        key_id=UUID(key["id"]),
        dead=await _dead_delivery(platform, api.server_ctx.pool),
        waiting=await _waiting_delivery(platform),
        session=await _session(platform),
        event=await _event(platform),
    )


async def _event(platform: Platform) -> int:
    event: int = await platform.value(
        "select max(id) from rowhook.event where organization_id = %s", platform.organization
    )
    return event


async def _session(platform: Platform) -> str:
    """Creates a session with a callback that was read."""
    session = f"session_{uuid4().hex[:8]}"
    await platform.run(
        "insert into rowhook.session (id, organization_id) values (%s, %s)",
        session,
        platform.organization,
    )
    await platform.run(
        "insert into rowhook.callback"
        " (outbox_id, staging, organization_id, session_id, place, revision, body, written_at)"
        " select coalesce(max(outbox_id), 0) + 1000000, 1, %s, %s, 1, 1, '1', now()"
        " from rowhook.callback",
        platform.organization,
        session,
    )
    return session


async def _call(
    api: Api, method: str, path: str, body: Any = None, **options: Any
) -> dict[str, Any]:
    response = await api.call(method, path, body, **options)
    assert response.is_success, response.text
    return response.json() if response.content else {}


async def _dead_delivery(platform: Platform, pool: Pool) -> int:
    await platform.job("succeeded")
    (claim,) = await platform.claim(pool)
    await platform.record(pool, claim, "http_status", status_code=500, error="HTTP 500")
    await platform.run(
        "insert into rowhook.request_frame (digest, webhook_id, organization_id, pieces)"
        " values (gen_random_uuid(), %s, %s, '[]')",
        claim.webhook_id,
        platform.organization,
    )
    for table in ("attempt_minute", "attempt_quarter"):
        await platform.db.execute(
            f"insert into rowhook.{table} (at, webhook_id, organization_id)"
            " values (rowhook.quarter_of(now()), %s, %s)".encode(),
            (claim.webhook_id, platform.organization),
        )
    for table in ("organization_minute", "organization_quarter"):
        await platform.db.execute(
            f"insert into rowhook.{table} (at, organization_id)"
            " values (rowhook.quarter_of(now()), %s)".encode(),
            (platform.organization,),
        )
    for table in ("exchange", "failed_exchange"):
        await platform.db.execute(
            f"insert into rowhook.{table} (outbox_id, started_at, number)"
            " values (%s, now(), 1)".encode(),
            (claim.outbox_id,),
        )
    await platform.run(
        "insert into rowhook.attempt_archive"
        " (outbox_id, started_at, number, revision, duration_ms, outcome)"
        " values (%s, now(), 2, 1, 0, 'http_status')",
        claim.outbox_id,
    )
    return int(claim.outbox_id)


async def _waiting_delivery(platform: Platform) -> int:
    await platform.commit()
    delivery: int = await platform.value("select max(id) from rowhook.outbox")
    # Paused, or the next tenant would claim it.
    await platform.run(
        "update rowhook.webhook set state = 'paused' where organization_id = %s",
        platform.organization,
    )
    return delivery
