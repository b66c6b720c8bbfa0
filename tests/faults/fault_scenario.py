"""The environment of a fault scenario: a database, a receiver and worker processes."""

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
from tests.faults.commit_producer import Producer
from tests.faults.delivery_history import History, violations
from tests.faults.recording_receiver import RecordingReceiver
from tests.faults.worker_fleet import Fleet, fleet
from tests.support.deadline import DEADLINE_S
from tests.support.worker_rig import LOOPBACK

LEASE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """An organization in the database of `dsn`, and the receiver of its webhooks."""

    dsn: str
    receiver: RecordingReceiver
    folder: Path
    organization: UUID
    master_key: str

    def fleet(
        self, *, lease_s: float = LEASE_S, **variables: str
    ) -> AbstractAsyncContextManager[Fleet]:
        """Starts workers over this database."""
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
        """Starts a worker under load and returns the seconds until its first delivery.

        Recovery times are limited to multiples of this time, so that they hold on any machine.
        """
        await fleet.start()
        begun = time.monotonic()
        return await self.receiver.seconds_to_first_arrival(begun)

    async def goal(self, name: str, **fields: Any) -> Producer:
        """Creates a goal with one raw webhook at the path of its name, and returns its producer."""
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
            configuration = Configuration(
                name=name, url=f"{self.receiver.url}/{name}", raw_payload=True, **fields
            )
            saved = await webhooks.create_webhook(ctx, self.organization, configuration)
            await links.link_goal(ctx, saved.id, name)
        return Producer(self.dsn, name)

    async def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        """Returns the rows of a query of the superuser, on a new connection."""
        async with await psycopg.AsyncConnection.connect(
            self.dsn, autocommit=True, row_factory=dict_row
        ) as connection:
            cursor = await connection.execute(query.encode(), parameters)
            return await cursor.fetchall()

    async def run(self, statement: str, *parameters: object) -> int:
        """Executes a statement as the superuser and returns the number of rows."""
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            return (await connection.execute(statement.encode(), parameters or None)).rowcount

    async def wait_until_drained(self, within_s: float = DEADLINE_S) -> None:
        """Waits until nothing is pending, sending or to be healed."""
        query = (
            "select (select count(*) from rowhook.outbox where finished_at is null)"
            " + (select count(*) from rowhook.capture_gap)"
            " + (select count(*) from rowhook.capture_error where healed_at is null) as count"
        )

        async def empty() -> bool:
            return bool((await self.rows(query))[0]["count"] == 0)

        await wait_until(
            empty, within_s=within_s, description="an outbox without anything unfinished"
        )

    async def history(
        self, *producers: Producer, allowed_duplicates: int, ordered: tuple[str, ...] = ()
    ) -> History:
        """Returns the recorded history."""
        committed = [event for producer in producers for event in await producer.committed()]
        ends = await self.rows(
            "select e.commit_id as event, o.status from rowhook.outbox o"
            " join rowhook.event e on e.id = o.event_id"
        )
        rolled_back = set().union(*(producer.rolled_back for producer in producers)) - set(
            committed
        )
        return History(
            committed=tuple(committed),
            rolled_back=frozenset(rolled_back),
            arrivals=tuple(self.receiver.arrivals),
            ends={row["event"]: row["status"] for row in ends},
            allowed_duplicates=allowed_duplicates,
            ordered=frozenset(ordered),
        )

    async def checked_history(
        self, *producers: Producer, allowed_duplicates: int, ordered: tuple[str, ...] = ()
    ) -> History:
        """Returns the history after checking it and that no acknowledged commit is missing."""
        history = await self.history(
            *producers, allowed_duplicates=allowed_duplicates, ordered=ordered
        )
        assert violations(history) == []
        missing = {event for producer in producers for event in producer.acknowledged} - set(
            history.committed
        )
        assert missing == set(), "the database lost commits that it had acknowledged"
        return history


async def wait_until(
    holds: Callable[[], Awaitable[bool]], *, within_s: float = DEADLINE_S, description: str
) -> float:
    """Waits for a condition, also while the database is unreachable; returns the seconds."""
    begun = time.monotonic()
    while True:
        try:
            if await holds():
                return time.monotonic() - begun
        except psycopg.OperationalError:
            pass
        if time.monotonic() - begun > within_s:
            raise TimeoutError(f"{description} did not come about within {within_s:g} s")
        await asyncio.sleep(0.02)


async def create_scenario(dsn: str, folder: Path, receiver: RecordingReceiver) -> Scenario:
    """Creates the scenario on a migrated database."""
    organization = uuid4()
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        await connection.execute(
            "insert into rowhook.organization (id, name) values (%s, 'Acme')", (organization,)
        )
    return Scenario(
        dsn=dsn,
        receiver=receiver,
        folder=folder,
        organization=organization,
        master_key=generate_master_key(),
    )
