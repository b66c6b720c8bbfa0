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
from tests.support.doc_blocks import Block, blocks, read

pytestmark = pytest.mark.anyio
PAGE = "docs/tutorial/first-webhook.md"
DEMO, OWN = "See it work", "Send a webhook of your own"
README = "A webhook of your own, in five minutes"
COMMANDS, CALLS = "rowhook", "curl"


def scripts(section: str, language: str = "sh", tab: str | None = None) -> list[str]:
    """Returns the blocks of a section that are in no tab, or in this one."""
    return [block.text for block in blocks(PAGE, language, section) if tab_of(block) in {None, tab}]


def tab_of(block: Block) -> str | None:
    """Returns the title of the content tab that an indented block is in."""
    lines = read(PAGE).splitlines()[: block.line]
    if not lines[-1].startswith("    "):
        return None
    titles = [title for line in lines if (title := re.fullmatch(r'=== "(.+)"', line))]
    return titles[-1][1]


async def printed_value(process: Process, pattern: str) -> str:
    """Returns the first group of the first line that matches, as a person would copy it."""
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        while line := (await process.stdout.readline()).decode():
            if match := re.search(pattern, line):
                return match[1]
    raise AssertionError(f"it never printed {pattern}")


async def received_lines(process: Process, expected: str, count: int) -> list[str]:
    """Returns the lines of the receiver until `count` contain `expected`, and to its end."""
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(DEADLINE_S):
        while sum(expected in line for line in lines) < count:
            lines.append((await process.stdout.readline()).decode())
    process.terminate()
    return lines + (await wait_for_exit(process)).out.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("tab", "after_readme"), [(COMMANDS, False), (COMMANDS, True), (CALLS, False)]
)
@pytest.mark.long
async def test_a_webhook_of_one_s_own_works_as_written(
    folder: Path, tab: str, *, after_readme: bool
) -> None:
    if tab == CALLS and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    listen, up, platform, *remaining = scripts(OWN, tab=tab)
    assert listen.strip() == "bin/rowhook listen"
    assert up == "export ROWHOOK_ALLOW_NETWORKS=127.0.0.0/8\nbin/rowhook up\n"
    path, receiver_port, port = command_path(folder), str(free_port()), str(free_port())
    async with (
        running_command(folder, "listen", "--on", receiver_port) as receiver,
        running_command(
            folder, "up", ROWHOOK_ALLOW_NETWORKS="127.0.0.0/8", ROWHOOK_PORT=port
        ) as service,
    ):
        await sign_in(await printed_value(service, r"Dashboard +(http\S+)"))
        key = await printed_value(service, r"API key +(rhk_\S+) ")

        def typed(script: str) -> str:
            script = script.replace("rhk_the_key_that_up_printed", key)
            return script.replace(":8080", f":{port}").replace(":9000", f":{receiver_port}")

        if after_readme:
            *_, commands = blocks("README.md", "sh", README)
            _, out = await shell(folder, typed(commands.text), PATH=path)
            assert "Commits of goal goal_signup are now sent" in out
        saving, *steps = map(typed, [platform, *remaining])
        if tab == COMMANDS:
            script = "\necho '---'\n".join([saving, *steps])
        else:
            # A person copies the id of the webhook from the answer.
            definitions, *steps = steps
            _, out = await shell(folder, f"{saving}\n{definitions}", PATH=path)
            webhook = json.loads(out[out.index("{") :])["id"]
            functions = definitions.partition("api -X PUT")[0]
            script = functions + "\necho '---'\n".join(steps).replace("id_of_the_webhook", webhook)
        _, out = await shell(folder, script, PATH=path)
        lines = await received_lines(receiver, "POST /v1/customers", 2)
    outputs = [output.strip() for output in out.split("---\n")]
    if tab == COMMANDS:
        check_commands(outputs, "INSERT 0 0" if after_readme else "INSERT 0 1")
    else:
        check_calls(outputs)
    check_receiver(lines)


def check_receiver(lines: list[str]) -> None:
    """The test and the commit arrived, verified by the secret that the receiver looked up."""
    arrived = [line for line in lines if "POST /v1/customers" in line]
    assert [line.partition("  ")[2].strip() for line in arrived] == ["✓ both signatures of CRM"] * 2
    assert sum("authorization: Bearer s3cret" in line for line in lines) == 2
    assert any('{"name": "Grace", "email": "grace@example.com"}' in line for line in lines)


def check_commands(outputs: list[str], added: str) -> None:
    """Checks the output of the commands; it has no error but the refused delete."""
    platform, saved, test_send, inserted, delivered, deleted = outputs
    assert platform.split("\n") == [added, added]
    assert "whsec_" in saved
    assert "Commits of goal goal_signup are now sent" in saved
    assert "delivered" in test_send
    assert "[secret:crm-token]" in test_send
    assert inserted == "INSERT 0 1"
    assert re.search(r"delivered .* goal\.committed .* CRM ", delivered), delivered
    assert "goal_signup" in deleted
    assert "Deleted webhook" in deleted.splitlines()[-1]


async def sign_in(link: str) -> None:
    """Opens the link that `up` printed, and presses its button."""
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(link)).status_code == 200
        form, token = link.split("?token=")
        assert (await browser.post(form, data={"link": token})).status_code == 303
        assert "Overview" in (await browser.get(link.split("/sign-in", maxsplit=1)[0])).text


def check_calls(outputs: list[str]) -> None:
    """Checks the test send, the delivery and the refused delete; then nothing more is sent."""
    linked, test_send, inserted, delivered, deleted = outputs
    assert (linked, inserted) == ("", "INSERT 0 1")
    answer = json.loads(test_send)
    assert (answer["outcome"], answer["response"]["status"]) == ("delivered", 204)
    assert "s3cret" not in test_send
    assert "[secret:crm-token]" in test_send
    (delivery,) = json.loads(delivered)["items"]
    assert (delivery["event_type"], delivery["webhook_name"]) == ("goal.committed", "CRM")
    refusal = json.loads(deleted)
    assert refusal["status"] == 400
    assert [error["name"] for error in refusal["errors"]] == ["Sign up a customer"]


@pytest.mark.long
async def test_the_demo_part_works_as_written(folder: Path) -> None:
    assert scripts(DEMO) == ["bin/rowhook demo --stay\n"]
    insert, status, again, refused = scripts(DEMO, "sql")
    path = command_path(folder)
    async with running_command(folder, "demo", "--stay") as demo:
        await sign_in(await printed_value(demo, r"Dashboard +(http\S+)"))
        psql = await printed_value(demo, r"Insert +(.+)")
        assert await sql(folder, psql, insert, path) == "INSERT 0 1\n"
        async with asyncio.timeout(DEADLINE_S):
            while (await sql(folder, psql, status, path)).count("| delivered |") < 3:
                await asyncio.sleep(0.05)
        assert await sql(folder, psql, again, path) == "UPDATE 3\n"
        refusal = await sql(folder, psql, refused, path)
        lines = await received_lines(demo, "both signatures", 6)
    assert "Only the status of a delivery can be updated." in refusal
    assert sum("both signatures" in line for line in lines) == 6


async def sql(home: Path, psql: str, statements: str, path: str) -> str:
    """Returns the output of the printed `psql` command for these statements."""
    _, out = await shell(home, f"{psql} <<'SQL'\n{statements}\nSQL", PATH=path)
    return out
