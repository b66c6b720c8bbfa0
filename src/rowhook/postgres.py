"""The only door to the database: one function for each SQL function, of the same name.

It never assembles SQL and never decides; it turns rows into the nouns of a delivery.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from rowhook.delivery import Claim, Event

Pool = AsyncConnectionPool[psycopg.AsyncConnection]
Unreachable = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
Refused = psycopg.DatabaseError
_KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "rowhook",
}


class Claimed(NamedTuple):
    """What a claim took, the lane to go on after, and whether it saw a whole rotation."""

    claims: list[Claim]
    cursor: UUID | None
    rotated: bool


class Sleep(NamedTuple):
    """What a worker learns when it lies down: its place in the register and when work is due."""

    register: int
    has_work: bool
    due_in_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """A signing secret, or a secret that a webhook names, as the database keeps it."""

    signing: bool
    id: str | None
    version: int
    sealed: bytes
    allowed_hosts: list[str] | None
    expires_at: datetime | None


async def connect(dsn: str) -> psycopg.AsyncConnection:
    """One connection of its own, in autocommit: for migrations and LISTEN."""
    return await psycopg.AsyncConnection.connect(dsn, autocommit=True, **_KEEPALIVE)


@asynccontextmanager
async def open_pool(
    dsn: str, *, size: int = 4, role: LiteralString | None = None, pooler: bool = False
) -> AsyncIterator[Pool]:
    """A pool that reconnects by itself; it raises PoolTimeout after 5 s without a connection.

    `role` is entered on each connection, unless a transaction `pooler` stands between: there the
    login's own memberships count, and statements are not prepared.
    """

    async def enter_role(connection: psycopg.AsyncConnection) -> None:
        if role is not None and not pooler:
            await connection.execute(f"set role {role}")

    settings = {"autocommit": True, "prepare_threshold": None if pooler else 3, **_KEEPALIVE}
    pool: Pool = AsyncConnectionPool(
        dsn,
        kwargs=settings,
        min_size=1,
        max_size=size,
        timeout=5,
        reconnect_timeout=2**31,
        configure=enter_role,
        open=False,
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


async def rows(pool: Pool, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
    """The rows of one `select … from rowhook.f(…)`, in binary."""
    async with pool.connection() as connection, connection.cursor(binary=True) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


async def value(pool: Pool, query: LiteralString, *parameters: object) -> Any:
    """The one value of one `select rowhook.f(…)`."""
    return (await rows(pool, query, *parameters))[0][0]


async def records(pool: Pool, query: LiteralString, *parameters: object) -> list[dict[str, Any]]:
    """The rows as dictionaries, for tables that people read."""
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


async def run_script(connection: psycopg.AsyncConnection, script: str) -> None:
    """Runs a file of `sql/` as it is; several statements are one transaction."""
    await connection.execute(script.encode())


async def lock_session(connection: psycopg.AsyncConnection, key: int) -> None:
    """Waits for an advisory lock that ends with the connection."""
    await connection.execute("select pg_advisory_lock(%s)", (key,))


async def applied_migrations(connection: psycopg.AsyncConnection) -> dict[str, str]:
    """Name → checksum; empty on a database that Rowhook never saw."""
    found = await connection.execute("select to_regproc('rowhook.applied_migrations') is not null")
    if (await found.fetchone()) != (True,):
        return {}
    cursor = await connection.execute("select name, checksum from rowhook.applied_migrations()")
    return dict(await cursor.fetchall())


async def note_migration(connection: psycopg.AsyncConnection, name: str, checksum: str) -> None:
    """Writes down an applied step, in the caller's transaction."""
    await connection.execute("select rowhook.note_migration(%s, %s)", (name, checksum))


async def claim(
    pool: Pool, worker: UUID, *, batch: int, per_lane: int, after: UUID | None, lease: timedelta, sweep: bool
) -> Claimed:
    """Takes up to `batch` due deliveries of the webhooks after `after`, a share of each."""
    found = await rows(
        pool,
        "select token, outbox_id, number, webhook_id, revision, secrets_version, large,"
        " event_id, event_type, key, organization_id, occurred_at, snapshot, data, context,"
        " oversize_bytes from rowhook.claim(%s, %s, %s, %s, %s, %s)",
        worker, batch, per_lane, after, lease, sweep,
    )  # fmt: skip
    unfinished = bool(found) and found[-1][0] is None
    claims = [_claim(row) for row in (found[:-1] if unfinished else found)]
    return Claimed(claims, found[-1][3] if found else None, rotated=not unfinished)


