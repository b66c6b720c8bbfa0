"""Random links, unlinks and deletes over the API while jobs complete and a worker delivers.

Every request and every completing statement is recorded with the interval in which it took effect.
Afterwards each delivery, refusal and delete is checked against the links that definitely existed or
definitely not linked at that time. Where the intervals leave both possible, both are accepted.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import httpx
import pytest

from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from tests.support.calls import Api, running_api
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig, until

pytestmark = pytest.mark.anyio
CLIENTS, PRODUCERS, SLOTS = 8, 2, 4
DANGLING = """
  select count(*) from rowhook.link l
  where not exists (select from rowhook.webhook w where w.id = l.webhook_id)
     or not (exists (select from rowhook.agent a where a.id = l.agent_id)
             or exists (select from rowhook.goal g where g.id = l.goal_id))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A change that took effect between `began` and `ended`, in monotonic seconds."""

    began: float
    ended: float
    status: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Pair:
    """Every link and unlink of a webhook and an agent or goal that was answered with 204."""

    links: list[Span] = field(default_factory=list)
    unlinks: list[Span] = field(default_factory=list)

    def definitely_linked(self, span: Span) -> bool:
        """Linked before the span began, without an unlink that may have followed."""
        return any(
            link.ended <= span.began
            and all(u.ended < link.began or u.began > span.ended for u in self.unlinks)
            for link in self.links
        )

    def definitely_unlinked(self, span: Span) -> bool:
        """Unlinked before the span began, without a link that may have followed."""
        return all(link.began > span.ended for link in self.links) or any(
            unlink.ended <= span.began
            and all(link.ended < unlink.began or link.began > span.ended for link in self.links)
            for unlink in self.unlinks
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A completed job or a commit: its key, and its agent or goal."""

    key: str
    target: str
    span: Span


class Race:
    """The state of one run, and a record of its operations."""

    def __init__(self, rig: Rig, api: Api) -> None:
        self.rig, self.api, self.platform = rig, api, rig.platform
        self.rng = random.Random()  # noqa: S311  # not for cryptography
        self.names: dict[str, str] = {}
        self.paths: dict[str, str] = {}
        self.versions: dict[str, Any] = {}
        self.slots: list[str] = []
        self.pairs: defaultdict[tuple[str, str], Pair] = defaultdict(Pair)
        self.deletes: list[tuple[str, Span]] = []
        self.deleted: dict[str, Span] = {}
        self.created: dict[str, Span] = {}
        self.completions: list[Completion] = []
        self.stopped = asyncio.Event()

    async def set_up(self) -> None:
        for number in range(3):
            agent, version = uuid4(), uuid4()
            await self.platform.run(
                "insert into rowhook.agent values (%s, %s, %s)",
                agent,
                self.platform.organization,
                f"Agent {number}",
            )
            await self.platform.run(
                "insert into rowhook.agent_version values (%s, %s, 'v1')", version, agent
            )
            self.names[str(agent)], self.versions[str(agent)] = f"Agent {number}", version
            self.paths[str(agent)] = f"agents/{agent}"
        self.names[self.platform.goal] = "Goal"
        self.paths[self.platform.goal] = f"goals/{self.platform.goal}"
        self.slots = [await self.new_webhook(self.api) for _ in range(SLOTS)]

    async def timed(self, api: Api, method: str, path: str, body: Any = None) -> tuple[Span, Any]:
        began = time.monotonic()
        response = await api.call(method, path, body)
        ended = time.monotonic()
        document = response.json() if response.content else {}
        span = Span(
            began=began, ended=ended, status=response.status_code, errors=document.get("errors", [])
        )
        return span, document

    async def new_webhook(self, api: Api) -> str:
        url = f"{self.rig.receiver.url}/{uuid4()}"
        draft = {"name": "racer", "url": url, "organization_id": str(self.platform.organization)}
        span, body = await self.timed(api, "POST", "/webhooks", draft)
        assert span.status == 201, body
        self.created[body["id"]] = span
        return str(body["id"])

    async def link(self, api: Api, webhook: str, target: str, method: str) -> None:
        span, body = await self.timed(api, method, f"/webhooks/{webhook}/{self.paths[target]}")
        assert span.status in {204, 404}, body
        if span.status == 204:
            pair = self.pairs[webhook, target]
            (pair.links if method == "PUT" else pair.unlinks).append(span)

    async def delete(self, api: Api, slot: int) -> None:
        webhook = self.slots[slot]
        span, body = await self.timed(api, "DELETE", f"/webhooks/{webhook}")
        assert span.status in {204, 400, 404}, body
        self.deletes.append((webhook, span))
        if span.status == 204:
            assert webhook not in self.deleted
            self.deleted[webhook] = span
            self.slots[slot] = await self.new_webhook(api)

    async def client(self) -> None:
        """Links, unlinks and deletes at random, on its own connection."""
        async with httpx.AsyncClient(base_url=self.api.url, timeout=DEADLINE_S) as client:
            api = replace(self.api, client=client)
            while not self.stopped.is_set():
                slot = self.rng.randrange(SLOTS)
                step = self.rng.random()
                if step < 0.1:
                    for target in self.names:
                        await self.link(api, self.slots[slot], target, "DELETE")
                if step < 0.2:
                    await self.delete(api, slot)
                else:
                    target = self.rng.choice(list(self.names))
                    method = self.rng.choice(["PUT", "DELETE"])
                    await self.link(api, self.slots[slot], target, method)

    async def producer(self) -> None:
        """Completes jobs and commits as the platform does, on its own connection."""
        async with await connection_pool.connect(self.rig.dsn) as db:
            platform = Platform(db)
            platform.goal = self.platform.goal
            while not self.stopped.is_set():
                target = self.rng.choice(list(self.names))
                if target in self.versions:
                    platform.version = self.versions[target]
                    job = await platform.job("running")
                    began = time.monotonic()
                    await platform.finish(job)
                    key = str(job)
                else:
                    began = time.monotonic()
                    key = await platform.commit()
                span = Span(began=began, ended=time.monotonic())
                self.completions.append(Completion(key=key, target=target, span=span))
                # Slow enough for the one worker.
                await asyncio.sleep(0.01)

    async def watcher(self) -> None:
        """Checks continuously that no link is dangling."""
        async with await connection_pool.connect(self.rig.dsn) as db:
            while not self.stopped.is_set():
                assert await Platform(db).value(DANGLING) == 0
                await asyncio.sleep(0.02)

    async def run(self, completions: int) -> None:
        """Runs until there are enough completions, refused deletes and successful deletes."""

        async def enough() -> bool:
            refused = any(span.status == 400 for _, span in self.deletes)
            return len(self.completions) >= completions and refused and bool(self.deleted)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(CLIENTS):
                tasks.create_task(self.client())
            for _ in range(PRODUCERS):
                tasks.create_task(self.producer())
            tasks.create_task(self.watcher())
            await until(enough, within=10 * DEADLINE_S, description="enough operations")
            self.stopped.set()

    def alive(self, span: Span) -> list[str]:
        """The webhooks that may have existed during a span."""
        return [
            webhook
            for webhook, created in self.created.items()
            if created.began <= span.ended
            and (webhook not in self.deleted or self.deleted[webhook].ended >= span.began)
        ]


