"""`rowhook listen`: what it prints of a request, and what it answers."""

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

from rowhook.sign import Signer, new_signing_secret
from tests.commands import DEADLINE_S, started

pytestmark = pytest.mark.anyio
SECRET = new_signing_secret(bytes(range(32)))
BODY = '{"city": "Zürich"}\x00\xff'.encode("latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """A running `rowhook listen`."""

    process: Process
    url: str

    async def line(self, pattern: str) -> str:
        """The next line it prints that matches."""
        return await line(self.process, pattern)

    async def send(self, method: str = "POST", path: str = "/in", **options: Any) -> httpx.Response:
        """Sends it a request; a path goes out as it is spelled."""
        async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE_S) as client:
            extensions = {"target": path.encode()}
            return await client.request(method, self.url, extensions=extensions, **options)


async def line(process: Process, pattern: str) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        while one := (await process.stdout.readline()).decode():
            if re.search(pattern, one):
                return one.strip()
    raise AssertionError(f"it never said {pattern}")


@asynccontextmanager
async def listening(folder: Path, *arguments: str) -> AsyncIterator[Listening]:
    async with started(folder, "listen", "--on", "0", *arguments) as process:
        said = await line(process, "listening on ")
        yield Listening(process=process, url=said.removeprefix("listening on "))


def signed(body: bytes = BODY) -> dict[str, str]:
    at = int(time.time())
    headers = Signer(brand="Roxels", secrets=(SECRET,)).headers(key="k_1", timestamp=at, body=body)
    return dict(headers)


async def test_it_says_whether_a_request_is_verified_and_answers_204(folder: Path) -> None:
    async with listening(folder, "--secret", SECRET) as to:
        true = await to.send(content=BODY, headers=signed())
        assert "both signatures" in await to.line("POST /in")
        false = await to.send(content=BODY + b"!", headers=signed())
        assert "wrong secret, or a changed body" in await to.line("POST /in")
    assert (true.status_code, false.status_code) == (204, 204)


async def test_nothing_in_a_request_steers_the_terminal(folder: Path) -> None:
    async with listening(folder) as to:
        await to.send(content=b"\x1b[2J", headers={b"content-type": b"a\x9b2J"})
        assert await to.line("content-type") == "content-type: a·2J"
        assert await to.line("2J") == "·[2J"


async def test_it_answers_the_status_that_it_is_told(folder: Path) -> None:
    async with listening(folder, "--answer", "503") as to:
        assert (await to.send()).status_code == 503
