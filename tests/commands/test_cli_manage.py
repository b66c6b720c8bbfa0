"""Webhooks, links, secrets and keys at the command line: each verb, and how it is got wrong."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from rowhook.db.connection_pool import Pool
from rowhook.services import access
from rowhook.services.access import NotAuthenticated
from tests.http.test_api_external_ids import create_customer
from tests.support.command_line import CommandLine
from tests.support.world import Platform

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("platform")]
CREATE = ("webhooks", "create", "--name", "CRM", "--url", "https://crm.example.com/hook")


@pytest.fixture
def hands(folder: Path, dsn: str) -> CommandLine:
    return CommandLine(folder=folder, dsn=dsn)


async def test_without_a_database_nothing_is_started_for_it(hands: CommandLine) -> None:
    told = await hands.type("webhooks", DATABASE_URL="")
    told.refused(3, "No embedded database is running in", "rowhook up", "DATABASE_URL")
    assert list(hands.folder.iterdir()) == []


async def test_a_database_that_is_not_migrated_is_said_so(
    hands: CommandLine, empty_dsn: str
) -> None:
    told = await hands.type("webhooks", DATABASE_URL=empty_dsn)
    told.refused(1, "is not migrated", "rowhook migrate")


async def test_a_login_without_our_roles_is_told_which_it_needs(
    hands: CommandLine, platform: Platform
) -> None:
    stranger = f"stranger_{uuid4().hex}"
    await platform.db.execute(f"create role {stranger} login".encode())
    try:
        told = await hands.type("webhooks", DATABASE_URL=f"{hands.dsn} user={stranger}")
    finally:
        await platform.db.execute(f"drop role {stranger}".encode())
    for duty in ("worker", "api"):
        told.refused(1, f"membership in rowhook_{duty}", f"grant rowhook_{duty} to {stranger}")


async def test_reading_needs_no_master_keys_and_an_empty_list_says_what_to_do(
    hands: CommandLine,
) -> None:
    for noun, said in (
        ("webhooks", "rowhook webhooks create"),
        ("secrets", "rowhook secrets put"),
        ("keys", "rowhook keys create"),
    ):
        assert said in await hands.ok(noun, ROWHOOK_MASTER_KEYS="")
    told = await hands.type(*CREATE, ROWHOOK_MASTER_KEYS="")
    told.refused(1, "ROWHOOK_MASTER_KEYS is not set")


async def test_a_webhook_made_of_options_shows_its_signing_secret_once(hands: CommandLine) -> None:
    schema = hands.folder / "schema.json"
    schema.write_text('{"type": "object"}')
    made = await hands.json(
        *CREATE,
        "--method",
        "PUT",
        "--header",
        "X-A: b=c",
        "--header",
        "webhook-id=mine",
        "--body-template",
        '{"n": {{data.n}}}',
        "--schema-file",
        str(schema),
    )
    assert made["signing_secret"].startswith("whsec_")
    assert made["headers"] == {"X-A": "b=c", "webhook-id": "mine"}
    assert (made["method"], made["schema"]) == ("PUT", {"type": "object"})
    seen = await hands.json("webhooks", "show", made["id"])
    assert seen == {name: made[name] for name in made if name != "signing_secret"}
    shown = await hands.ok("webhooks", "show", made["id"])
    assert "header X-A: b=c" in shown
    assert "warning: webhook-id is set by Rowhook" in shown
    assert "whsec_" not in shown


async def test_every_fault_of_a_webhook_has_a_line_and_its_place(hands: CommandLine) -> None:
    draft = '{"name": " ", "url": "https://10.0.0.1/", "headers": {"Host": "a"}}'
    told = await hands.type("webhooks", "create", "--file", "-", stdin=draft)
    told.refused(1, "\n  /name: ", "\n  /url: ", "\n  /headers/Host: ")
    told = await hands.type("webhooks", "create", "--file", "-", stdin="{")
    told.refused(1, "not valid JSON")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create"], "Pass --name and --url, or --file"),
        (["create", "--name", "x", "--file", "-"], "Leave out the other options"),
        (["create", "--name", "x", "--header", "nothing"], "Use 'Name: value'"),
        (["nonsense"], "No such command"),
        (["--state", "asleep"], "is not one of"),
        (["show", "crm"], "is not a valid UUID"),
    ],
)
async def test_a_wrong_use_of_webhooks_exits_2(
    hands: CommandLine, arguments: list[str], said: str
) -> None:
    (await hands.type("webhooks", *arguments)).refused(2, said)


async def test_a_webhook_is_changed_restored_paused_and_rotated(hands: CommandLine) -> None:
    made = await hands.json(*CREATE)
    one = made["id"]
    patch = hands.folder / "patch.json"
    patch.write_text('{"name": "Renamed", "description": null}')
    assert "revision 2" in await hands.ok("webhooks", "change", one, "--file", str(patch))
    assert (await hands.json("webhooks", "restore", one, "1"))["revision"] == 3
    assert "Renamed" in await hands.ok("webhooks", "revisions", one)
    assert f"webhooks resume {one}" in await hands.ok("webhooks", "pause", one)
    (paused,) = (await hands.json("webhooks", "--state", "paused"))["items"]
    assert (paused["id"], paused["name"]) == (one, "CRM")
    assert "active" in await hands.ok("webhooks", "resume", one)
    rotated = await hands.ok("webhooks", "rotate-secret", one)
    assert "whsec_" in rotated
    assert made["signing_secret"] not in rotated


async def test_what_does_not_exist_is_said_so(hands: CommandLine, platform: Platform) -> None:
    nobody = str(uuid4())
    webhook = str(await platform.webhook())
    for arguments in (
        ("webhooks", "show", nobody),
        ("webhooks", "revisions", nobody),
        ("webhooks", "pause", nobody),
        ("webhooks", "--organization", nobody),
        ("link", webhook, "--agent", nobody),
        ("unlink", nobody, "--goal", platform.goal),
        ("keys", "delete", nobody),
    ):
        (await hands.type(*arguments)).refused(1, f"{nobody}")
    (await hands.type("webhooks", "restore", webhook, "7")).refused(1, "has no revision 7")
    (await hands.type("secrets", "delete", "nope")).refused(1, "Secret nope does not exist")


async def test_a_linked_webhook_is_deleted_after_the_commands_that_its_refusal_names(
    hands: CommandLine, platform: Platform
) -> None:
    webhook = str(await platform.webhook())
    assert "are now sent to webhook" in await hands.ok(
        "link", webhook, "--agent", str(platform.agent)
    )
    assert "are now sent to webhook" in await hands.ok("link", webhook, "--goal", platform.goal)
    assert f"agent Ann ({platform.agent})" in await hands.ok("webhooks", "show", webhook)
    told = await hands.type("webhooks", "delete", webhook)
    told.refused(1, "Remove the links first", "Agent Ann", "Goal Goal")
    commands = [line.split() for line in told.err.splitlines() if "rowhook unlink" in line]
    assert len(commands) == 2
    for _, *arguments in commands:
        assert "Unlinked" in await hands.ok(*arguments)
    assert "There was no link" in await hands.ok(*commands[0][1:])
    assert "Deleted" in await hands.ok("webhooks", "delete", webhook)
    (await hands.type("link", webhook)).refused(2, "--agent ID or --goal ID")


async def test_with_several_organizations_it_must_be_said_which(
    hands: CommandLine, platform: Platform
) -> None:
    await platform.run("insert into rowhook.organization (name) values ('Other')")
    told = await hands.type(*CREATE)
    told.refused(2, "--organization", f"{platform.organization}  Acme", "Other")
    made = await hands.json(*CREATE, "--organization", str(platform.organization))
    assert made["organization_id"] == str(platform.organization)
    draft = {
        "name": "x",
        "url": "https://x.example.com/",
        "organization_id": made["organization_id"],
    }
    text = json.dumps(draft)
    assert "Created webhook" in await hands.ok("webhooks", "create", "--file", "-", stdin=text)


async def test_a_secret_goes_in_by_standard_input_and_comes_out_nowhere(hands: CommandLine) -> None:
    put = ("secrets", "put", "crm", "--allowed-host", "crm.example.com")
    told = await hands.process("canary\n", *put)
    assert (told.code, told.err) == (0, "")
    words = told.out
    assert "version 1" in words
    file = hands.folder / "value"
    file.write_text("canary 2")
    words += await hands.ok(*put, "--value-file", str(file))
    await hands.ok(*CREATE, "--header", "Authorization: Bearer {{secret:crm}}")
    words += await hands.ok("secrets")
    assert "version 2" in words
    assert "1 webhook " in words
    assert "canary" not in words
    (await hands.type("secrets", "delete", "crm")).refused(1, "Webhook CRM (")
    told = await hands.type("secrets", "put", "a/b", stdin="x")
    told.refused(1, "1 to 128 of the characters")


async def test_a_key_is_shown_once_and_admits_until_it_is_deleted(
    hands: CommandLine, platform: Platform, pool: Pool
) -> None:
    create = ("keys", "create", "--name", "ops", "--scope", "read", "--scope", "replay")
    words = await hands.ok(*create, "--expires-in", "30d")
    assert "not shown again" in words
    key = words.split()[-1]
    caller = await access.authenticate(pool, key, None)
    assert (caller.organization, set(caller.scopes)) == (None, {"read", "replay"})
    listed = await hands.ok("keys")
    assert caller.id in listed
    assert "in 30 d" in listed
    assert key not in listed
    assert "Deleted" in await hands.ok("keys", "delete", caller.id)
    with pytest.raises(NotAuthenticated):
        await access.authenticate(pool, key, None)
    made = await hands.json(*create, "--organization", str(platform.organization))
    assert made["organization_id"] == str(platform.organization)
    (await hands.type(*create, "--expires-in", "soon")).refused(2, "30d")


async def test_ids_are_whole_and_names_are_only_text_however_narrow_the_terminal(
    hands: CommandLine, platform: Platform
) -> None:
    webhook = await platform.webhook(name="[red]\x1b[31mRed \u202eAlert[/red]")
    words = await hands.ok("webhooks", COLUMNS="60")
    assert str(webhook) in words
    assert "\x1b" not in words
    assert "\u202e" not in words
    words = await hands.ok("webhooks", "show", str(webhook))
    assert "[red][31mRed Alert[/red]" in words


async def test_a_list_goes_on_where_its_page_ended(hands: CommandLine, platform: Platform) -> None:
    older, newer = await platform.webhook(), await platform.webhook()
    first = await hands.ok("webhooks", "--limit", "1")
    assert str(newer) in first
    rest = await hands.ok("webhooks", "list", *first.split()[-2:])
    assert str(older) in rest
    assert "more" not in rest


async def test_a_setting_may_stand_before_the_verb(hands: CommandLine) -> None:
    words = await hands.ok("webhooks", "--database-url", hands.dsn, "list", DATABASE_URL="")
    assert "No webhooks." in words
    words = await hands.ok("webhooks", f"--database-url={hands.dsn}", DATABASE_URL="")
    assert "No webhooks." in words


async def test_agents_and_organizations_are_named_by_the_platform_s_ids(
    hands: CommandLine, platform: Platform
) -> None:
    owner = await create_customer(platform, "cust/1", "org/ä 1")
    ours = ("--organization", "cust/1")
    made = await hands.json(
        "webhooks", "create", *ours, "--name", "CRM", "--url", "https://crm.example.com/"
    )
    assert made["organization_id"] == "cust/1"
    agent = ("--agent", "org/ä 1")
    assert "are now sent to webhook" in await hands.ok("link", made["id"], *agent)
    (found,) = (await hands.json("webhooks", "list", *agent))["items"]
    assert found["id"] == made["id"]
    key = await hands.json("keys", "create", "--name", "ci", "--scope", "read", *ours)
    assert key["organization_id"] == "cust/1"
    assert await platform.value("select organization_id from rowhook.api_key") == owner.id
    preview = await hands.ok("preview", made["id"], *agent)
    assert "org/ä 1" in preview
    (await hands.type("webhooks", "delete", made["id"])).refused(1, "--agent 'org/ä 1'")
    assert "Unlinked" in await hands.ok("unlink", made["id"], *agent)
    (await hands.type("link", made["id"], "--agent", "13")).refused(1, "Agent 13 does not exist")