@pytest.fixture
async def race(dsn: str, pool: Pool, platform: Platform) -> AsyncIterator[Race]:
    async with Receiver() as receiver, running_api(dsn, size=CLIENTS) as api:
        rig = Rig(dsn, pool, platform, receiver)
        rig.keyring = api.server_ctx.ctx.keyring
        created = Race(rig, api)
        await created.set_up()
        yield created


def check_deletes(race: Race) -> int:
    """Checks that refused deletes are 400 and name the links; returns their number."""
    refused = 0
    for webhook, span in race.deletes:
        reported = {error["id"]: error["name"] for error in span.errors}
        linked = {
            linked_target
            for linked_target in race.names
            if race.pairs[webhook, linked_target].definitely_linked(span)
        }
        if span.status == 204:
            assert not linked
        if span.status == 400:
            refused += 1
            assert reported
            assert linked <= set(reported)
            assert reported == {target: race.names[target] for target in reported}
            for target in reported:
                assert not race.pairs[webhook, target].definitely_unlinked(span)
    return refused


def check_deliveries(race: Race, queued: set[tuple[str, str]]) -> tuple[int, int]:
    """Checks the deliveries against the links; returns the numbers of definite cases."""
    linked = unlinked = 0
    for completion in race.completions:
        for webhook in race.alive(completion.span):
            pair = race.pairs[webhook, completion.target]
            if pair.definitely_linked(completion.span):
                linked += 1
                assert (completion.key, webhook) in queued
            if pair.unlinks and pair.definitely_unlinked(completion.span):
                unlinked += 1
                assert (completion.key, webhook) not in queued
    for completion in race.completions:
        for webhook in set(race.created) - set(race.alive(completion.span)):
            assert (completion.key, webhook) not in queued
    return linked, unlinked


async def wait_until_finished(race: Race) -> list[dict[str, Any]]:
    """Waits until all deliveries have finished and returns them."""

    async def ended() -> bool:
        return not await race.platform.value(
            "select count(*) from rowhook.outbox where status not in ('delivered', 'cancelled')"
        )

    await until(ended, description="all deliveries finished")
    return await race.platform.rows(
        "select e.key, o.webhook_id::text as webhook, o.status, r.configuration ->> 'url' as url"
        " from rowhook.outbox o join rowhook.event e on e.id = o.event_id"
        " join rowhook.webhook_revision r on r.webhook_id = o.webhook_id and r.revision = 1"
    )


@pytest.mark.parametrize(
    "completions", [200, pytest.param(3_000, marks=[pytest.mark.battery, pytest.mark.faults])]
)
async def test_links_stay_consistent_under_concurrent_links_unlinks_and_deletes(
    race: Race, completions: int
) -> None:
    async with race.rig.worker():
        await race.run(completions)
        rows = await wait_until_finished(race)
    queued = {(row["key"], row["webhook"]) for row in rows}
    assert len(queued) == len(rows)
    refused = check_deletes(race)
    linked, unlinked = check_deliveries(race, queued)
    origin = race.rig.receiver.url
    received = {
        (request.header("Idempotency-Key"), origin + request.path)
        for request in race.rig.receiver.requests
    }
    assert received <= {(row["key"], row["url"]) for row in rows}
    assert received >= {(row["key"], row["url"]) for row in rows if row["status"] == "delivered"}
    assert await race.platform.value(DANGLING) == 0
    # Every kind of checked operation occurred.
    assert min(refused, len(race.deleted), linked, unlinked, len(received)) > 0
