"""What every scenario stands on: a database, a receiver, and a fleet to be built over them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from rowhook.db import connection_pool
from rowhook.db.statements import TenantPool
from rowhook.render.configuration import Configuration
from rowhook.render.renderer import Renderer
from rowhook.security.vault import Keyring, generate_master_key
from rowhook.services import links, webhooks
from rowhook.services.context import KeyringContext
from tests.faults.fleet import Fleet, fleet
from tests.faults.history import History, violations
from tests.faults.producer import Producer
from tests.faults.wire import Wire
from tests.support.deadline import DEADLINE_S
from tests.support.rig import LOOPBACK

LEASE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """An organization in the database of `dsn`, and the receiver of its webhooks."""

    dsn: str
    wire: Wire
    folder: Path
    organization: UUID
    master_key: str

    def fleet(
        self, *, lease_s: float = LEASE_S, **variables: str
    ) -> AbstractAsyncContextManager[Fleet]:
        """Workers over this database."""
        return fleet(
            self.folder,
            **{
                "DATABASE_URL": self.dsn,
                "ROWHOOK_MASTER_KEYS": self.master_key,
                "ROWHOOK_LEASE_S": str(lease_s),
                **variables,
            },
        )

    async def first_worker(self, fleet: Fleet) -> float:
        """Starts a worker while events come: how long it takes to its first delivery, in seconds.

        That is the measure of every recovery: it may take so many times as long, on any machine.
        """
        await fleet.start()
        begun = time.monotonic()
        return await self.wire.first_after(begun)

    async def goal(self, name: str, **fields: Any) -> Producer:
        """A goal with one raw webhook at the path of its name; what commits to it."""
        async with connection_pool.open_pool(self.dsn, size=1) as pool:
            async with pool.connection() as connection:
                await connection.execute(
                    "insert into rowhook.goal (id, organization_id) values (%s, %s)",
                    (name, self.organization),
                )
            ctx = KeyringContext(
                pool=TenantPool(pool=pool, organization=None, actor="the battery"),
                keyring=Keyring(self.master_key),
                policy=LOOPBACK,
                renderer=Renderer(LOOPBACK),
                brand="Roxels",
            )
            given = Configuration(
                name=name, url=f"{self.wire.url}/{name}", raw_payload=True, **fields
            )
            saved = await webhooks.create_webhook(ctx, self.organization, given)
            await links.link_goal(ctx, saved.id, name)
        return Producer(self.dsn, name)

    async def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """The rows of a query of the superuser's, on a connection of its own."""
        async with await psycopg.AsyncConnection.connect(
            self.dsn, autocommit=True, row_factory=dict_row
        ) as connection:
            found = await connection.execute(query.encode(), parameters)
            return await found.fetchall()

    async def run(self, statement: str, *parameters: object) -> int:
        """How many rows a statement of the superuser's touched."""
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            return (await connection.execute(statement.encode(), parameters or None)).rowcount

    async def drained(self, within_s: float = DEADLINE_S) -> None:
        """Waits until nothing waits, nothing is being sent, and nothing is to be healed."""
        query = (
            "select (select count(*) from rowhook.outbox where finished_at is null)"
            " + (select count(*) from rowhook.capture_gap)"
            " + (select count(*) from rowhook.capture_error where healed_at is null) as count"
        )

        async def empty() -> bool:
            return bool((await self.rows(query))[0]["count"] == 0)

        await eventually(empty, within_s=within_s, what="an outbox without anything unfinished")

    async def history(
        self, *producers: Producer, spare: int, ordered: tuple[str, ...] = ()
    ) -> History:
        """All that was written down."""
        committed = [event for one in producers for event in await one.committed()]
        ends = await self.rows(
            "select e.commit_id as event, o.status from rowhook.outbox o"
            " join rowhook.event e on e.id = o.event_id"
        )
        gone = set().union(*(one.rolled_back for one in producers)) - set(committed)
        return History(
            committed=tuple(committed),
            rolled_back=frozenset(gone),
            arrivals=tuple(self.wire.arrivals),
            ends={one["event"]: one["status"] for one in ends},
            spare=spare,
            ordered=frozenset(ordered),
        )

    async def clean(
        self, *producers: Producer, spare: int, ordered: tuple[str, ...] = ()
    ) -> History:
        """The history, after looking that it holds and that no acknowledged commit is missing."""
        history = await self.history(*producers, spare=spare, ordered=ordered)
        assert violations(history) == []
        missing = {event for one in producers for event in one.acknowledged} - set(
            history.committed
        )
        assert missing == set(), "the database lost what it had acknowledged"
        return history


async def eventually(
    holds: Callable[[], Awaitable[bool]], *, within_s: float = DEADLINE_S, what: str
) -> float:
    """Waits for a condition, through an absent database: how long it took, in seconds."""
    begun = time.monotonic()
    while True:
        try:
            if await holds():
                return time.monotonic() - begun
        except psycopg.OperationalError:
            pass
        if time.monotonic() - begun > within_s:
            raise TimeoutError(f"{what} did not come about within {within_s:g} s")
        await asyncio.sleep(0.02)


async def found(dsn: str, folder: Path, wire: Wire) -> Ground:
    """The ground over a migrated database."""
    organization = uuid4()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(
            "insert into rowhook.organization (id, name) values (%s, 'Acme')", (organization,)
        )
    return Ground(
        dsn=dsn,
        wire=wire,
        folder=folder,
        organization=organization,
        master_key=generate_master_key(),
    )