def _claim(row: tuple[Any, ...]) -> Claim:
    event = Event(
        id=row[7],
        type=row[8],
        key=row[9],
        organization_id=row[10],
        occurred_at=row[11],
        snapshot=row[12],
        data=row[13],
        context=row[14],
        oversize_bytes=row[15],
    )
    return Claim(
        token=row[0],
        outbox_id=row[1],
        number=row[2],
        webhook_id=row[3],
        revision=row[4],
        secrets_version=row[5],
        large=row[6],
        event=event,
    )


async def event_body(pool: Pool, event_id: int) -> tuple[str | None, str | None]:
    """(data, context) of a large event, which a claim leaves out."""
    found = await rows(pool, "select data, context from rowhook.event_body(%s)", event_id)
    return found[0] if found else (None, None)


async def record(pool: Pool, results: bytes) -> set[int]:
    """Settles a JSON array of results; answers the tokens that counted."""
    found = await rows(pool, "select token from rowhook.record(%s::json)", results.decode())
    return {row[0] for row in found}


async def renew(pool: Pool, worker: UUID, held: dict[int, int], lease: timedelta) -> set[int]:
    """Renews leases; `held` is token → outbox id; answers the tokens that are still ours."""
    found = await rows(
        pool, "select * from rowhook.renew(%s, %s, %s, %s)",
        worker, list(held.values()), list(held), lease,
    )  # fmt: skip
    return {row[0] for row in found}


async def release(pool: Pool, held: dict[int, int]) -> None:
    """Gives back what was claimed and not begun; `held` is token → outbox id."""
    await rows(pool, "select rowhook.release(%s, %s)", list(held.values()), list(held))


async def fall_asleep(pool: Pool) -> Sleep:
    """Enters the register of sleepers, then looks once more for work."""
    found = await rows(pool, "select register, has_work, due_in_s from rowhook.fall_asleep()")
    return Sleep(*found[0])


async def wake_up(pool: Pool, register: int) -> None:
    """Leaves the register of sleepers."""
    await rows(pool, "select rowhook.wake_up(%s)", register)


async def sweep(pool: Pool) -> int:
    """One batch of one changed webhook; 0 when nothing is left to do."""
    return int(await value(pool, "select rowhook.sweep()"))


async def beat(pool: Pool, worker: UUID, host: str, pid: int, in_flight: int) -> datetime:
    """Says that this worker lives; answers the database's clock."""
    moment: datetime = await value(
        pool, "select rowhook.beat(%s, %s, %s, %s)", worker, host, pid, in_flight
    )
    return moment


async def leave(pool: Pool, worker: UUID) -> None:
    """Strikes this worker off the list."""
    await rows(pool, "select rowhook.leave(%s)", worker)


async def heal(pool: Pool, retention: timedelta) -> int:
    """Makes the events that the capture missed; how many."""
    return int(await value(pool, "select rowhook.heal(%s)", retention))


async def retain(pool: Pool, retention: timedelta) -> int:
    """Removes one batch of what is old; how many rows."""
    return int(await value(pool, "select rowhook.retain(%s)", retention))


async def revision_of(pool: Pool, webhook: UUID, revision: int) -> tuple[UUID, str] | None:
    """(organization, configuration as JSON text) of one revision."""
    found = await rows(
        pool, "select organization_id, configuration from rowhook.revision_of(%s, %s)", webhook, revision
    )
    return (found[0][0], found[0][1]) if found else None


async def secrets_of(pool: Pool, webhook: UUID) -> list[SealedSecret]:
    """The live signing secrets, newest first, then the secrets that the webhook names."""
    found = await records(pool, "select * from rowhook.secrets_of(%s)", webhook)
    return [SealedSecret(**row) for row in found]


async def keyring_check(pool: Pool, offered: bytes) -> bytes:
    """The sealed word of this database; the offered one where there was none."""
    return bytes(await value(pool, "select rowhook.keyring_check(%s)", offered))
