"""The README's commands as they are written, against `rowhook demo --stay` and `rowhook up`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from pathlib import Path

import httpx
import pytest

from rowhook.embedded import binaries
from tests.commands import ended, started
from tests.deadline import DEADLINE_S

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[1]


def section(name: str, language: str = "sh") -> list[str]:
    """The blocks of a section of the README."""
    text = (ROOT / "README.md").read_text("utf-8")
    body = text.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"```{language}\n(.*?)```", body, re.DOTALL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def said(process: Process, pattern: str) -> str:
    """The first group of the first line that matches; what a person would copy."""
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        while line := (await process.stdout.readline()).decode():
            if found := re.search(pattern, line):
                return found[1]
    raise AssertionError(f"it never said {pattern}")


async def arrived(process: Process, expected: str, count: int) -> list[str]:
    """What the receiver prints until so many lines hold what is expected, and to its end."""
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(DEADLINE_S):
        while sum(expected in line for line in lines) < count:
            lines.append((await process.stdout.readline()).decode())
    process.terminate()
    return lines + (await ended(process)).out.splitlines(keepends=True)


def tools(home: Path) -> str:
    """A PATH with `psql`, and a `bin/rowhook` that needs no set-up in the folder."""
    hand = home / "bin"
    hand.mkdir()
    (hand / "rowhook").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rowhook "$@"\n')
    (hand / "rowhook").chmod(0o755)
    path = os.environ["PATH"]
    return path if shutil.which("psql") else f"{binaries()}:{path}"


async def shell(home: Path, script: str, **environment: str) -> str:
    """Runs a script as a person's shell would, up to its end; its output."""
    child = await asyncio.create_subprocess_exec(
        "bash", "-u", "-c", script, cwd=home, stdout=PIPE, stderr=STDOUT,
        env={
            "HOME": str(home), "PYTHONPATH": str(ROOT / "src"),
            "ROWHOOK_DATA_DIR": str(home / "data"), **environment,
        },
    )  # fmt: skip
    async with asyncio.timeout(DEADLINE_S):
        out, _ = await child.communicate()
    return out.decode()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.long
async def test_the_api_section_works_as_it_is_written(folder: Path) -> None:
    listen, up, *rest = section("The API, by hand")
    assert listen.strip() == "bin/rowhook listen"
    assert up.strip() == "ROWHOOK_ALLOW_NETWORKS=127.0.0.0/8 bin/rowhook up"
    path, receiver_port, port = tools(folder), str(free_port()), str(free_port())
    async with (
        started(folder, "listen", "--on", receiver_port) as receiver,
        started(folder, "up", ROWHOOK_ALLOW_NETWORKS="127.0.0.0/8", ROWHOOK_PORT=port) as service,
    ):
        key = await said(service, r"operator key, shown only now: (rhk_\S+)")
        link = await said(service, r"sign in, once, within 15 minutes: (http\S+)")
        await sign_in(link)
        script = "\n".join(f"{block}\necho '---'" for block in rest)
        script = script.replace("rhk_the_key_that_up_printed", key)
        script = script.replace(":8080", f":{port}").replace(":9000", f":{receiver_port}")
        out = await shell(folder, script, PATH=path)
        blocks = [block.strip() for block in out.split("---\n")]
        lines = await arrived(receiver, "POST /v1/tickets", 2)
    judge(blocks, lines)


async def sign_in(link: str) -> None:
    """Opens the link that `up` printed, and presses its button."""
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(link)).status_code == 200
        form, token = link.split("?token=")
        assert (await browser.post(form, data={"link": token})).status_code == 303
        assert "Overview" in (await browser.get(link.split("/sign-in", maxsplit=1)[0])).text


def judge(blocks: list[str], lines: list[str]) -> None:
    """What a person would see: the test send, the delivery, the refusal, then silence."""
    platform, keys, saved, tested, delivered, deleted, _ = blocks
    assert (platform, keys, saved) == ("", "", "")
    trial = json.loads(tested)
    assert (trial["outcome"], trial["response"]["status"]) == ("delivered", 204)
    assert "s3cret" not in tested
    assert "[secret:crm-token]" in tested
    delivery = json.loads(delivered)
    assert delivery["event_type"] == "job.succeeded"
    refusal = json.loads(deleted)
    assert refusal["status"] == 400
    assert sorted(one["name"] for one in refusal["errors"]) == ["Ann", "Bob"]
    assert sum("POST /v1/tickets" in line for line in lines) == 2
    assert any('"answer": "42", "cost": 0.0042' in line for line in lines)


@pytest.mark.long
async def test_the_first_delivery_by_hand_works_as_it_is_written(folder: Path) -> None:
    assert section("The first delivery by hand") == ["bin/rowhook demo --stay\n"]
    insert, status, again, refused = section("The first delivery by hand", "sql")
    path = tools(folder)
    async with started(folder, "demo", "--stay") as demo:
        dsn = await said(demo, r'psql "(postgresql:[^"]+)"')
        assert await sql(folder, dsn, insert, path) == "INSERT 0 1\n"
        async with asyncio.timeout(DEADLINE_S):
            while (await sql(folder, dsn, status, path)).count("| delivered |") < 3:
                await asyncio.sleep(0.05)
        assert await sql(folder, dsn, again, path) == "UPDATE 3\n"
        said_no = await sql(folder, dsn, refused, path)
        lines = await arrived(demo, "both signatures", 6)
    assert "only the status of a delivery may be updated by hand" in said_no
    assert sum("both signatures" in line for line in lines) == 6


async def sql(home: Path, dsn: str, statements: str, path: str) -> str:
    """What `psql` prints for these."""
    return await shell(home, f"psql '{dsn}' <<'SQL'\n{statements}\nSQL", PATH=path)
