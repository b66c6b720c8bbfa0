"""A worker in this process with a real PostgreSQL and a real receiver."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from rowhook.db import connection_pool
from rowhook.db.connection_pool import Pool
from rowhook.db.statements import TenantPool
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.transport import GuardedTransport
from rowhook.render.configuration import Configuration
from rowhook.render.renderer import Renderer
from rowhook.security.vault import Keyring, generate_master_key
from rowhook.services import links
from rowhook.services.context import KeyringContext
from rowhook.services.webhook_cache import WebhookCache
from rowhook.services.webhook_documents import Webhook
from rowhook.services.webhooks import change_webhook, create_webhook
from rowhook.worker.maintenance import WorkerOptions
from rowhook.worker.pipeline import Worker
from tests.support.certificates import trust
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform

LOOPBACK = EgressPolicy(allow_networks=(ipaddress.ip_network("127.0.0.0/8"),))


async def until(
    holds: Callable[[], Awaitable[bool]],
    *,
    within: float = DEADLINE_S,
    description: str = "the condition",
) -> None:
    """Waits until a condition holds; raises TimeoutError after `within` seconds.

    After a wait of 0.4 s the condition is tested a third as often, since most are queries.
    """
    begun = time.monotonic()
    while not await holds():
        waited = time.monotonic() - begun
        if waited > within:
            raise TimeoutError(f"{description} did not come true within {within:g} s")
        await asyncio.sleep(min(0.01 + waited / 20, 0.03))


class Rig:
    """The platform, the receiver and the settings of an end-to-end test."""

    def __init__(
        self,
        dsn: str,
        pool: Pool,
        platform: Platform,
        receiver: Receiver,
        *,
        role_prefix: str = "rowhook",
    ) -> None:
        self.dsn = dsn
        self.worker_role = f"{role_prefix}_worker"
        self.platform = platform
        self.receiver = receiver
        self.keyring = Keyring(generate_master_key())
        entry = TenantPool(pool=pool, organization=None, actor="a test")
        self.ctx = KeyringContext(
            pool=entry,
            keyring=self.keyring,
            policy=LOOPBACK,
            renderer=Renderer(LOOPBACK),
            brand="Roxels",
        )

    async def webhook(self, path: str = "/hook", **fields: Any) -> Webhook:
        """Creates a webhook of the goal that calls the receiver."""
        configuration = Configuration(name=path, url=f"{self.receiver.url}{path}", **fields)
        saved = await create_webhook(self.ctx, self.platform.organization, configuration)
        await links.link_goal(self.ctx, saved.id, self.platform.goal)
        return saved

    async def change(self, webhook: UUID, path: str = "/hook", **fields: Any) -> None:
        configuration = Configuration(name=path, url=f"{self.receiver.url}{path}", **fields)
        await change_webhook(self.ctx, webhook, configuration)

    @asynccontextmanager
    async def idle_worker(
        self,
        *,
        lease_s: float = 20,
        listen: bool = True,
        policy: EgressPolicy = LOOPBACK,
        transport: GuardedTransport | None = None,
    ) -> AsyncIterator[Worker]:
        """A worker that does not run yet, with `transport` if one is passed."""
        options = WorkerOptions(
            lease=timedelta(seconds=lease_s), listen_dsn=self.dsn if listen else None
        )
        async with (
            connection_pool.open_pool(self.dsn, size=4, role=self.worker_role) as pool,
            transport or GuardedTransport(policy, limit=2048, trust=trust()) as opened,
        ):
            webhooks = WebhookCache(pool, self.keyring, brand="Roxels")
            yield Worker(pool, webhooks, opened, policy, options)

    @asynccontextmanager
    async def worker(self, **options: Any) -> AsyncIterator[Worker]:
        """A running worker with the options of an idle one; stopped and drained at the exit."""
        async with self.idle_worker(**options) as worker:
            running = asyncio.create_task(worker.run())
            try:
                yield worker
            finally:
                worker.stop()
                await running

    async def nothing_waits(self) -> bool:
        query = "select count(*) from rowhook.outbox where status in ('pending', 'sending')"
        return bool(await self.platform.value(query) == 0)

    async def reaches(
        self, status: str, *, count: int = 1, within: float = DEADLINE_S
    ) -> list[dict[str, Any]]:
        """Waits until `count` deliveries have a status; returns all deliveries."""

        async def there() -> bool:
            rows = await self.platform.deliveries()
            reached: int = sum(row["status"] == status for row in rows)
            return reached >= count

        await until(there, within=within, description=f"{count} deliveries {status}")
        return await self.platform.deliveries()
