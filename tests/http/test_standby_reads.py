"""Lists and statistics from a streaming standby (`DATABASE_READ_URL`), and from the primary."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rowhook.api.middleware import StandbySender
from rowhook.cli import startup, status_commands
from rowhook.cli.run_commands import serve_api
from rowhook.db import connection_pool
from rowhook.db.standby import MAX_LAG_S, Standby, StandbyFirst
from rowhook.db.statements import TenantPool
from rowhook.services import access
from rowhook.services.context import ServerContext
from rowhook.settings import load
from rowhook.supervisor import Supervisor
from tests.support import servers
from tests.support.calls import ADMIN_KEY
from tests.support.command_line import KEY
from tests.support.deadline import DEADLINE_S
from tests.support.sample_platform import Platform
from tests.support.servers import Server
from tests.support.worker_rig import until

pytestmark = [pytest.mark.anyio, pytest.mark.servers("stock_15")]
LISTS = (
    "/deliveries",
    "/deliveries/count",
    "/events",
    "/events/recent",
    "/webhooks",
    "/webhooks?search=hook",
    "/webhooks/worst",
    "/goals",
    "/agents",
    "/failures",
    "/stats",
    "/stats/series",
    "/goals/{goal}/outputs",
    "/webhooks/health?webhook_id={webhook}",
)
SINGLE = (
    "/webhooks/{webhook}",
    "/organizations",
    "/api-keys",
    "/secrets?organization_id={organization}",
    "/workers",
)


@dataclass(slots=True, kw_only=True)
class Served:
    """An API with a standby that can be stopped, started and held back."""

    client: httpx.AsyncClient
    server_ctx: ServerContext
    platform: Platform
    run: Callable[[], AbstractAsyncContextManager[str]]
    read_dsn: str = ""
    running: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def standby(self) -> Standby:
        assert self.server_ctx.ctx.standby is not None
        return self.server_ctx.ctx.standby

    async def call(self, path: str, key: str = ADMIN_KEY, **headers: str) -> httpx.Response:
        response = await self.client.get(
            f"/v1{path}", headers={"Authorization": f"Bearer {key}", **headers}
        )
        assert response.status_code == 200, response.text
        return response

    async def source(self, path: str, **headers: str) -> str:
        header: str = (await self.call(path, **headers)).headers.get("Read-From", "none")
        return header.partition(";")[0]

    async def start(self) -> None:
        await self.running.enter_async_context(self.run())

    async def replays(self, call: str) -> None:
        async with await connection_pool.connect(self.read_dsn) as connection:
            await connection.execute(f"select pg_wal_replay_{call}()".encode())

    async def becomes_readable(self) -> None:
        """Waits until the standby has everything that was written until now."""
        place = await self.platform.value("select (pg_current_wal_lsn() - '0/0')::bigint")

        async def holds() -> bool:
            return self.standby.status.is_read and not any(
                position <= place for _, position in self.standby._samples
            )

        reached = self.standby._reached_at
        await until(
            lambda: _true(self.standby.status.is_read and self.standby._reached_at != reached),
            description="a check",
        )
        await until(holds, description="the replay")


async def _true(value: bool) -> bool:  # noqa: FBT001
    return value


@asynccontextmanager
async def serving(dsn: str, read_url: str) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    settings = load(
        {
            "DATABASE_URL": dsn,
            "DATABASE_READ_URL": read_url,
            "ROWHOOK_MASTER_KEYS": KEY,
            "ROWHOOK_ADMIN_KEY": ADMIN_KEY,
        }
    )
    async with (
        startup.database(settings) as database,
        startup.server_context(settings, database) as server_ctx,
        serve_api(server_ctx, host="127.0.0.1", port=0, tasks=Supervisor(asyncio.Event())) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_S) as client,
    ):
        yield client, server_ctx


@pytest.fixture
async def served(dsn: str, server: Server, platform: Platform) -> AsyncIterator[Served]:
    name = str(conninfo_to_dict(dsn)["dbname"])
    async with (
        servers.base_backup(server, "max_standby_streaming_delay=0") as run,
        AsyncExitStack() as running,
    ):
        there = await running.enter_async_context(run())
        read_url = make_conninfo(there, dbname=name, user=server.owner)
        async with serving(dsn, read_url) as (client, server_ctx):
            api = Served(
                client=client,
                server_ctx=server_ctx,
                platform=platform,
                run=run,
                read_dsn=make_conninfo(there, dbname=name),
                running=running,
            )
            await api.becomes_readable()
            yield api


async def test_lists_and_statistics_are_read_from_the_standby_and_single_objects_are_not(
    served: Served,
) -> None:
    names = {
        "goal": served.platform.goal,
        "webhook": str(await served.platform.webhook_of_goal()),
        "organization": str(served.platform.organization),
    }
    await served.becomes_readable()
    lists = {path: await served.source(path.format(**names)) for path in LISTS}
    assert lists == dict.fromkeys(LISTS, "standby")
    singles = {path: await served.source(path.format(**names)) for path in SINGLE}
    assert singles == dict.fromkeys(SINGLE, "none")
    lag = (await served.call("/deliveries")).headers["Read-From"].partition("lag=")[2]
    assert 0 <= float(lag) <= MAX_LAG_S


async def test_a_new_object_is_returned_at_once_and_a_list_can_ask_for_the_primary(
    served: Served,
) -> None:
    await served.replays("pause")
    webhook = str(await served.platform.webhook_of_goal())
    assert (await served.call(f"/webhooks/{webhook}")).json()["id"] == webhook
    late = await served.call("/webhooks")
    assert (late.json()["items"], late.headers["Read-From"][:7]) == ([], "standby")
    fresh = await served.call("/webhooks", **{"Cache-Control": "no-cache"})
    assert [item["id"] for item in fresh.json()["items"]] == [webhook]
    assert fresh.headers["Read-From"] == "primary"
    await served.replays("resume")
    await served.becomes_readable()
    assert (await served.call("/webhooks")).json()["items"] == fresh.json()["items"]


@pytest.mark.long
async def test_a_key_sees_only_its_organization_there_and_its_use_is_recorded_on_the_primary(
    served: Served,
) -> None:
    ctx = served.server_ctx.ctx.for_actor(served.server_ctx.pool, None, "a test")
    await served.platform.webhook_of_goal()
    other = uuid4()
    await served.platform.run("insert into rowhook.organization values (%s, 'Other')", other)
    own, foreign = [
        (await access.create_key(ctx, organization, "test", ["read"])).key
        for organization in (served.platform.organization, other)
    ]
    await served.becomes_readable()
    answers = {key: await served.call("/webhooks", key) for key in (own, foreign)}
    assert [len(answers[key].json()["items"]) for key in (own, foreign)] == [1, 0]
    assert all(response.headers["Read-From"].startswith("standby") for response in answers.values())
    used = await served.platform.value(
        "select count(*) from rowhook.api_key where last_used_at is not null"
    )
    assert used == 2


@pytest.mark.long
async def test_the_primary_is_read_while_the_standby_is_too_far_behind(served: Served) -> None:
    await served.replays("pause")
    webhook = str(await served.platform.webhook_of_goal())
    samples = served.standby._samples
    await until(lambda: _true(len(samples) > 1), description="a check without progress")
    assert served.standby._reached_at is not None
    served.standby._reached_at -= MAX_LAG_S
    listed = await served.call("/webhooks")
    assert [item["id"] for item in listed.json()["items"]] == [webhook]
    assert listed.headers["Read-From"] == "primary"
    status = (await served.call("/system")).json()["standby"]
    assert (status["is_read"], status["reason"]) == (False, "It is more than 10 s behind.")
    assert status["lag_s"] > MAX_LAG_S
    await served.replays("resume")
    await served.becomes_readable()
    assert await served.source("/webhooks") == "standby"


async def test_the_primary_is_read_while_the_standby_is_down(served: Served) -> None:
    await served.running.aclose()
    assert await served.source("/deliveries") == "primary"
    status = (await served.call("/system")).json()["standby"]
    assert (status["is_read"], status["reason"][:19]) == (False, "It is not reached: ")
    await served.start()
    await served.becomes_readable()
    assert await served.source("/deliveries") == "standby"
    assert (await served.call("/system")).json()["standby"]["is_read"]


async def metrics_of(served: Served) -> dict[str, float]:
    text = (await served.client.get("/metrics")).text
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("rowhook_standby_") and not sample.name.endswith("_created")
    }


@pytest.mark.long
async def test_metrics_show_the_lag_and_the_fall_back(served: Served) -> None:
    await served.source("/webhooks")
    read = await metrics_of(served)
    assert 0 <= read.pop("rowhook_standby_lag_seconds") <= MAX_LAG_S
    assert read.pop("rowhook_standby_queries_total standby") >= 1
    assert read == {
        "rowhook_standby_configured": 1,
        "rowhook_standby_read": 1,
        "rowhook_standby_queries_total primary": 0,
    }
    await served.running.aclose()
    await served.source("/webhooks")
    # A read of the primary on request is not a fall-back.
    counted = served.standby.queries["primary"]
    assert counted >= 1
    await served.source("/webhooks", **{"Cache-Control": "no-cache"})
    fallen_back = await metrics_of(served)
    assert fallen_back["rowhook_standby_read"] == 0
    assert fallen_back["rowhook_standby_queries_total primary"] == counted


@pytest.mark.long
async def test_doctor_compares_the_standby_with_the_primary(served: Served, dsn: str) -> None:
    async def finding(read_url: str) -> dict[str, Any]:
        settings = load({"DATABASE_URL": dsn, "DATABASE_READ_URL": read_url})
        async with startup.database(settings) as database:
            (check,) = await status_commands._standby(settings, database)
        return check

    standby = make_conninfo(served.read_dsn, user=conninfo_to_dict(dsn).get("user"))
    check = await finding(standby)
    assert (check["subject"], check["healthy"]) == ("read standby", True)
    assert re.fullmatch(r"at most \d\.\d s behind", check["finding"])
    wrong = await finding(dsn)
    assert (wrong["healthy"], wrong["finding"]) == (False, "It is not a standby.")
    assert "DATABASE_READ_URL" in wrong["advice"]
    await served.running.aclose()
    lost = await finding(standby)
    assert (lost["healthy"], lost["finding"][:19]) == (False, "It is not reached: ")


@pytest.mark.long
async def test_a_query_that_replay_cancels_is_repeated_on_the_primary(
    served: Served, superuser: psycopg.AsyncConnection
) -> None:
    await superuser.execute("create table public.noise as select 1 as n")
    await served.becomes_readable()
    tenant = TenantPool(pool=served.server_ctx.pool, organization=None, actor="a test")
    waits = asyncio.Event()
    seen: list[bool] = []

    async def read(connection: psycopg.AsyncConnection) -> bool:
        row = await (await connection.execute("select pg_is_in_recovery()")).fetchone()
        recovers = row == (True,)
        seen.append(recovers)
        waits.set()
        if recovers:
            await connection.execute("select pg_sleep(60)")
        return recovers

    reading = asyncio.create_task(StandbyFirst(primary=tenant, standby=served.standby).read(read))
    await waits.wait()
    while not reading.done():
        await superuser.execute("update public.noise set n = n + 1")
        await superuser.execute("vacuum public.noise")
        await asyncio.wait({reading}, timeout=0.1)
    assert (await reading, seen, served.standby.status.is_read) == (False, [True, False], True)


@pytest.mark.long
async def test_the_pages_after_a_form_read_the_primary(served: Served) -> None:
    form = {"key": ADMIN_KEY, "next": "/"}
    signed_in = await served.client.post("/sign-in", data=form)
    assert (signed_in.status_code, "rowhook_wrote" in served.client.cookies) == (303, True)
    for path in ("/", "/deliveries", "/webhooks"):
        assert (await served.client.get(path)).headers["Read-From"] == "primary"
    served.client.cookies.delete("rowhook_wrote")
    for path in ("/", "/deliveries", "/webhooks"):
        assert (await served.client.get(path)).headers["Read-From"].startswith("standby; lag=")
    page = (await served.client.get("/system")).text
    assert "lists and statistics are read from it" in page


@pytest.mark.long
async def test_another_database_and_the_primary_itself_are_not_read(
    dsn: str, server: Server, platform: Platform
) -> None:
    assert platform
    for read_url, reason in (
        (dsn, "It is not a standby."),
        (server.dsn("postgres"), "It is not a copy of this database."),
    ):
        async with serving(dsn, read_url) as (client, server_ctx):
            await server_ctx.ctx.standby.check()
            assert server_ctx.ctx.standby.status.reason == reason
            response = await client.get(
                "/v1/webhooks", headers={"Authorization": f"Bearer {ADMIN_KEY}"}
            )
            assert response.headers["Read-From"] == "primary"


def test_an_event_stream_may_read_the_standby_though_browsers_send_no_cache() -> None:
    async def ignore(message: Any) -> None:
        del message

    def until_of(**headers: str) -> float:
        scope = {
            "method": "GET",
            "path": "/live/overview",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        sender = StandbySender(scope, ignore, None)  # type: ignore[arg-type]  # not used here
        return sender._reads.primary_until

    assert until_of(accept="text/event-stream", **{"cache-control": "no-cache"}) == 0
    assert until_of(accept="text/html", **{"cache-control": "no-cache"}) > 0
    assert until_of(cookie="rowhook_wrote=1") > 0
    assert until_of(cookie="\x00=;") == 0


async def test_the_cookie_of_a_form_is_kept_in_a_frame_where_the_site_has_tls() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def cookie_of(scheme: str) -> set[str]:
        scope = {"method": "POST", "path": "/alerts", "scheme": scheme, "headers": []}
        sender = StandbySender(scope, send, None)  # type: ignore[arg-type]  # no list is read
        await sender({"type": "http.response.start", "status": 303, "headers": []})
        ((name, value),) = sent.pop()["headers"]
        assert name == b"set-cookie"
        return set(value.decode().split("; "))

    common = {"rowhook_wrote=1", "Max-Age=20", "Path=/", "HttpOnly"}
    assert await cookie_of("https") == common | {"SameSite=none", "Secure", "Partitioned"}
    assert await cookie_of("http") == common | {"SameSite=lax"}
