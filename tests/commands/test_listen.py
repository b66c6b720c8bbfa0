"""`rowhook listen`: its output for a request, and the forwarding to an application."""

from __future__ import annotations

import asyncio
import re
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from rowhook.db.connection_pool import Pool
from rowhook.security.sign import Signer, new_signing_secret
from rowhook.verify import verify
from tests.support.certificates import trust
from tests.support.command_line import KEY, CommandLine
from tests.support.commands import run_command, running_command
from tests.support.deadline import DEADLINE_S
from tests.support.receiver import Receiver, answer, reset, stall
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
SECRET = new_signing_secret(bytes(range(32)))
BODY = '{"city": "Zürich"}\x00\xff'.encode("latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A running `rowhook listen`."""

    process: Process
    url: str

    async def line(self, pattern: str) -> str:
        """Returns the next line of its output that matches."""
        return await line(self.process, pattern)

    async def send(self, method: str = "POST", path: str = "/in", **options: Any) -> httpx.Response:
        """Sends a request with an unchanged path."""
        async with httpx.AsyncClient(verify=trust(), trust_env=False, timeout=DEADLINE_S) as client:
            extensions = {"target": path.encode()}
            return await client.request(method, self.url, extensions=extensions, **options)


async def line(process: Process, pattern: str) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        while text := (await process.stdout.readline()).decode():
            if re.search(pattern, text):
                return text.strip()
    raise AssertionError(f"it never said {pattern}")


@asynccontextmanager
async def listening(folder: Path, *arguments: str, **variables: Any) -> AsyncIterator[Listening]:
    command = ("listen", "--on", "0", *arguments)
    async with running_command(folder, *command, **variables) as process:
        announcement = await line(process, "Listening on ")
        yield Listening(process=process, url=announcement.removeprefix("Listening on "))


@pytest.fixture
async def app() -> AsyncIterator[Receiver]:
    """The application that requests are forwarded to."""
    async with Receiver() as receiver:
        yield receiver


def signed(body: bytes = BODY) -> dict[str, str]:
    at = int(time.time())
    headers = Signer(brand="Roxels", secrets=(SECRET,)).headers(key="k_1", timestamp=at, body=body)
    return dict(headers)


def latin(headers: dict[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode("latin-1") for name, value in headers.items()}


async def test_listen_prints_whether_a_request_is_verified_and_responds_204(folder: Path) -> None:
    async with listening(folder, "--secret", SECRET) as to:
        true = await to.send(content=BODY, headers=signed())
        assert "both signatures" in await to.line("POST /in")
        false = await to.send(content=BODY + b"!", headers=signed())
        assert "The secret is wrong, or the body was changed" in await to.line("POST /in")
    assert (true.status_code, false.status_code) == (204, 204)


async def test_control_characters_of_a_request_are_not_printed(folder: Path) -> None:
    async with listening(folder) as to:
        await to.send(content=b"\x1b[2J", headers={b"content-type": b"a\x9b2J"})
        assert await to.line("content-type") == "content-type: a·2J"
        assert await to.line("2J") == "·[2J"


async def test_listen_responds_with_the_chosen_status(folder: Path) -> None:
    async with listening(folder, "--answer", "503") as to:
        assert (await to.send()).status_code == 503


async def test_a_request_is_forwarded_unchanged(folder: Path, app: Receiver) -> None:
    own = {"X-Own": "é", "Accept-Encoding": "zstd", **signed()}
    async with listening(folder, "--forward-to", app.url) as to:
        await to.send("PATCH", "/a/../%7e//b?c=%20d&e", content=BODY, headers=latin(own))
    (request,) = app.requests
    assert (request.method, request.path) == ("PATCH", "/a/../%7e//b?c=%20d&e")
    assert request.body == BODY
    assert request.header("Host") == app.url.removeprefix("http://")
    assert {name: request.header(name) for name in own} == own


async def test_connection_headers_are_not_forwarded(folder: Path, app: Receiver) -> None:
    headers = [
        ("Connection", "keep-alive, X-Hop"),
        ("X-Hop", "1"),
        ("TE", "trailers"),
        ("Keep-Alive", "timeout=5"),
        ("X-Twice", "1"),
        ("X-Twice", "2"),
    ]
    async with listening(folder, "--forward-to", app.url) as to:
        await to.send("GET", headers=headers)
    (request,) = app.requests
    names = [name.lower() for name, _ in request.headers]
    assert not {"x-hop", "te", "keep-alive", "content-length", "transfer-encoding"} & set(names)
    assert [value for name, value in request.headers if name.lower() == "x-twice"] == ["1", "2"]


async def test_the_response_of_the_application_is_returned(folder: Path, app: Receiver) -> None:
    app.script("/hook", answer(429, b"slowly\xff", (("Retry-After", "7"), ("X-Own", "é"))))
    async with listening(folder, "--forward-to", f"{app.url}/hook") as to:
        got = await to.send(headers={"Idempotency-Key": "k_1"})
        answer_line = await to.line("→")
    assert (got.status_code, got.content) == (429, b"slowly\xff")
    assert (got.headers["retry-after"], got.headers["x-own"]) == ("7", "é")
    assert re.fullmatch(rf"→ 429 in \d+ ms from {app.url}/hook  k_1", answer_line)


async def test_a_redirect_is_returned_and_not_followed(folder: Path, app: Receiver) -> None:
    app.script("/in", answer(302, b"", (("Location", "/elsewhere"),)))
    async with listening(folder, "--forward-to", app.url) as to:
        assert (await to.send()).status_code == 302
    assert len(app.requests) == 1


async def test_an_unreachable_application_is_reported_as_502(folder: Path, app: Receiver) -> None:
    url = app.url
    await app.__aexit__()
    async with listening(folder, "--forward-to", url) as to:
        got = await to.send()
        assert re.search(r"→ 502: \S+ is not reachable \(.+\)", await to.line("→"))
    assert got.status_code == 502
    assert got.text.startswith(f"rowhook listen: {url} is not reachable")


async def test_an_application_that_is_back_gets_the_next_request(
    folder: Path, app: Receiver
) -> None:
    app.script("/in", reset(), answer(200), answer(201))
    async with listening(folder, "--forward-to", app.url) as to:
        assert [(await to.send()).status_code for _ in range(3)] == [502, 200, 201]
    assert app.connections == 3


async def test_listen_stops_immediately_while_an_application_hangs(
    folder: Path, app: Receiver
) -> None:
    app.script("/in", stall())
    async with listening(folder, "--forward-to", app.url) as to:
        waiting = asyncio.create_task(to.send())
        await app.wait_for(1)
        to.process.terminate()
        async with asyncio.timeout(DEADLINE_S):
            assert await to.process.wait() == 0
        got = await waiting
    assert got.status_code == 502
    assert "when this receiver was stopped" in got.text, got.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--forward-to", "localhost:3000"], "--forward-to: Use e.g. http://localhost:3000"),
        (["--forward-to", "http://localhost:9000/hook"], "is this receiver."),
        (["--forward-to", "http://[::1]", "--on", "80"], "is this receiver."),
        (
            ["--forward-to", "http://localhost:3000", "--answer", "200"],
            "--answer: Cannot be combined with --forward",
        ),
    ],
)
async def test_invalid_options_are_reported_before_listening(
    folder: Path, arguments: list[str], message: str
) -> None:
    (await run_command(folder, "listen", *arguments)).refused(2, message)


