"""Three databases of two servers, served by one API and one worker process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from rowhook.cli.fleet import work_each
from rowhook.cli.run_commands import serve_all
from rowhook.db import connection_pool
from rowhook.migrate import preflight, runner
from rowhook.migrate.steps import DEFAULT_PREFIX
from rowhook.security.vault import generate_master_key
from rowhook.settings import Settings, load
from rowhook.supervisor import Supervisor
from tests.support import servers
from tests.support.calls import ADMIN_KEY
from tests.support.commands import free_port, run_command
from tests.support.databases import Databases
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio
NAMES = ("berlin", "paris", "tokyo")
UNREACHABLE = "The database cannot be reached."


@dataclass(slots=True, kw_only=True)
class Fleet:
    """A fleet whose database `tokyo` has its own server."""

    client: httpx.AsyncClient
    receiver: Receiver
    urls: dict[str, str]
    settings: Settings
    master_keys: str
    platforms: dict[str, Platform]
    run_tokyo: Callable[[], AbstractAsyncContextManager[str]]
    tokyo: AsyncExitStack
    keys: dict[str, str] = field(default_factory=dict)

    async def call(
        self, path: str, key: str = ADMIN_KEY, method: str = "GET", body: Any = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return await self.client.request(method, path, headers=headers, json=body)

    async def set_up(self, name: str) -> None:
        """Creates a key of the organization, and a webhook of the goal with the path `/<name>`."""
        platform = self.platforms[name]
        organization = str(platform.organization)
        draft = {"name": name, "url": f"{self.receiver.url}/{name}"}
        key = {"name": name, "organization_id": organization, "scopes": ["read", "write"]}
        answer = await self.call(f"/db/{name}/v1/api-keys", method="POST", body=key)
        assert answer.status_code == 201, answer.text
        self.keys[name] = answer.json()["key"]
        # Without the prefix: the key selects the database.
        created = await self.call("/v1/webhooks", self.keys[name], "POST", draft)
        assert created.status_code == 201, created.text
        webhook = created.json()["id"]
        await platform.value("select rowhook.link_goal(%s, %s)", webhook, platform.goal)

    async def states(self) -> dict[str, str]:
        states: dict[str, str] = (await self.client.get("/readyz")).json().get("databases", {})
        return states

    async def are_open(self) -> bool:
        return await self.states() == dict.fromkeys(NAMES, "ready")

    async def is_delivered(self, name: str, count: int) -> None:
        async def arrived() -> bool:
            return sum(request.path == f"/{name}" for request in self.receiver.requests) == count

        await until(arrived, description=f"{count} deliveries of {name}")


@pytest.fixture
async def fleet(databases: Databases) -> AsyncIterator[Fleet]:
    master_keys = generate_master_key()
    async with (
        Receiver() as receiver,
        databases.migrated() as berlin,
        databases.migrated() as paris,
        servers.new_cluster() as run,
        AsyncExitStack() as stack,
        AsyncExitStack() as tokyo,
    ):
        urls = {
            "berlin": databases.server.dsn(berlin),
            "paris": databases.server.dsn(paris),
            "tokyo": await tokyo.enter_async_context(run()),
        }
        await runner.migrate(urls["tokyo"])
        await preflight.grant_missing(urls["tokyo"], urls["tokyo"], DEFAULT_PREFIX)
        platforms = {}
        for name, url in urls.items():
            db = await stack.enter_async_context(await connection_pool.connect(url))
            platforms[name] = Platform(db)
            await platforms[name].set_up()
        settings = load(
            {
                "ROWHOOK_DATABASES": json.dumps(urls, indent=1),
                "ROWHOOK_MASTER_KEYS": master_keys,
                "ROWHOOK_ADMIN_KEY": ADMIN_KEY,
                "ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            }
        )
        stop = asyncio.Event()
        tasks = Supervisor(asyncio.Event())
        async with (
            serve_all(settings.by_database(), host="127.0.0.1", port=0, tasks=tasks) as port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_S) as client,
        ):
            working = asyncio.create_task(work_each(settings, stop))
            served = Fleet(
                client=client,
                receiver=receiver,
                urls=urls,
                settings=settings,
                master_keys=master_keys,
                platforms=platforms,
                run_tokyo=run,
                tokyo=tokyo,
            )
            await until(served.are_open, description="three databases")
            for name in NAMES:
                await served.set_up(name)
            yield served
            stop.set()
            await working


async def test_one_process_delivers_from_all_databases_and_one_that_is_down_affects_no_other(
    fleet: Fleet, folder: Path
) -> None:
    for name in NAMES:
        await fleet.platforms[name].commit()
        await fleet.is_delivered(name, 1)

    await fleet.tokyo.aclose()
    for name in ("berlin", "paris"):
        await fleet.platforms[name].commit()
        await fleet.is_delivered(name, 2)
        listed = await fleet.call("/v1/webhooks", fleet.keys[name])
        assert [item["name"] for item in listed.json()["items"]] == [name]
        assert (await fleet.call(f"/db/{name}/v1/deliveries")).status_code == 200
    assert (await fleet.call("/v1/webhooks", fleet.keys["tokyo"])).status_code == 503

    async def tokyo_is_down() -> bool:
        return (await fleet.states()).get("tokyo") == UNREACHABLE

    await until(tokyo_is_down, description="tokyo is reported")
    assert await fleet.states() == {"berlin": "ready", "paris": "ready", "tokyo": UNREACHABLE}
    own = [(await fleet.client.get(f"/db/{name}/readyz")).status_code for name in NAMES]
    assert own == [200, 200, 503]
    metrics = (await fleet.client.get("/metrics")).text
    up = dict(re.findall(r'^rowhook_database_up\{database="(\w+)"\} (\S+)$', metrics, re.MULTILINE))
    assert up == {"berlin": "1.0", "paris": "1.0", "tokyo": "0.0"}
    assert metrics.count("# TYPE rowhook_deliveries gauge") == 1

    status = await run_command(
        folder,
        "status",
        "--json",
        ROWHOOK_DATABASES=json.dumps(fleet.urls, indent=1),
        ROWHOOK_MASTER_KEYS=fleet.master_keys,
    )
    assert status.code == 3, status.err
    document = json.loads(status.out)
    delivered = {
        name: [
            row["deliveries"]
            for row in document[name]["deliveries"]
            if row["status"] == "delivered"
        ]
        for name in ("berlin", "paris")
    }
    assert delivered == {"berlin": [2], "paris": [2]}
    assert document["tokyo"]["error"].startswith("Cannot connect to the database")

    await fleet.tokyo.enter_async_context(fleet.run_tokyo())
    await until(fleet.are_open, description="tokyo is open again")
    async with await connection_pool.connect(fleet.urls["tokyo"]) as db:
        await fleet.platforms["tokyo"].with_connection(db).commit()
        await fleet.is_delivered("tokyo", 2)


@pytest.mark.long
async def test_a_process_that_starts_while_a_database_is_down_opens_it_later(
    fleet: Fleet,
) -> None:
    await fleet.tokyo.aclose()
    stop, tasks, probes = asyncio.Event(), Supervisor(asyncio.Event()), free_port()
    async with (
        serve_all(fleet.settings.by_database(), host="127.0.0.1", port=0, tasks=tasks) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_S) as client,
    ):
        late = replace(fleet, client=client)
        expected = {"berlin": "ready", "paris": "ready", "tokyo": UNREACHABLE}

        async def others_are_open() -> bool:
            return await late.states() == expected

        await until(others_are_open, description="the others are open")
        working = asyncio.create_task(work_each(replace(fleet.settings, metrics_port=probes), stop))
        try:
            for name, status in (("berlin", 200), ("paris", 200), ("tokyo", 503)):
                assert (await late.call(f"/db/{name}/v1/webhooks")).status_code == status
                assert (await late.call("/v1/webhooks", fleet.keys[name])).status_code == status
            unknown = await late.call("/v1/webhooks", "rhk_unknown")
            assert (unknown.status_code, "tokyo" in unknown.json()["detail"]) == (503, True)
            assert (
                'rowhook_database_up{database="tokyo"} 0.0' in (await client.get("/metrics")).text
            )

            worker = replace(fleet, client=httpx.AsyncClient(base_url=f"http://127.0.0.1:{probes}"))

            async def other_workers_are_ready() -> bool:
                with contextlib.suppress(httpx.TransportError):
                    return await worker.states() == expected
                return False

            await until(other_workers_are_ready, description="the other workers are ready")
            assert (await worker.client.get("/livez")).status_code == 200
            metrics = (await worker.client.get("/metrics")).text
            for name, count in (("berlin", 1), ("paris", 1), ("tokyo", 0)):
                assert metrics.count(f'rowhook_database_pool_size{{database="{name}"}}') == count
            assert metrics.count("process_cpu_seconds_total ") == 3  # HELP, TYPE and one value

            await fleet.tokyo.enter_async_context(fleet.run_tokyo())
            await until(late.are_open, description="tokyo is open")
            await until(worker.are_open, description="the worker of tokyo")
            await worker.client.aclose()
            assert (await late.call("/v1/webhooks", fleet.keys["tokyo"])).status_code == 200
        finally:
            stop.set()
            assert await working == 0


async def test_a_key_selects_its_database(fleet: Fleet) -> None:
    for name in NAMES:
        listed = (await fleet.call("/v1/webhooks", fleet.keys[name])).json()["items"]
        assert [item["name"] for item in listed] == [name]
        others = [other for other in NAMES if other != name]
        refused = [
            (await fleet.call(f"/db/{other}/v1/webhooks", fleet.keys[name])).status_code
            for other in others
        ]
        assert refused == [401, 401]
        portal = {"scopes": ["read"]}
        link = await fleet.call("/v1/portal-links", fleet.keys[name], "POST", portal)
        assert f"/db/{name}/portal?token=" in link.text, link.text
    everywhere = await fleet.call("/v1/webhooks")
    assert everywhere.status_code == 400
    assert "valid in berlin and paris and tokyo" in everywhere.json()["detail"]
    for key, status in (("", 401), ("rhk_unknown", 401), ("rhs_session", 400)):
        assert (await fleet.call("/v1/webhooks", key)).status_code == status
    unknown = await fleet.call("/db/rome/v1/webhooks")
    assert (unknown.status_code, "berlin, paris, tokyo" in unknown.json()["detail"]) == (404, True)


@pytest.mark.long
async def test_the_dashboard_of_each_database_has_its_own_paths_and_session(fleet: Fleet) -> None:
    client = fleet.client
    home = await client.get("/")
    assert (home.status_code, home.headers["Location"]) == (307, "/db/berlin/")
    to_sign_in = await client.get("/db/berlin/webhooks?state=active")
    assert to_sign_in.headers["Location"].startswith("/db/berlin/sign-in?next=%2Fwebhooks")
    form = {"key": ADMIN_KEY, "next": "/webhooks"}
    signed_in = await client.post("/db/berlin/sign-in", data=form)
    assert signed_in.headers["Location"] == "/db/berlin/webhooks"
    assert [cookie.path for cookie in client.cookies.jar] == ["/db/berlin"]
    page = await client.get("/db/berlin/webhooks")
    assert page.status_code == 200
    paths = re.findall(r'\s(?:href|action|formaction|src|hx-\w+|sse-connect)="(/[^"]*)"', page.text)
    assert paths
    assert all(path.startswith(("/db/", "/static/")) for path in paths), paths
    switcher = re.findall(r'<a href="(/db/\w+/webhooks)"( aria-current="true")?>\w+</a>', page.text)
    assert switcher == [
        ("/db/berlin/webhooks", ' aria-current="true"'),
        ("/db/paris/webhooks", ""),
        ("/db/tokyo/webhooks", ""),
    ]
    assert re.search(r"http://127\.0\.0\.1:\d+/db/berlin/v1/webhooks", page.text)
    elsewhere = await client.get("/db/paris/webhooks")
    assert elsewhere.headers["Location"].startswith("/db/paris/sign-in")
    assert (await client.get("/static/base.css")).status_code == 200
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf
    signed_out = await client.post("/db/berlin/sign-out", data={"csrf": csrf[1]})
    assert signed_out.headers["Location"] == "/db/berlin/sign-in"
    assert not list(client.cookies.jar)


@pytest.mark.long
async def test_paths_without_a_database_are_answered_once(fleet: Fleet) -> None:
    assert (await fleet.client.get("/livez")).json() == {"status": "alive"}
    assert (await fleet.client.head("/readyz")).content == b""
    assert (await fleet.client.post("/livez")).status_code == 404
    assert (await fleet.client.get("/webhooks")).status_code == 404
    assert (await fleet.client.get("/db/paris")).headers["Location"] == "/db/paris/"
    assert "/v1/webhooks" in (await fleet.client.get("/schema/openapi.json")).json()["paths"]


@pytest.mark.long
async def test_commands_work_on_all_databases_or_on_the_chosen_one(
    fleet: Fleet, folder: Path
) -> None:
    path = folder / "databases.yaml"
    path.write_text(json.dumps(fleet.urls))

    async def run(*arguments: str) -> Any:
        return await run_command(
            folder,
            *arguments,
            ROWHOOK_DATABASES=str(path),
            ROWHOOK_MASTER_KEYS=fleet.master_keys,
        )

    migrated = await run("migrate")
    assert migrated.code == 0, migrated.err
    assert migrated.out.count("Nothing to do.") == 3
    assert [line for line in migrated.out.splitlines() if line.endswith(":")] == [
        f"{name}:" for name in NAMES
    ]
    chosen = await run("webhooks", "--database", "paris")
    assert (chosen.code, "paris" in chosen.out, "berlin" in chosen.out) == (0, True, False)
    refused = await run("webhooks")
    refused.refused(2, "Choose one with --database: berlin, paris, tokyo")
    diagnosis = json.loads((await run("doctor", "--json")).out)
    assert set(diagnosis) == set(NAMES)
    assert all(
        finding["healthy"]
        for findings in diagnosis.values()
        for finding in findings
        if finding["subject"] in ("migrations", "master keys", "workers")
    )
