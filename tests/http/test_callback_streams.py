"""Many pages at once: over the death of the API's process, and a thousand on one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from rowhook.security.vault import Keyring, generate_master_key
from tests.http.test_callbacks import output, token
from tests.support.commands import free_port, running_command
from tests.support.event_stream import Page
from tests.support.scoreboard import score
from tests.support.worker_rig import Rig, until

pytestmark = [pytest.mark.anyio, pytest.mark.faults]
KEY = generate_master_key()


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """Under a key that processes are given too."""
    rig.keyring = Keyring(KEY)
    object.__setattr__(rig.ctx, "keyring", rig.keyring)
    return rig


@asynccontextmanager
async def serving(rig: Rig, home: Path, port: int) -> AsyncIterator[int]:
    """`rowhook api` on a port; yields its process id once it answers."""
    async with running_command(
        home, "api", DATABASE_URL=rig.dsn, ROWHOOK_MASTER_KEYS=KEY, ROWHOOK_PORT=str(port)
    ) as process:
        async with httpx.AsyncClient() as client:

            async def answers() -> bool:
                with contextlib.suppress(httpx.HTTPError):
                    return (await client.get(f"http://127.0.0.1:{port}/livez")).is_success
                return False

            await until(answers, description="the API answers")
        yield process.pid


async def keep_reading(client: httpx.AsyncClient, session: str, key: str, page: Page) -> None:
    """As EventSource does: it comes back, with the id of the last event that it has seen."""
    while True:
        headers = {"Last-Event-ID": page.messages[-1][0]} if page.messages else {}
        path = f"/v1/sessions/{session}/callbacks"
        with contextlib.suppress(httpx.HTTPError):
            async with client.stream("GET", path, params={"token": key}, headers=headers) as answer:
                if answer.status_code == httpx.codes.OK:
                    await page.read(answer.aiter_lines())
        await asyncio.sleep(0.1)


@asynccontextmanager
async def pages(
    rig: Rig, port: int, sessions: list[str], each: int
) -> AsyncIterator[list[tuple[str, Page]]]:
    """So many pages of each session, who come back whenever they lose their stream."""
    opened = []
    limits = httpx.Limits(max_connections=None)
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, timeout=None, limits=limits) as client:  # noqa: S113  # streams stay open
        tasks = []
        for session in sessions:
            key = await token(rig, session=session)
            for _ in range(each):
                page = Page()
                opened.append((session, page))
                tasks.append(asyncio.create_task(keep_reading(client, session, key, page)))
        try:
            yield opened
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def new_sessions(rig: Rig, count: int) -> list[str]:
    names = [f"session_{n}" for n in range(count)]
    for name in names:
        await rig.platform.run(
            "insert into rowhook.session (id, organization_id) values (%s, %s)",
            name,
            rig.platform.organization,
        )
    return names


async def in_the_outbox(rig: Rig, session: str) -> list[str]:
    rows = await rig.platform.rows(
        "select o.id from rowhook.callback c join rowhook.outbox o on o.id = c.outbox_id"
        " where c.session_id = %s order by c.place",
        session,
    )
    return [str(row["id"]) for row in rows]


@pytest.mark.parametrize(
    ("streams", "kills", "commits"),
    [
        pytest.param(20, 1, 60, marks=pytest.mark.long),
        pytest.param(200, 3, 600, marks=pytest.mark.battery),
    ],
)
async def test_while_the_server_is_killed_no_stream_loses_or_repeats_an_event(
    rig: Rig, folder: Path, streams: int, kills: int, commits: int
) -> None:
    sessions = await new_sessions(rig, 20)
    await output(rig, body_template="{{data}}")
    port = free_port()
    async with rig.worker(), pages(rig, port, sessions, each=streams // 20) as opened:
        made = 0
        for n in range(kills + 1):
            async with serving(rig, folder, port) as pid:
                for _ in range(commits // (kills + 1)):
                    await rig.platform.commit(str(made), session=sessions[made % 20])
                    made += 1
                if n < kills:
                    os.kill(pid, signal.SIGKILL)
                    continue
                for _, page in opened:
                    await page.has(commits // 20)
                await rig.reaches("delivered", count=commits)
    expected = {session: await in_the_outbox(rig, session) for session in sessions}
    same = sum([one for one, _ in page.messages] == expected[session] for session, page in opened)
    score(
        f"{kills} × kill -9 of the API under {streams} streams, {commits} callbacks",
        required="every page ends with the outbox's own sequence",
        measured=f"{same} of {len(opened)} pages",
        holds=same == len(opened) == streams
        and all(len(one) == commits // 20 for one in expected.values()),
    )


def resident_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


@pytest.mark.battery
async def test_a_thousand_streams_are_open_on_one_process(rig: Rig, folder: Path) -> None:
    sessions = await new_sessions(rig, 100)
    await output(rig, body_template="{{data}}")
    port = free_port()
    async with AsyncExitStack() as stack:
        pid = await stack.enter_async_context(serving(rig, folder, port))
        opened = await stack.enter_async_context(pages(rig, port, sessions, each=10))
        await stack.enter_async_context(rig.worker())
        for n, session in enumerate(sessions):
            await rig.platform.commit(str(n), session=session)
        for _, page in opened:
            await page.has(1)
        listening = await rig.platform.value(
            "select count(*) from pg_stat_activity where query ilike 'listen%%callback%%'"
            " or query = 'select 1'"
        )
        all_of_it = await rig.platform.value(
            "select count(*) from pg_stat_activity where datname = current_database()"
        )
        resident = resident_mb(pid)
    told = sum(len(page.messages) == 1 for _, page in opened)
    score(
        "1,000 open streams on one API process",
        required="all are told; one connection listens, not one a page",
        measured=f"{told} told, {listening} listening, {all_of_it} connections in all,"
        f" {resident} MB resident",
        holds=told == 1000 and all_of_it < 40,  # pools of both, and the tests' own
    )
