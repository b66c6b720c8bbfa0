"""A sample platform: an organization with an agent and a goal, and its statements in SQL."""

from __future__ import annotations

import json
from copy import copy
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from rowhook.db import engine
from rowhook.db.connection_pool import Pool
from rowhook.db.engine import Outlook

DEFAULTS = {
    "name": "webhook",
    "kind": "http",
    "url": "http://127.0.0.1:9/",
    "method": "POST",
    "metadata": {},
    "headers": {},
    "raw_payload": False,
    "event_types": [],
    "timeout_s": 15,
    "max_in_flight": 1000,
    "ordered": False,
    "retry_schedule_s": [0, 5, 300],
}


class Platform:
    """An organization, an agent with a version, and a goal."""

    def __init__(self, db: psycopg.AsyncConnection) -> None:
        self.db = db
        self.organization = uuid4()
        self.agent = uuid4()
        self.version = uuid4()
        self.goal = f"goal_{uuid4().hex[:8]}"

    async def set_up(self) -> None:
        await self.run("insert into rowhook.organization values (%s, 'Acme')", self.organization)
        await self.run(
            "insert into rowhook.agent values (%s, %s, 'Ann')", self.agent, self.organization
        )
        await self.run(
            "insert into rowhook.agent_version values (%s, %s, 'v1')", self.version, self.agent
        )
        await self.run(
            "insert into rowhook.goal values (%s, %s, 'template_1', 'Goal')",
            self.goal,
            self.organization,
        )

    def with_connection(self, db: psycopg.AsyncConnection) -> Platform:
        """Returns the same platform with another connection."""
        other = copy(self)
        other.db = db
        return other

    async def run(self, query: LiteralString, *parameters: object) -> int:
        return (await self.db.execute(query, parameters)).rowcount

    async def rows(self, query: LiteralString, *parameters: object) -> list[dict[str, Any]]:
        async with self.db.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, parameters)
            return await cursor.fetchall()

    async def value(self, query: LiteralString, *parameters: object) -> Any:
        return next(iter((await self.rows(query, *parameters))[0].values()))

    async def webhook(self, **fields: Any) -> UUID:
        """Creates a webhook without links; its signing secret cannot be opened."""
        webhook = uuid4()
        await self.value(
            "select rowhook.create_webhook(%s::json, %s, %s, '{}', %s)",
            json.dumps(DEFAULTS | fields),
            self.organization,
            webhook,
            b"sealed",
        )
        return webhook

    async def webhook_of_goal(self, **fields: Any) -> UUID:
        webhook = await self.webhook(**fields)
        await self.value("select rowhook.link_goal(%s, %s)", webhook, self.goal)
        return webhook

    async def webhook_of_agent(self, **fields: Any) -> UUID:
        webhook = await self.webhook(**fields)
        await self.value("select rowhook.link_agent(%s, %s)", webhook, self.agent)
        return webhook

    async def commit(self, data: str | None = '{"n": 1}', session: str | None = None) -> str:
        commit_id: str = await self.value(
            "insert into rowhook.commit (goal_id, session_id, data)"
            " values (%s, %s, %s) returning id",
            self.goal,
            session,
            data,
        )
        return commit_id

    async def job(self, status: str = "running", **columns: Any) -> UUID:
        job_id: UUID = await self.value(
            "insert into rowhook.job (agent_version_id, status, output, cost)"
            " values (%s, %s, %s, %s) returning id",
            self.version,
            status,
            columns.get("output"),
            columns.get("cost"),
        )
        return job_id

    async def finish(self, job: UUID, status: str = "succeeded") -> None:
        await self.run("update rowhook.job set status = %s where id = %s", status, job)

    async def deliveries(self) -> list[dict[str, Any]]:
        return await self.rows("select * from rowhook.outbox order by id")

    async def claim(
        self,
        pool: Pool,
        worker: UUID | None = None,
        *,
        batch: int = 64,
        lease_s: float = 20,
        sweep: bool = False,
    ) -> list[Any]:
        claimed = await engine.claim(
            pool,
            worker or uuid4(),
            batch=batch,
            per_lane=4,
            after=None,
            lease=timedelta(seconds=lease_s),
            sweep=sweep,
        )
        return claimed.claims

    async def outlook(self, pool: Pool) -> Outlook:
        """Claims as a worker that falls asleep; returns the next thing to wait for."""
        claimed = await engine.claim(
            pool,
            uuid4(),
            batch=64,
            per_lane=4,
            after=None,
            lease=timedelta(seconds=20),
            sweep=False,
            falls_asleep=True,
        )
        return claimed.outlook

    async def record(self, pool: Pool, claim: Any, outcome: str, **fields: Any) -> bool:
        """Records a result; returns whether it was accepted."""
        result = {
            "outbox_id": claim.outbox_id,
            "token": claim.token,
            "revision": claim.revision,
            "secrets_version": claim.secrets_version,
            "outcome": outcome,
            "started_at": "2026-01-01T00:00:00Z",
            "duration_ms": 1.5,
            **fields,
        }
        return bool(
            await engine.record(
                pool, json.dumps([result]).encode(), all_delivered=outcome == "delivered"
            )
        )


async def other_platform(platform: Platform) -> Platform:
    """Creates a platform of another organization in the same database."""
    other = Platform(platform.db)
    await other.set_up()
    return other
