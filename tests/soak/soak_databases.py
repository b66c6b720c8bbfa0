"""Two databases of one server with the same configuration."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from rowhook.db import connection_pool
from rowhook.db.statements import TenantPool
from rowhook.render.configuration import Configuration
from rowhook.render.renderer import Renderer
from rowhook.security.vault import Keyring
from rowhook.services import links
from rowhook.services.context import KeyringContext
from rowhook.services.webhooks import create_webhook, set_state
from tests.faults.recording_receiver import RecordingReceiver
from tests.support.commands import environment
from tests.support.deadline import DEADLINE_S
from tests.support.worker_rig import LOOPBACK, until

ORGANIZATIONS, WEBHOOKS = 10, 100
# The last webhook is paused. Live commits go to the first and second of each organization.
PAUSED, LIVE = WEBHOOKS - 1, 2 * ORGANIZATIONS
# More than the data covers, so that the schedule of a worker removes nothing.
KEPT_DAYS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A migrated database with organizations and webhooks, each with its own goal."""

    dsn: str
    master_key: str
    organizations: list[UUID]
    webhooks: list[UUID]
    goals: list[str]

    async def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Executes a statement as the superuser and returns its rows."""
        async with await connection_pool.connect(self.dsn) as connection:
            cursor = await connection.execute(query.encode(), parameters or None)
            return await cursor.fetchall() if cursor.description else []

    async def value(self, query: str, *parameters: object) -> Any:
        return (await self.rows(query, *parameters))[0][0]

    @asynccontextmanager
    async def process(
        self, folder: Path, command: str, *, dsn: str | None = None, **variables: str
    ) -> AsyncIterator[Path]:
        """Runs `rowhook worker` or `rowhook api` and yields its log; stopped at the exit."""
        log = folder / f"{command}-{uuid4().hex[:8]}.log"
        settings = {
            "DATABASE_URL": dsn or self.dsn,
            "ROWHOOK_MASTER_KEYS": self.master_key,
            "ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            "ROWHOOK_RETENTION_DAYS": str(KEPT_DAYS),
            **variables,
        }
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                "python",
                "-m",
                "rowhook",
                command,
                env=environment(folder, **settings),
                stdout=file,
                stderr=file,
                cwd=folder,
            )
        try:
            yield log
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                async with asyncio.timeout(DEADLINE_S):
                    await process.wait()
            except TimeoutError:
                os.kill(process.pid, signal.SIGKILL)
                await process.wait()
                raise

    @asynccontextmanager
    async def worker(
        self, folder: Path, *, dsn: str | None = None, **variables: str
    ) -> AsyncIterator[None]:
        """Runs a worker process; entered when it is registered."""

        async def lives() -> bool:
            return bool(await self.value("select count(*) from rowhook.worker"))

        async with self.process(folder, "worker", dsn=dsn, **variables):
            await until(lives, description="the start of the worker")
            yield


async def install(dsn: str, receiver: RecordingReceiver, master_key: str) -> Installation:
    """Creates organizations and webhooks in a migrated database, linked two months ago."""
    organizations = [uuid4() for _ in range(ORGANIZATIONS)]
    goals = [f"goal_{n:03d}" for n in range(WEBHOOKS)]
    async with connection_pool.open_pool(dsn, size=1) as pool:
        async with pool.connection() as connection:
            for n, organization in enumerate(organizations):
                await connection.execute(
                    "insert into rowhook.organization (id, name) values (%s, %s)",
                    (organization, f"Organization {n}"),
                )
            await connection.execute(
                "insert into rowhook.goal (id, organization_id)"
                " select goal, ids[1 + (place - 1) %% cardinality(ids)]"
                " from (select %s::uuid[]) as o (ids),"
                " unnest(%s::text[]) with ordinality as g (goal, place)",
                (organizations, goals),
            )
        ctx = KeyringContext(
            pool=TenantPool(pool=pool, organization=None, actor="the soak"),
            keyring=Keyring(master_key),
            policy=LOOPBACK,
            renderer=Renderer(LOOPBACK),
            brand="Roxels",
        )
        webhooks = []
        for n, goal in enumerate(goals):
            configuration = Configuration(
                name=goal, url=f"{receiver.url}/{goal}", raw_payload=True, max_in_flight=200
            )
            saved = await create_webhook(ctx, organizations[n % ORGANIZATIONS], configuration)
            await links.link_goal(ctx, saved.id, goal)
            webhooks.append(saved.id)
        await set_state(ctx, webhooks[PAUSED], "paused")
    installation = Installation(
        dsn=dsn, master_key=master_key, organizations=organizations, webhooks=webhooks, goals=goals
    )
    # Heal sends no events older than a link, so the links are backdated.
    await installation.rows("update rowhook.link set created_at = now() - interval '60 days'")
    await installation.rows("update rowhook.source set installed_at = now() - interval '60 days'")
    return installation
