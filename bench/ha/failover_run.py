"""Kills the leader repeatedly under load, and counts lost and repeated deliveries."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench.ha.commit_load import GOAL, Load, Receiver, load, receiver
from bench.ha.patroni_cluster import Cluster, free_port, wait_until
from bench.throughput import process
from rowhook.cli import startup
from rowhook.cli.options import child_environment
from rowhook.cli.startup import Database, migrate_and_grant
from rowhook.render.configuration import Configuration
from rowhook.services import links, webhooks
from rowhook.settings import Settings

_ORGANIZATION = UUID("00000000-0000-4000-8000-0000000000ab")
_DATABASE = "rowhook"
_WORKERS, _APIS = 3, 2
_LOGINS = (
    "create role rowhook_owner login createrole",
    "create role rowhook_service login",
    "create role platform login",
    f"create database {_DATABASE} owner rowhook_owner encoding 'UTF8' template template0",
)
_UNFINISHED = (
    "select (select count(*) from rowhook.outbox where finished_at is null)"
    " + (select count(*) from rowhook.capture_gap)"
)
_READY = "200"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """The seconds of one failover."""

    kill_to_promote_s: float
    promote_to_delivery_s: float
    promote_to_apis_ready_s: float


@dataclass(slots=True)
class Probes:
    """Whether each API answers /readyz with 200."""

    answers: dict[int, str] = field(default_factory=dict)

    async def run(self, ports: list[int], say: Say) -> None:
        """Asks until it is cancelled, and reports changes."""
        while True:
            answers = await asyncio.gather(*(asyncio.to_thread(_probe, port) for port in ports))
            for number, (port, answer) in enumerate(zip(ports, answers, strict=True), 1):
                if self.answers.get(port) != answer:
                    say(f"API {number}: /readyz: {answer}")
                self.answers[port] = answer
            await asyncio.sleep(0.1)

    async def all_ready(self) -> bool:
        """Whether each API answered 200 last."""
        return bool(self.answers) and set(self.answers.values()) == {_READY}


def _probe(port: int) -> str:
    """Returns the status of /readyz, or the reason why there is none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as response:
            return str(response.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError:
        return "no answer"


@dataclass(slots=True, kw_only=True)
class Run:
    """A cluster under load, with its workers and APIs."""

    cluster: Cluster
    load: Load
    receiver: Receiver
    probes: Probes
    processes: list[Process]
    say: Say

    async def fail_over(self) -> Failover:
        """Kills the leader and waits until everything works again and the killed node follows."""
        leader, standby = await self.cluster.leader()
        self.say(f"kill -9 of Patroni and PostgreSQL on node {leader.name}")
        leader.kill()
        killed = time.monotonic()
        await wait_until(standby.is_writable, "a promotion", poll_s=0.01)
        promoted = time.monotonic()
        self.say(f"node {standby.name} is promoted")
        first_s = await self.receiver.first_after(promoted)
        self.say(f"first delivery, {first_s:.2f} s after the promotion")
        await wait_until(self._are_apis_ready, "every API ready")
        ready_s = time.monotonic() - promoted
        await self.cluster.restart_node(leader)
        await wait_until(self.cluster.is_synchronous, "a synchronous standby", poll_s=0.2)
        self.say(f"node {leader.name} is a synchronous standby")
        return Failover(
            kill_to_promote_s=promoted - killed,
            promote_to_delivery_s=first_s,
            promote_to_apis_ready_s=ready_s,
        )

    async def _are_apis_ready(self) -> bool:
        """Whether each API is ready. Raises RuntimeError if a process has ended."""
        if any(child.returncode is not None for child in self.processes):
            raise RuntimeError("A worker or an API ended; its log is below.")
        return await self.probes.all_ready()

    async def totals(self) -> dict[str, int]:
        """Waits until nothing is unfinished, and compares commits, deliveries and arrivals."""
        leader, _ = await self.cluster.leader()
        async with await psycopg.AsyncConnection.connect(
            leader.dsn(_DATABASE), autocommit=True
        ) as connection:

            async def drained() -> bool:
                cursor = await connection.execute(_UNFINISHED)
                return await cursor.fetchone() == (0,)

            await wait_until(drained, "an outbox without anything unfinished", poll_s=0.2)
            cursor = await connection.execute("select id from rowhook.commit")
            commits = {row[0] for row in await cursor.fetchall()}
            cursor = await connection.execute("select key, status from rowhook.delivery")
            deliveries: dict[str, str] = dict(await cursor.fetchall())
        return {
            "commits": len(commits),
            "acknowledged_and_lost": len(set(self.load.acknowledged) - commits),
            "not_captured": len(commits) - len(deliveries),
            "not_delivered": len(set(deliveries) - set(self.receiver.arrivals))
            + sum(status != "delivered" for status in deliveries.values()),
            "not_committed_but_sent": len(set(self.receiver.arrivals) - set(deliveries)),
            "sent_twice": self.receiver.repeated,
            "processes_ended": sum(child.returncode is not None for child in self.processes),
        }


async def _prepare(cluster: Cluster, settings: Settings, port: int) -> Database:
    """Creates the logins, migrates as the owner, and links a webhook to the goal of the load."""
    leader, _ = await cluster.leader()
    async with await psycopg.AsyncConnection.connect(leader.dsn(), autocommit=True) as superuser:
        for statement in _LOGINS:
            await superuser.execute(statement.encode())
    service = cluster.dsn("rowhook_service", _DATABASE)
    owner = Database(
        dsn=service,
        direct=cluster.dsn("rowhook_owner", _DATABASE),
        pooler=False,
        embedded=False,
    )
    await migrate_and_grant(settings, owner)
    async with await psycopg.AsyncConnection.connect(owner.direct, autocommit=True) as connection:
        await connection.execute("grant rowhook_producer to platform")
        await connection.execute(
            "insert into rowhook.organization (id, name) values (%s, 'Failover')", (_ORGANIZATION,)
        )
        await connection.execute(
            "insert into rowhook.goal (id, organization_id) values (%s, %s)", (GOAL, _ORGANIZATION)
        )
    database = replace(owner, direct=service)
    async with startup.keyring_context(settings, database) as ctx:
        configuration = Configuration(name=GOAL, url=f"http://127.0.0.1:{port}/")
        webhook = await webhooks.create_webhook(ctx, _ORGANIZATION, configuration)
        await links.link_goal(ctx, webhook.id, GOAL)
    return database


@asynccontextmanager
async def _running(
    cluster: Cluster, settings: Settings, rate: float, say: Say
) -> AsyncIterator[Run]:
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(receiver())
        database = await _prepare(cluster, settings, log.port)
        commits = await stack.enter_async_context(load(cluster.dsn("platform", _DATABASE), rate))
        probes = Probes()
        ports = [free_port() for _ in range(_APIS)]
        commands = [("worker", settings)] * _WORKERS
        commands += [("api", replace(settings, port=port)) for port in ports]
        processes = [
            await stack.enter_async_context(
                process("rowhook", verb, environment=child_environment(database.dsn, own))
            )
            for verb, own in commands
        ]
        task = asyncio.create_task(probes.run(ports, say))
        stack.callback(task.cancel)
        await wait_until(probes.all_ready, "every API ready")
        await log.first_after(time.monotonic())
        yield Run(
            cluster=cluster,
            load=commits,
            receiver=log,
            probes=probes,
            processes=processes,
            say=say,
        )


async def measure(
    cluster: Cluster, settings: Settings, *, kills: int, rate: float, say: Say
) -> dict[str, Any]:
    """Kills the leader `kills` times at `rate` commits a second."""
    say(f"{_WORKERS} workers and {_APIS} APIs start")
    async with _running(cluster, settings, rate, say) as run:
        failovers = []
        for _ in range(kills):
            failovers.append(await run.fail_over())
            # Some load between two failovers.
            await asyncio.sleep(3)
        # Then nothing new is committed.
        run.load.stopped = True
        totals = await run.totals()
    return {"failovers": failovers, "totals": totals, "lost_connections": run.load.errors}


def data_folder(folder: Path) -> Path:
    """Returns the folder of a cluster below a temporary folder that others may enter."""
    folder.chmod(0o711)
    inner = folder / "cluster"
    inner.mkdir()
    return inner
