"""An organization with one of everything that Rowhook owns, for tests of who may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg

from rowhook.db.connection_pool import Pool
from tests.support.calls import Api
from tests.support.sample_platform import Platform

# On loopback, and nobody listens there.
CLOSED = "http://127.0.0.1:9/"
# What Rowhook owns (CONTRACT.md, 2): the column that says whose a row is, or what it belongs to.
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
    "lane_state": "webhook_id",
    "callback": "organization_id",
    "api_key": "organization_id",
    "audit": "organization_id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Its webhook is linked and uses its secret; `loose` is a webhook that is not and does not."""

    platform: Platform
    webhook: UUID
    loose: UUID
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
        """What stands in the column of OWNED where a row is this tenant's."""
        named = {
            "signing_secret": self.webhook,
            "lane_state": self.webhook,
            **dict.fromkeys(
                (table for table, column in OWNED.items() if column == "outbox_id"), self.dead
            ),
        }
        return named.get(table, self.organization)


async def tenant(api: Api, db: psycopg.AsyncConnection) -> Tenant:
    """Makes one, with a delivery that is dead after one attempt and one that waits."""
    platform = Platform(db)
    await platform.set_up()
    await platform.run("insert into rowhook.worker (id, host, pid) values (%s, 'host', 1)", uuid4())
    secret = f"secret-{uuid4().hex[:8]}"
    whose = {"organization_id": str(platform.organization)}
    await _done(api, "PUT", f"/secrets/{secret}", {"value": "s3cret"}, params=whose)
    webhook = UUID(
        (
            await api.webhook(
                platform.organization,
                url=CLOSED,
                retry_schedule_s=[0],
                headers={"X-Key": f"{{{{secret:{secret}}}}}"},
            )
        )["id"]
    )
    loose = UUID((await api.webhook(platform.organization, url=CLOSED))["id"])
    await _done(api, "PUT", f"/webhooks/{webhook}/agents/{platform.agent}")
    await _done(api, "PUT", f"/webhooks/{webhook}/goals/{platform.goal}")
    key = await _done(api, "POST", "/api-keys", {"name": "a key", "scopes": ["read"], **whose})
    return Tenant(
        platform=platform,
        webhook=webhook,
        loose=loose,
        secret=secret,
        key_id=UUID(key["id"]),
        dead=await _dead(platform, api.server_ctx.pool),
        waiting=await _waiting(platform),
        session=await _session(platform),
        event=await _event(platform),
    )


async def _event(platform: Platform) -> int:
    found: int = await platform.value(
        "select max(id) from rowhook.event where organization_id = %s", platform.organization
    )
    return found


async def _session(platform: Platform) -> str:
    """A session with one callback, which a page has seen."""
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


async def _done(
    api: Api, method: str, path: str, body: Any = None, **options: Any
) -> dict[str, Any]:
    answer = await api.call(method, path, body, **options)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else {}


async def _dead(platform: Platform, pool: Pool) -> int:
    await platform.job("succeeded")
    (claim,) = await platform.claim(pool)
    await platform.record(pool, claim, "http_status", status_code=500, error="HTTP 500")
    await platform.run(
        "insert into rowhook.request_frame (digest, webhook_id, organization_id, pieces)"
        " values (gen_random_uuid(), %s, %s, '[]')",
        claim.webhook_id,
        platform.organization,
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


async def _waiting(platform: Platform) -> int:
    await platform.commit()
    found: int = await platform.value("select max(id) from rowhook.outbox")
    # Not yet due, or the next tenant would claim it.
    await platform.run(
        "update rowhook.webhook set state = 'paused' where organization_id = %s",
        platform.organization,
    )
    return found
