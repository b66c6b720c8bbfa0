"""Callbacks of an agent's commits on a page of another origin, in a browser."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.http.test_callbacks import SESSION, create_output, create_token
from tests.support.api_server import serve_asgi
from tests.support.browser import needs_chromium, tab
from tests.support.calls import ADMIN_KEY, running_api
from tests.support.commands import environment, running_command
from tests.support.deadline import DEADLINE_S
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]
EXAMPLE = Path(__file__).parents[2] / "examples" / "agent"


def customer_site(rig: Rig, life_s: float, token_requests: list[str]) -> Any:
    """The customer's server: serves the page of the example, and short-lived tokens for it."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        del receive
        if scope["type"] != "http":
            return
        if scope["path"] == "/token":
            token_requests.append(scope["path"])
            body, kind = (await create_token(rig, life_s)).encode(), b"text/plain"
        else:
            body, kind = (EXAMPLE / "page.html").read_bytes(), b"text/html"
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return serve


@pytest.mark.battery
async def test_a_page_receives_callbacks_across_token_renewals(rig: Rig, chromium: Browser) -> None:
    await rig.platform.run(
        "insert into rowhook.session (id, organization_id) values (%s, %s)",
        SESSION,
        rig.platform.organization,
    )
    await create_output(rig, body_template='{"name": "{{data.n}}", "stage": "new"}')
    token_requests: list[str] = []
    count = 0
    async with (
        serve_asgi(customer_site(rig, 2, token_requests)) as port,
        running_api(
            rig.dsn, keyring=rig.keyring, cors_origins=(f"http://127.0.0.1:{port}",)
        ) as api,
        rig.worker(),
        tab(chromium) as page,
    ):
        await page.goto(f"http://127.0.0.1:{port}/?rowhook={api.url}&session={SESSION}")
        async with asyncio.timeout(DEADLINE_S):
            while len(token_requests) < 3 or count < 6:
                await rig.platform.commit(json.dumps({"n": count}), session=SESSION)
                count += 1
                await page.locator(f"#commits li:nth-child({count})").wait_for()
                # Some commits must arrive while a token is renewed.
                await asyncio.sleep(0.5)
        displayed = await page.locator("#commits li").all_inner_texts()
    assert displayed == [f"{n} is new" for n in range(count)]


@pytest.mark.battery
async def test_a_page_of_an_origin_that_is_not_allowed_receives_nothing(
    rig: Rig, chromium: Browser
) -> None:
    await rig.platform.run(
        "insert into rowhook.session (id, organization_id) values (%s, %s)",
        SESSION,
        rig.platform.organization,
    )
    async with (
        serve_asgi(customer_site(rig, 60, [])) as port,
        running_api(rig.dsn, keyring=rig.keyring, cors_origins=("https://other.example",)) as api,
        tab(chromium) as page,
    ):
        failure = asyncio.get_running_loop().create_future()
        page.once("pageerror", lambda error: failure.set_result(str(error)))
        await page.goto(f"http://127.0.0.1:{port}/?rowhook={api.url}&session={SESSION}")
        async with asyncio.timeout(DEADLINE_S):
            assert "Failed to fetch" in await failure


@pytest.mark.long
async def test_the_example_runs_as_written(dsn: str, folder: Path, chromium: Browser) -> None:
    variables = {
        "DATABASE_URL": dsn,
        "ROWHOOK_ADMIN_KEY": ADMIN_KEY,
        "ROWHOOK_PORT": "0",
        "ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "ROWHOOK_CORS_ORIGINS": "http://127.0.0.1:18090",
        "ROWHOOK_MASTER_KEYS": "k1:" + "A" * 43 + "=",
    }
    async with running_command(folder, "up", before=(), **variables) as up, tab(chromium) as page:
        url = await _wait_for_line(up, "Rowhook is running at ", " ")
        agent = await asyncio.create_subprocess_exec(
            sys.executable,
            str(EXAMPLE / "agent.py"),
            "--url",
            url,
            "--key",
            ADMIN_KEY,
            "--database",
            dsn,
            "--port",
            "18090",
            "--stay",
            env=environment(folder),
            stdout=PIPE,
        )
        try:
            lines = [await _line(agent) for _ in range(7)]
            await page.goto(lines[0].removeprefix("Page: "))
            line = page.locator("#commits li").first
            await line.wait_for()
            assert await line.inner_text() == "Ada Lovelace is qualified"
        finally:
            agent.terminate()
            await agent.wait()
    assert "requires" in lines[1]
    assert lines[2].startswith("Invalid /contact/email: Must be an email.")
    assert lines[3].startswith("Committed ")
    statuses = dict(line.split(": ", 1) for line in lines[4:])
    assert statuses["CRM"].startswith("delivered")
    assert "500" in statuses["Warehouse"]
    assert statuses["Page"].startswith(("delivered", "pending"))


async def _wait_for_line(process: Any, prefix: str, suffix: str) -> str:
    while True:
        line = await _line(process)
        if line.startswith(prefix):
            return line.removeprefix(prefix).partition(suffix)[0]


async def _line(process: Any) -> str:
    async with asyncio.timeout(DEADLINE_S):
        return str((await process.stdout.readline()).decode().rstrip("\n"))
