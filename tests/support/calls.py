"""The API over HTTP on loopback, and a client for it."""

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
from rowhook.db.connection_pool import API_LIMITS, AnswerLimits
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
    """A running API. Calls use the operator key unless another one is passed."""

    url: str
    server_ctx: ServerContext
    client: httpx.AsyncClient
    key: str = ADMIN_KEY
    keys: dict[str, str] = field(default_factory=dict)

    async def call(
        self, method: str, path: str, json: Any = None, *, key: str | None = None, **options: Any
    ) -> httpx.Response:
        """Makes a call under /v1; `key=""` sends no key."""
        token = self.key if key is None else key
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= options.pop("headers", {})
        if json is not None:
            options["json"] = json
        return await self.client.request(method, f"/v1{path}", headers=headers, **options)

    async def key_of(self, organization: UUID | None, *scopes: Scope) -> str:
        """Creates a key of an organization, with all scopes by default."""
        ctx = self.server_ctx.ctx.for_actor(self.server_ctx.pool, None, "a test")
        created = await access.create_key(ctx, organization, "test", list(scopes or SCOPES))
        return created.key

    async def webhook(self, organization: UUID, **fields: Any) -> dict[str, Any]:
        """Creates a webhook and returns its document."""
        draft = DRAFT | {"organization_id": str(organization)} | fields
        response = await self.call("POST", "/webhooks", draft, key=ADMIN_KEY)
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()
        return created


def faults(response: httpx.Response) -> dict[str, str]:
    """Returns the message of each faulty field by its pointer."""
    return {error["pointer"]: error["message"] for error in response.json()["errors"]}


async def _resolve_nothing(_: str) -> list[str]:
    return []


def _loopback_socket(info: AddrInfoType) -> socket.socket:
    """Refuses every address other than loopback, so that no test send leaves the machine."""
    if not ipaddress.ip_address(str(info[4][0])).is_loopback:
        raise OSError(errno.ENETUNREACH, "only loopback")
    return socket.socket(*info[:3])


def _loopback_transport(policy: EgressPolicy) -> GuardedTransport:
    return GuardedTransport(
        policy, limit=50, resolver=_resolve_nothing, trust=trust(), open_socket=_loopback_socket
    )


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
    portal_origins: tuple[str, ...] = (),
    port: int = 0,
    limits: AnswerLimits = API_LIMITS,
) -> AsyncIterator[Api]:
    """Serves the API over a migrated database, on a free port by default.

    With `direct_dsn`, `dsn` is a connection pooler.
    """
    async with (
        connection_pool.open_pool(
            dsn, size=size, pooler=direct_dsn is not None, limits=limits
        ) as pool,
        transport or _loopback_transport(policy) as open_transport,
    ):
        ctx = KeyringContext(
            pool=pool,
            keyring=keyring or Keyring(generate_master_key()),
            policy=policy,
            renderer=Renderer(policy),
            brand="Roxels",
            transport=open_transport,
        )
        server_ctx = ServerContext(
            pool=pool,
            ctx=ctx,
            admin_key=ADMIN_KEY,
            direct_dsn=direct_dsn or dsn,
            cors_origins=cors_origins,
            portal_origins=portal_origins,
        )
        async with serve_api(server_ctx, port=port) as bound_port:
            url = f"http://127.0.0.1:{bound_port}"
            async with httpx.AsyncClient(
                base_url=url, timeout=DEADLINE_S, verify=trust()
            ) as client:
                yield Api(url=url, server_ctx=server_ctx, client=client)
