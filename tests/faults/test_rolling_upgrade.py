"""Workers and APIs of one release beside those of the next, during a migration."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from rowhook.security.vault import generate_master_key
from tests.faults import released_wheel
from tests.faults.commit_producer import Producer, running_producer
from tests.faults.delivery_history import duplicates
from tests.faults.fault_scenario import Scenario, create_scenario, wait_until
from tests.faults.postgres_server import Server, free_port
from tests.faults.recording_receiver import RecordingReceiver
from tests.faults.released_wheel import Release, RowhookProcess, rowhook
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.battery, pytest.mark.faults]
ADMIN_KEY = f"rhk_{'0' * 40}"
RATE, PHASE_S = 50, 4


@pytest.fixture
def empty(server_folder: Path) -> Iterator[Server]:
    """A server without Rowhook."""
    server = Server(server_folder / "primary")
    server.create()
    server.start()
    yield server
    server.stop()


@dataclass(slots=True, kw_only=True)
class Api:
    """An API process, and the status of everything that was asked of it."""

    client: httpx.AsyncClient
    process: RowhookProcess
    probes: list[int] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        response = await self.client.request(method, path, json=body)
        self.calls.append((f"{method} {path}", response.status_code))
        return response.json() if response.content else None

    async def is_ready(self) -> bool:
        try:
            return (await self.client.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def probe(self) -> None:
        """Asks /readyz and reads lists until cancelled."""
        while True:
            self.probes.append((await self.client.get("/readyz")).status_code)
            for path in ("/v1/deliveries?limit=5", "/v1/webhooks", "/v1/workers", "/v1/system"):
                await self.call("GET", path)
            await asyncio.sleep(0.05)

    @property
    def failures(self) -> list[tuple[str, int]]:
        return [call for call in self.calls if call[1] >= 400]


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """Starts processes of both releases over one database."""

    stack: AsyncExitStack
    folder: Path
    variables: dict[str, str]

    async def worker(self, release: Release, name: str) -> RowhookProcess:
        process = rowhook(release, self.folder, name, "worker", **self.variables)
        return await self.stack.enter_async_context(process)

    async def api(self, release: Release, name: str) -> Api:
        port = free_port()
        command = ("api", "--port", str(port))
        process = await self.stack.enter_async_context(
            rowhook(release, self.folder, name, *command, **self.variables)
        )
        client = await self.stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}",
                headers={"Authorization": f"Bearer {ADMIN_KEY}"},
                timeout=30,
            )
        )
        api = Api(client=client, process=process)
        await wait_until(api.is_ready, description=f"{name} is ready: {process.log.read_text()}")
        return api

    async def migrate(self, release: Release, name: str) -> int:
        """Migrates and returns the number of steps."""
        async with rowhook(release, self.folder, name, "migrate", **self.variables) as run:
            assert await run.process.wait() == 0, run.log.read_text()
        return run.log.read_text().count("Applied ")


@asynccontextmanager
async def probed(api: Api) -> AsyncIterator[None]:
    """Probes an API during the block."""
    task = asyncio.create_task(api.probe())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()


async def link(api: Api, scenario: Scenario, name: str, **fields: Any) -> Producer:
    """Creates a goal with a webhook through an API."""
    await scenario.run(
        "insert into rowhook.goal (id, organization_id) values (%s, %s)",
        name,
        scenario.organization,
    )
    draft = {"organization_id": str(scenario.organization), "name": name, "raw_payload": True}
    url = f"{scenario.receiver.url}/{name}"
    webhook = await api.call("POST", "/v1/webhooks", draft | {"url": url} | fields)
    await api.call("PUT", f"/v1/webhooks/{webhook['id']}/goals/{name}")
    return Producer(scenario.dsn, name)


async def delivers(receiver: RecordingReceiver) -> None:
    """Waits for a delivery, then lets the load run for a while."""
    await receiver.seconds_to_first_arrival(time.monotonic())
    await asyncio.sleep(PHASE_S)
    await receiver.seconds_to_first_arrival(time.monotonic())


async def releases_of(pair: str, folder: Path) -> tuple[Release, Release]:
    """Returns the releases of before and after the migration."""
    if pair == "last and this":
        return await released_wheel.last_release(folder), released_wheel.THIS
    return released_wheel.THIS, released_wheel.next_release(folder)


@pytest.mark.parametrize("pair", ["last and this", "this and next"])
async def test_processes_of_two_releases_serve_beside_each_other_during_a_migration(
    empty: Server, server_folder: Path, receiver: RecordingReceiver, pair: str
) -> None:
    old, new = await releases_of(pair, server_folder)
    await empty.ready()
    variables = {
        "DATABASE_URL": empty.dsn,
        "ROWHOOK_MASTER_KEYS": generate_master_key(),
        "ROWHOOK_ADMIN_KEY": ADMIN_KEY,
        "ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    async with AsyncExitStack() as stack:
        releases = Releases(stack=stack, folder=server_folder, variables=variables)
        await releases.migrate(old, "old-migrate")
        scenario = await create_scenario(empty.dsn, server_folder, receiver)
        old_worker = await releases.worker(old, "old-worker")
        old_api = await releases.api(old, "old-api")
        # So that there are always requests in flight.
        receiver.delay_s = {"/goal": 0.05, "/line": 0.01}
        goal = await link(old_api, scenario, "goal")
        line = await link(old_api, scenario, "line", ordered=True)
        async with running_producer(goal, rate_per_s=RATE), running_producer(line, rate_per_s=RATE):
            async with probed(old_api):
                await delivers(receiver)
                steps = await releases.migrate(new, "new-migrate")
                # The old worker alone, on the new schema.
                await delivers(receiver)
                new_worker = await releases.worker(new, "new-worker")
                new_api = await releases.api(new, "new-api")
                async with probed(new_api):
                    await link(old_api, scenario, "made_by_old")
                    await link(new_api, scenario, "made_by_new")
                    await delivers(receiver)
            codes = [await old_api.process.stop(), await old_worker.stop()]
            async with probed(new_api):
                await delivers(receiver)
        await scenario.wait_until_drained()
        codes += [await new_api.process.stop(), await new_worker.stop()]
    history = await scenario.checked_history(goal, line, allowed_duplicates=0, ordered=("/line",))
    missing = set(history.committed) - {arrival.event for arrival in history.arrivals}
    failures = old_api.failures + new_api.failures
    unready = [status for status in new_api.probes if status != 200]
    old_unready = [status for status in old_api.probes if status != 200]
    score(
        f"{old.name} beside {new.name} during a migration of {steps} steps at {2 * RATE} commits/s",
        required="no call fails, 0 lost, 0 twice, order kept, exit 0, /readyz of the new API"
        f"{' and the old one' if old.stays_ready else ''} stays 200",
        measured=f"{len(failures)} of {len(old_api.calls) + len(new_api.calls)} calls failed,"
        f" {len(missing)} lost of {len(history.committed):,},"
        f" {duplicates(history.arrivals)} duplicates, exit codes {codes}, not 200:"
        f" {len(unready)} of {len(new_api.probes)} probes of the new API,"
        f" {len(old_unready)} of {len(old_api.probes)} of the old one",
        holds=not (failures or missing or unready or any(codes))
        and steps > 0
        and not (old.stays_ready and old_unready),
    )
