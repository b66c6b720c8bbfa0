"""The API over real HTTP on loopback, and calls that read as sentences, for tests."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from aiohappyeyeballs import AddrInfoType

from rowhook.db import connection_pool
from rowhook.egress.connection_guard import make_connector
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.transport import GuardedTransport
from rowhook.render.renderer import Renderer
from rowhook.security.vault import Keyring, generate_master_key
from rowhook.services import access
from rowhook.services.access import SCOPES, Scope
from rowhook.services.context import KeyringContext, ServerContext
from tests.support.api_server import serve_api
from tests.support.certificates import trust
from tests.support.deadline import DEADLINE_S

ADMIN_KEY = "rhk_" + "a" * 40
LOOPBACK = EgressPolicy(allow_networks=(ipaddress.ip_network("127.0.0.0/8"),))
DRAFT: dict[str, Any] = {"name": "CRM", "url": "https://crm.example.com/hook"}


@dataclass(slots=True, kw_only=True)
class Api:
    """A running API. Calls go out with the operator's key unless another is given."""

    url: str
    server_ctx: ServerContext
    client: httpx.AsyncClient
    key: str = ADMIN_KEY
    keys: dict[str, str] = field(default_factory=dict)

    async def call(
        self, method: str, path: str, json: Any = None, *, key: str | None = None, **options: Any
    ) -> httpx.Response:
        """One call under /v1; `key=""` sends none."""
        given = self.key if key is None else key
        headers = {"Authorization": f"Bearer {given}"} if given else {}
        headers |= options.pop("headers", {})
        if json is not None:
            options["json"] = json
        return await self.client.request(method, f"/v1{path}", headers=headers, **options)

    async def key_of(self, organization: UUID | None, *scopes: Scope) -> str:
        """A new key of an organization, with all scopes unless some are named."""
        ctx = self.server_ctx.ctx.for_actor(self.server_ctx.pool, None, "a test")
        made = await access.create_key(ctx, organization, "test", list(scopes or SCOPES))
        return made.key

    async def webhook(self, organization: UUID, **fields: Any) -> dict[str, Any]:
        """A new webhook, as the answer shows it."""
        draft = DRAFT | {"organization_id": str(organization)} | fields
        answer = await self.call("POST", "/webhooks", draft, key=ADMIN_KEY)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


async def _nowhere(_: str) -> list[str]:
    return []


def _on_loopback(info: AddrInfoType) -> socket.socket:
    """No test send leaves this machine, whatever a test makes up."""
    if not ipaddress.ip_address(str(info[4][0])).is_loopback:
        raise OSError(errno.ENETUNREACH, "only loopback")
    return socket.socket(*info[:3])


def _on_this_machine(policy: EgressPolicy) -> GuardedTransport:
    connector = make_connector(
        policy, limit=50, resolver=_nowhere, trust=trust(), open_socket=_on_loopback
    )
    return GuardedTransport(policy, connector)


@asynccontextmanager
async def running_api(
    dsn: str,
    *,
    size: int = 4,
    direct_dsn: str | None = None,
    keyring: Keyring | None = None,
    policy: EgressPolicy = LOOPBACK,
    transport: GuardedTransport | None = None,
    cors_origins: tuple[str, ...] = (),
    port: int = 0,
) -> AsyncIterator[Api]:
    """The API over a migrated database, on a free port unless one is given.

    With `direct_dsn` it goes through a pooler.
    """
    async with (
        connection_pool.open_pool(dsn, size=size, pooler=direct_dsn is not None) as pool,
        transport or _on_this_machine(policy) as opened,
    ):
        ctx = KeyringContext(
            pool=pool,
            keyring=keyring or Keyring(generate_master_key()),
            policy=policy,
            renderer=Renderer(policy),
            brand="Roxels",
            transport=opened,
        )
        server_ctx = ServerContext(
            pool=pool,
            ctx=ctx,
            admin_key=ADMIN_KEY,
            direct_dsn=direct_dsn or dsn,
            cors_origins=cors_origins,
        )
        async with serve_api(server_ctx, port=port) as taken:
            url = f"http://127.0.0.1:{taken}"
            async with httpx.AsyncClient(
                base_url=url, timeout=DEADLINE_S, verify=trust()
            ) as client:
                yield Api(url=url, server_ctx=server_ctx, client=client)
