"""Many callback streams: with a killed API process, and a thousand on one process."""

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
from tests.http.test_callbacks import create_output, create_token
from tests.support.commands import NEW_INTERPRETER, free_port, running_command
from tests.support.event_stream import EventStream
from tests.support.scoreboard import score
from tests.support.worker_rig import Rig, until

pytestmark = [pytest.mark.anyio, pytest.mark.faults]
KEY = generate_master_key()


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """The rig with a master key that is also passed to processes."""
    rig.keyring = Keyring(KEY)
    object.__setattr__(rig.ctx, "keyring", rig.keyring)
    return rig


@asynccontextmanager
async def serving(rig: Rig, home: Path, port: int) -> AsyncIterator[int]:
    """`rowhook api` on a port; yields its process id once it answers."""
    async with running_command(
        home,
        "api",
        before=NEW_INTERPRETER,
        DATABASE_URL=rig.dsn,
        ROWHOOK_MASTER_KEYS=KEY,
        ROWHOOK_PORT=str(port),
    ) as process:
        async with httpx.AsyncClient() as client:

            async def is_up() -> bool:
                with contextlib.suppress(httpx.HTTPError):
                    return (await client.get(f"http://127.0.0.1:{port}/livez")).is_success
                return False

            await until(is_up, description="the API process")
        yield process.pid


async def read_with_reconnects(
    client: httpx.AsyncClient, session: str, key: str, stream: EventStream
) -> None:
    """Reads like EventSource: reconnects with the id of the last event."""
    while True:
        headers = {"Last-Event-ID": stream.messages[-1][0]} if stream.messages else {}
        path = f"/v1/sessions/{session}/callbacks"
        with contextlib.suppress(httpx.HTTPError):
            async with client.stream(
                "GET", path, params={"token": key}, headers=headers
            ) as response:
                if response.status_code == httpx.codes.OK:
                    await stream.read(response.aiter_lines())
        await asyncio.sleep(0.1)


@asynccontextmanager
async def open_streams(
    rig: Rig, port: int, sessions: list[str], per_session: int
) -> AsyncIterator[list[tuple[str, EventStream]]]:
    """Opens streams of each session that reconnect whenever they are interrupted."""
    opened = []
    limits = httpx.Limits(max_connections=None)
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, timeout=None, limits=limits) as client:  # noqa: S113  # streams stay open
        tasks = []
        for session in sessions:
            key = await create_token(rig, session=session)
            for _ in range(per_session):
                stream = EventStream()
                opened.append((session, stream))
                tasks.append(
                    asyncio.create_task(read_with_reconnects(client, session, key, stream))
                )
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


async def outbox_ids(rig: Rig, session: str) -> list[str]:
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
async def test_streams_lose_and_repeat_no_event_when_the_api_is_killed(
    rig: Rig, folder: Path, streams: int, kills: int, commits: int
) -> None:
    sessions = await new_sessions(rig, 20)
    await create_output(rig, body_template="{{data}}")
    port = free_port()
    async with rig.worker(), open_streams(rig, port, sessions, per_session=streams // 20) as opened:
        committed = 0
        for n in range(kills + 1):
            async with serving(rig, folder, port) as pid:
                for _ in range(commits // (kills + 1)):
                    await rig.platform.commit(str(committed), session=sessions[committed % 20])
                    committed += 1
                if n < kills:
                    os.kill(pid, signal.SIGKILL)
                    continue
                for _, stream in opened:
                    await stream.wait_for_messages(commits // 20)
                await rig.reaches("delivered", count=commits)
    expected = {session: await outbox_ids(rig, session) for session in sessions}
    matching = sum(
        [message_id for message_id, _ in stream.messages] == expected[session]
        for session, stream in opened
    )
    score(
        f"{kills} × kill -9 of the API under {streams} streams, {commits} callbacks",
        required="every stream ends with the sequence of the outbox",
        measured=f"{matching} of {len(opened)} pages",
        holds=matching == len(opened) == streams
        and all(len(message_ids) == commits // 20 for message_ids in expected.values()),
    )


def resident_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


@pytest.mark.battery
async def test_one_process_serves_a_thousand_streams(rig: Rig, folder: Path) -> None:
    sessions = await new_sessions(rig, 100)
    await create_output(rig, body_template="{{data}}")
    port = free_port()
    async with AsyncExitStack() as stack:
        pid = await stack.enter_async_context(serving(rig, folder, port))
        opened = await stack.enter_async_context(open_streams(rig, port, sessions, per_session=10))
        await stack.enter_async_context(rig.worker())
        for n, session in enumerate(sessions):
            await rig.platform.commit(str(n), session=session)
        for _, stream in opened:
            await stream.wait_for_messages(1)
        listening = await rig.platform.value(
            "select count(*) from pg_stat_activity where query ilike 'listen%%callback%%'"
            " or query = 'select 1'"
        )
        connections = await rig.platform.value(
            "select count(*) from pg_stat_activity where datname = current_database()"
        )
        resident = resident_mb(pid)
    received = sum(len(stream.messages) == 1 for _, stream in opened)
    score(
        "1,000 open streams on one API process",
        required="all receive the callback over one listening connection",
        measured=f"{received} told, {listening} listening, {connections} connections in all,"
        f" {resident} MB resident",
        holds=received == 1000 and connections < 40,  # pools of both, and the tests' own
    )
