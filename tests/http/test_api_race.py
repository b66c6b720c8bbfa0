"""Linked, unlinked and deleted at random over the API while jobs complete and a worker delivers.

Every request and every completing statement is kept with the times between which it took effect;
afterwards each delivery, each refusal and each delete is judged against what must have been linked
then, and what cannot have been. Where the times leave both possible, both are right.
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
CLIENTS, PRODUCERS, PLACES = 8, 2, 4
DANGLING = """
  select count(*) from rowhook.link l
  where not exists (select from rowhook.webhook w where w.id = l.webhook_id)
     or not (exists (select from rowhook.agent a where a.id = l.agent_id)
             or exists (select from rowhook.goal g where g.id = l.goal_id))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What took effect at some moment between `began` and `ended`, in monotonic seconds."""

    began: float
    ended: float
    status: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Pair:
    """One webhook and one agent or goal: every link and unlink that was answered with 204."""

    links: list[Span] = field(default_factory=list)
    unlinks: list[Span] = field(default_factory=list)

    def surely_linked(self, span: Span) -> bool:
        """Linked before the span began, and no unlink that may have come after the link."""
        return any(
            made.ended <= span.began
            and all(u.ended < made.began or u.began > span.ended for u in self.unlinks)
            for made in self.links
        )

    def surely_unlinked(self, span: Span) -> bool:
        """Unlinked before the span began, and no link that may have come after the unlink."""
        return all(made.began > span.ended for made in self.links) or any(
            gone.ended <= span.began
            and all(made.ended < gone.began or made.began > span.ended for made in self.links)
            for gone in self.unlinks
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A job that completed or a commit: its key, and whose it is."""

    key: str
    target: str
    span: Span


class Race:
    """The world of one run, and all that happened in it."""

    def __init__(self, rig: Rig, api: Api) -> None:
        self.rig, self.api, self.platform = rig, api, rig.platform
        self.chance = random.Random()  # noqa: S311  # what happens next, no secret
        self.names: dict[str, str] = {}
        self.paths: dict[str, str] = {}
        self.versions: dict[str, Any] = {}
        self.places: list[str] = []
        self.pairs: defaultdict[tuple[str, str], Pair] = defaultdict(Pair)
        self.deletes: list[tuple[str, Span]] = []
        self.deleted: dict[str, Span] = {}
        self.made: dict[str, Span] = {}
        self.completions: list[Completion] = []
        self.over = asyncio.Event()

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
        self.places = [await self.new_webhook(self.api) for _ in range(PLACES)]

    async def timed(self, api: Api, method: str, path: str, body: Any = None) -> tuple[Span, Any]:
        began = time.monotonic()
        answer = await api.call(method, path, body)
        ended = time.monotonic()
        shown = answer.json() if answer.content else {}
        span = Span(
            began=began, ended=ended, status=answer.status_code, errors=shown.get("errors", [])
        )
        return span, shown

    async def new_webhook(self, api: Api) -> str:
        url = f"{self.rig.receiver.url}/{uuid4()}"
        draft = {"name": "racer", "url": url, "organization_id": str(self.platform.organization)}
        span, shown = await self.timed(api, "POST", "/webhooks", draft)
        assert span.status == 201, shown
        self.made[shown["id"]] = span
        return str(shown["id"])

    async def link(self, api: Api, webhook: str, target: str, method: str) -> None:
        span, shown = await self.timed(api, method, f"/webhooks/{webhook}/{self.paths[target]}")
        assert span.status in {204, 404}, shown
        if span.status == 204:
            pair = self.pairs[webhook, target]
            (pair.links if method == "PUT" else pair.unlinks).append(span)

    async def delete(self, api: Api, place: int) -> None:
        webhook = self.places[place]
        span, shown = await self.timed(api, "DELETE", f"/webhooks/{webhook}")
        assert span.status in {204, 400, 404}, shown
        self.deletes.append((webhook, span))
        if span.status == 204:
            assert webhook not in self.deleted
            self.deleted[webhook] = span
            self.places[place] = await self.new_webhook(api)

    async def client(self) -> None:
        """One client on a connection of its own."""
        async with httpx.AsyncClient(base_url=self.api.url, timeout=DEADLINE_S) as client:
            api = replace(self.api, client=client)
            while not self.over.is_set():
                place = self.chance.randrange(PLACES)
                step = self.chance.random()
                if step < 0.1:
                    for target in self.names:
                        await self.link(api, self.places[place], target, "DELETE")
                if step < 0.2:
                    await self.delete(api, place)
                else:
                    target = self.chance.choice(list(self.names))
                    method = self.chance.choice(["PUT", "DELETE"])
                    await self.link(api, self.places[place], target, method)

    async def producer(self) -> None:
        """The platform: jobs that complete and commits, on a connection of its own."""
        async with await connection_pool.connect(self.rig.dsn) as db:
            platform = Platform(db)
            platform.goal = self.platform.goal
            while not self.over.is_set():
                target = self.chance.choice(list(self.names))
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
                # A pace that one worker beside all this keeps up with.
                await asyncio.sleep(0.01)

    async def watcher(self) -> None:
        """No link dangles, at any moment."""
        async with await connection_pool.connect(self.rig.dsn) as db:
            while not self.over.is_set():
                assert await Platform(db).value(DANGLING) == 0
                await asyncio.sleep(0.02)

    async def run(self, completions: int) -> None:
        """Races until so many jobs and commits have come, and some deletes of either answer."""

        async def enough() -> bool:
            refused = any(span.status == 400 for _, span in self.deletes)
            return len(self.completions) >= completions and refused and bool(self.deleted)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(CLIENTS):
                tasks.create_task(self.client())
            for _ in range(PRODUCERS):
                tasks.create_task(self.producer())
            tasks.create_task(self.watcher())
            await until(enough, within=10 * DEADLINE_S, what="enough to judge")
            self.over.set()

    def alive(self, span: Span) -> list[str]:
        """The webhooks that may have been there during a span."""
        return [
            webhook
            for webhook, made in self.made.items()
            if made.began <= span.ended
            and (webhook not in self.deleted or self.deleted[webhook].ended >= span.began)
        ]


