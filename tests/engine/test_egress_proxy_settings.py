"""A worker and a test send use the egress proxy of the environment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from rowhook.db.connection_pool import Pool
from rowhook.render.configuration import Configuration
from rowhook.security.vault import Keyring, generate_master_key
from rowhook.services import links, webhooks
from tests.support.certificates import make_authority
from tests.support.commands import run_command, running_command
from tests.support.forward_proxy import Proxy, running_proxy
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio


class ProxiedRig(Rig):
    """A rig whose receiver uses TLS and is reachable only through a proxy."""

    environment: dict[str, str]
    webhook_id: str

    async def set_up(self) -> None:
        url = f"https://hooks.example.com:{self.receiver.port}/hook"
        configuration = Configuration(name="behind", url=url, retry_schedule_s=[0])
        saved = await webhooks.create_webhook(self.ctx, self.platform.organization, configuration)
        await links.link_goal(self.ctx, saved.id, self.platform.goal)
        self.webhook_id = str(saved.id)


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async with running_proxy() as running:
        yield running


@pytest.fixture
async def proxied_rig(
    dsn: str, pool: Pool, platform: Platform, folder: Path, proxy: Proxy
) -> AsyncIterator[ProxiedRig]:
    authority = make_authority(folder)
    (folder / "roots.pem").write_bytes(authority.pem())
    key = generate_master_key()
    async with Receiver(tls=authority.issue("hooks.example.com")) as receiver:
        installation = ProxiedRig(dsn, pool, platform, receiver)
        installation.ctx = replace(installation.ctx, keyring=Keyring(key))
        installation.environment = {
            "DATABASE_URL": dsn,
            "ROWHOOK_MASTER_KEYS": key,
            "ROWHOOK_EGRESS_PROXY": proxy.url.replace("://", "://u:hunter2@"),
            "SSL_CERT_FILE": str(folder / "roots.pem"),
        }
        await installation.set_up()
        yield installation


@pytest.mark.long
@pytest.mark.parametrize("processes", ["1", "2"])
async def test_a_worker_delivers_through_the_proxy(
    processes: str, proxied_rig: ProxiedRig, proxy: Proxy, folder: Path
) -> None:
    async with running_command(
        folder, "worker", "--processes", processes, before=(), **proxied_rig.environment
    ):
        await proxied_rig.platform.commit()
        await proxied_rig.reaches("delivered")
    [tunnel] = proxy.requests
    assert tunnel.path == f"hooks.example.com:{proxied_rig.receiver.port}"
    assert [request.path for request in proxied_rig.receiver.requests] == ["/hook"]


async def test_a_test_send_leaves_through_the_proxy(
    proxied_rig: ProxiedRig, proxy: Proxy, folder: Path
) -> None:
    result = await run_command(
        folder, "test", proxied_rig.webhook_id, before=(), **proxied_rig.environment
    )
    assert (result.code, len(proxy.requests)) == (0, 1), result
    assert "delivered" in result.out
    assert "hunter2" not in result.out + result.err


async def test_a_delivery_reports_an_unreachable_proxy(
    proxied_rig: ProxiedRig, proxy: Proxy, folder: Path
) -> None:
    nowhere = proxied_rig.environment | {"ROWHOOK_EGRESS_PROXY": "http://u:hunter2@127.0.0.1:1"}
    async with running_command(folder, "worker", before=(), **nowhere):
        await proxied_rig.platform.commit()
        [delivery] = await proxied_rig.reaches("dead")
    assert delivery["last_error"] == "The connection to the egress proxy failed (ECONNREFUSED)."
    [attempt] = await proxied_rig.platform.rows(
        "select outcome, request::text from rowhook.attempt"
    )
    assert attempt["outcome"] == "connect_failed"
    assert "hunter2" not in attempt["request"]
    assert proxy.requests == proxied_rig.receiver.requests == []
