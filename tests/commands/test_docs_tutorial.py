"""The first tutorial, as written, with `rowhook demo --stay` and `rowhook up`."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from asyncio.subprocess import Process
from pathlib import Path

import httpx
import pytest

from tests.commands.test_docs_shell import command_path, shell
from tests.support.commands import free_port, running_command, wait_for_exit
from tests.support.deadline import DEADLINE_S
from tests.support.doc_blocks import blocks

pytestmark = pytest.mark.anyio
PAGE = "docs/tutorial/first-webhook.md"
DEMO, API = "See it work", "Send a webhook of your own"


def scripts(section: str, language: str = "sh") -> list[str]:
    return [block.text for block in blocks(PAGE, language, section)]


async def printed_value(process: Process, pattern: str) -> str:
    """Return the first group of the first line that matches, as a person would copy it."""
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        while line := (await process.stdout.readline()).decode():
            if match := re.search(pattern, line):
                return match[1]
    raise AssertionError(f"it never printed {pattern}")


async def received_lines(process: Process, expected: str, count: int) -> list[str]:
    """Return the lines of the receiver until `count` of them contain `expected`, and to its end."""
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(DEADLINE_S):
        while sum(expected in line for line in lines) < count:
            lines.append((await process.stdout.readline()).decode())
    process.terminate()
    return lines + (await wait_for_exit(process)).out.splitlines(keepends=True)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.long
async def test_the_api_part_works_as_written(folder: Path) -> None:
    listen, up, *remaining = scripts(API)
    assert listen.strip() == "bin/rowhook listen"
    assert up.strip() == "ROWHOOK_ALLOW_NETWORKS=127.0.0.0/8 bin/rowhook up"
    path, receiver_port, port = command_path(folder), str(free_port()), str(free_port())
    async with (
        running_command(folder, "listen", "--on", receiver_port) as receiver,
        running_command(
            folder, "up", ROWHOOK_ALLOW_NETWORKS="127.0.0.0/8", ROWHOOK_PORT=port
        ) as service,
    ):
        key = await printed_value(service, r"Operator key \(shown only once\): (rhk_\S+)")
        link = await printed_value(service, r"Sign-in link \(once, 15 minutes\): (http\S+)")
        await sign_in(link)
        script = "\n".join(f"{block}\necho '---'" for block in remaining)
        script = script.replace("rhk_the_key_that_up_printed", key)
        script = script.replace(":8080", f":{port}").replace(":9000", f":{receiver_port}")
        _, out = await shell(folder, script, PATH=path)
        outputs = [output.strip() for output in out.split("---\n")]
        lines = await received_lines(receiver, "POST /v1/tickets", 2)
    check_api_part(outputs, lines)


async def sign_in(link: str) -> None:
    """Open the link that `up` printed, and press its button."""
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(link)).status_code == 200
        form, token = link.split("?token=")
        assert (await browser.post(form, data={"link": token})).status_code == 303
        assert "Overview" in (await browser.get(link.split("/sign-in", maxsplit=1)[0])).text


def check_api_part(outputs: list[str], lines: list[str]) -> None:
    """Check the test send, the delivery and the refused delete; then nothing more is sent."""
    platform, keys, saved, test_send, delivered, deleted, _ = outputs
    assert (platform, keys, saved) == ("", "", "")
    answer = json.loads(test_send)
    assert (answer["outcome"], answer["response"]["status"]) == ("delivered", 204)
    assert "s3cret" not in test_send
    assert "[secret:crm-token]" in test_send
    delivery = json.loads(delivered)
    assert delivery["event_type"] == "job.succeeded"
    refusal = json.loads(deleted)
    assert refusal["status"] == 400
    assert sorted(error["name"] for error in refusal["errors"]) == ["Ann", "Bob"]
    assert sum("POST /v1/tickets" in line for line in lines) == 2
    assert any('"answer": "42", "cost": 0.0042' in line for line in lines)


@pytest.mark.long
async def test_the_demo_part_works_as_written(folder: Path) -> None:
    assert scripts(DEMO) == ["bin/rowhook demo --stay\n"]
    insert, status, again, refused = scripts(DEMO, "sql")
    path = command_path(folder)
    async with running_command(folder, "demo", "--stay") as demo:
        dsn = await printed_value(demo, r'psql "(postgresql:[^"]+)"')
        assert await sql(folder, dsn, insert, path) == "INSERT 0 1\n"
        async with asyncio.timeout(DEADLINE_S):
            while (await sql(folder, dsn, status, path)).count("| delivered |") < 3:
                await asyncio.sleep(0.05)
        assert await sql(folder, dsn, again, path) == "UPDATE 3\n"
        refusal = await sql(folder, dsn, refused, path)
        lines = await received_lines(demo, "both signatures", 6)
    assert "Only the status of a delivery can be updated." in refusal
    assert sum("both signatures" in line for line in lines) == 6


async def sql(home: Path, dsn: str, statements: str, path: str) -> str:
    """Return the output of `psql` for these statements."""
    _, out = await shell(home, f"psql '{dsn}' <<'SQL'\n{statements}\nSQL", PATH=path)
    return out