@pytest.fixture
async def race(dsn: str, pool: Pool, platform: Platform) -> AsyncIterator[Race]:
    async with Receiver() as receiver, running_api(dsn, size=CLIENTS) as api:
        rig = Rig(dsn, pool, platform, receiver)
        rig.keyring = api.server_ctx.ctx.keyring
        made = Race(rig, api)
        await made.set_up()
        yield made


def judge_deletes(race: Race) -> int:
    """A refused delete is a 400 that names what is linked; how many there were."""
    refused = 0
    for webhook, span in race.deletes:
        named = {one["id"]: one["name"] for one in span.errors}
        linked = {t for t in race.names if race.pairs[webhook, t].surely_linked(span)}
        if span.status == 204:
            assert not linked
        if span.status == 400:
            refused += 1
            assert named
            assert linked <= set(named)
            assert named == {target: race.names[target] for target in named}
            for target in named:
                assert not race.pairs[webhook, target].surely_unlinked(span)
    return refused


def judge_deliveries(race: Race, queued: set[tuple[str, str]]) -> tuple[int, int]:
    """What was surely linked was sent, what was surely unlinked was not; how many of each."""
    linked = unlinked = 0
    for one in race.completions:
        for webhook in race.alive(one.span):
            pair = race.pairs[webhook, one.target]
            if pair.surely_linked(one.span):
                linked += 1
                assert (one.key, webhook) in queued
            if pair.unlinks and pair.surely_unlinked(one.span):
                unlinked += 1
                assert (one.key, webhook) not in queued
    for one in race.completions:
        for webhook in set(race.made) - set(race.alive(one.span)):
            assert (one.key, webhook) not in queued
    return linked, unlinked


async def settled(race: Race) -> list[dict[str, Any]]:
    """Every delivery, when all have ended."""

    async def ended() -> bool:
        return not await race.platform.value(
            "select count(*) from rowhook.outbox where status not in ('delivered', 'cancelled')"
        )

    await until(ended, what="the end of every delivery")
    return await race.platform.rows(
        "select e.key, o.webhook_id::text as webhook, o.status, r.configuration ->> 'url' as url"
        " from rowhook.outbox o join rowhook.event e on e.id = o.event_id"
        " join rowhook.webhook_revision r on r.webhook_id = o.webhook_id and r.revision = 1"
    )


@pytest.mark.parametrize(
    "completions", [200, pytest.param(3_000, marks=[pytest.mark.battery, pytest.mark.faults])]
)
async def test_links_hold_while_everybody_links_unlinks_and_deletes(
    race: Race, completions: int
) -> None:
    async with race.rig.worker():
        await race.run(completions)
        rows = await settled(race)
    queued = {(row["key"], row["webhook"]) for row in rows}
    assert len(queued) == len(rows)
    refused = judge_deletes(race)
    linked, unlinked = judge_deliveries(race, queued)
    origin = race.rig.receiver.url
    sent = {
        (one.header("Idempotency-Key"), origin + one.path) for one in race.rig.receiver.requests
    }
    assert sent <= {(row["key"], row["url"]) for row in rows}
    assert sent >= {(row["key"], row["url"]) for row in rows if row["status"] == "delivered"}
    assert await race.platform.value(DANGLING) == 0
    # The run was one: everything that is judged did happen.
    assert min(refused, len(race.deleted), linked, unlinked, len(sent)) > 0