async def test_a_failing_application_causes_a_retry(
    folder: Path, dsn: str, pool: Pool, platform: Platform, app: Receiver
) -> None:
    app.script("/hook", answer(500, b"it broke"), answer(200))
    async with listening(folder, "--forward-to", f"{app.url}/hook") as to:
        rig = Rig(dsn, pool, platform, Receiver(port=int(to.url.rpartition(":")[2])))
        saved = await rig.webhook(retry_schedule_s=[0, 0])
        await platform.commit()
        async with rig.worker():
            (delivery,) = await rig.reaches("delivered")
    assert delivery["attempts"] == 2
    tries = "select status_code, response_body from rowhook.attempt order by number"
    assert [(row["status_code"], row["response_body"]) for row in await platform.rows(tries)] == [
        (500, "it broke"),
        (200, '{"ok":true}'),
    ]
    for request in app.requests:
        headers = dict(request.headers)
        verify(
            secret=saved.signing_secret or "", headers=headers, body=request.body, now=request.at
        )


@pytest.mark.usefixtures("platform")
async def test_listen_learns_the_secrets_of_webhooks_from_the_database(
    folder: Path, dsn: str
) -> None:
    hands = CommandLine(folder=folder, dsn=dsn)
    variables: dict[str, Any] = {"DATABASE_URL": dsn, "ROWHOOK_MASTER_KEYS": KEY}
    async with listening(folder, **variables) as to:
        await to.send(content=BODY, headers=signed())
        assert "signatures not checked: The database has no webhooks." in await to.line("POST /in")
        local = {"ROWHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}
        for name in ("Other", "CRM"):
            create = ("webhooks", "create", "--name", name, "--url", f"{to.url}/hook")
            await hands.ok(*create, **local)
        await hands.ok("test", "CRM", **local)
        assert "✓ both signatures of CRM" in await to.line("POST /hook")
        await hands.ok("webhooks", "rotate-secret", "CRM", "--overlap-s", "0")
        await hands.ok("test", "CRM", **local)
        assert "✓ both signatures of CRM" in await to.line("POST /hook")
        await to.send(content=BODY, headers=signed())
        assert "✗ No webhook's secret matches" in await to.line("POST /in")


async def test_listen_says_why_signatures_are_not_checked(folder: Path) -> None:
    async with listening(folder) as to:
        await to.send(content=BODY, headers=signed())
        line = await to.line("POST /in")
    assert "signatures not checked: No embedded database is running" in line
    assert "pass --secret" in line


@pytest.mark.parametrize(
    ("variables", "networks"),
    [
        ({}, "127.0.0.0/8"),
        ({"ROWHOOK_HOST": "localhost"}, "127.0.0.0/8"),
        ({"ROWHOOK_ALLOW_NETWORKS": "10.0.0.0/8"}, "10.0.0.0/8,127.0.0.0/8"),
        ({"ROWHOOK_ALLOW_NETWORKS": "127.0.0.1/32"}, "127.0.0.1/32"),
    ],
)
async def test_listen_prints_the_networks_that_workers_must_allow(
    folder: Path, variables: dict[str, Any], networks: str
) -> None:
    async with running_command(folder, "listen", "--on", "0", **variables) as process:
        assert await line(process, "export") == f"export ROWHOOK_ALLOW_NETWORKS={networks}"
