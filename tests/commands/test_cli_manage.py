"""Webhooks, links, secrets and keys at the command line: each verb and its errors."""

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
from tests.support.sample_platform import Platform

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("platform")]
CREATE = ("webhooks", "create", "--name", "CRM", "--url", "https://crm.example.com/hook")


@pytest.fixture
def hands(folder: Path, dsn: str) -> CommandLine:
    return CommandLine(folder=folder, dsn=dsn)


async def test_commands_do_not_start_an_embedded_database(hands: CommandLine) -> None:
    result = await hands.type("webhooks", DATABASE_URL="")
    result.refused(3, "No embedded database is running in", "rowhook up", "DATABASE_URL")
    assert list(hands.folder.iterdir()) == []


async def test_a_database_that_is_not_migrated_is_reported(
    hands: CommandLine, empty_dsn: str
) -> None:
    result = await hands.type("webhooks", DATABASE_URL=empty_dsn)
    result.refused(1, "is not migrated", "rowhook migrate")


async def test_a_login_without_roles_gets_the_grant_statement(
    hands: CommandLine, platform: Platform
) -> None:
    stranger = f"stranger_{uuid4().hex}"
    await platform.db.execute(f"create role {stranger} login".encode())
    try:
        result = await hands.type("webhooks", DATABASE_URL=f"{hands.dsn} user={stranger}")
    finally:
        await platform.db.execute(f"drop role {stranger}".encode())
    for duty in ("worker", "api"):
        result.refused(1, f"membership in rowhook_{duty}", f"grant rowhook_{duty} to {stranger}")


async def test_reading_needs_no_master_keys_and_empty_lists_have_advice(
    hands: CommandLine,
) -> None:
    for noun, message in (
        ("webhooks", "rowhook webhooks create"),
        ("secrets", "rowhook secrets put"),
        ("keys", "rowhook keys create"),
    ):
        assert message in await hands.ok(noun, ROWHOOK_MASTER_KEYS="")
    result = await hands.type(*CREATE, ROWHOOK_MASTER_KEYS="")
    result.refused(1, "ROWHOOK_MASTER_KEYS is not set")


async def test_creating_a_webhook_prints_its_signing_secret_once(hands: CommandLine) -> None:
    schema = hands.folder / "schema.json"
    schema.write_text('{"type": "object"}')
    webhook = await hands.json(
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
    assert webhook["signing_secret"].startswith("whsec_")
    assert webhook["headers"] == {"X-A": "b=c", "webhook-id": "mine"}
    assert (webhook["method"], webhook["schema"]) == ("PUT", {"type": "object"})
    displayed = await hands.json("webhooks", "show", webhook["id"])
    assert displayed == {name: webhook[name] for name in webhook if name != "signing_secret"}
    output = await hands.ok("webhooks", "show", webhook["id"])
    assert "header X-A: b=c" in output
    assert "warning: /headers/webhook-id: webhook-id is set by Rowhook" in output
    assert "whsec_" not in output


async def test_a_second_webhook_of_a_name_is_created_with_a_warning(hands: CommandLine) -> None:
    first = await hands.json(*CREATE)
    result = await hands.type(*CREATE)
    assert result.code == 0
    assert "Created webhook" in result.out
    assert f"warning: /name: {first['id']} is named 'CRM' too" in result.err
    delete = result.err.split("rowhook ")[-1].split()
    await hands.ok(*delete)
    assert (await hands.json("webhooks", "show", "CRM"))["id"] == first["id"]


async def test_every_fault_of_a_webhook_is_printed_with_its_pointer(hands: CommandLine) -> None:
    draft = '{"name": " ", "url": "https://10.0.0.1/", "headers": {"Host": "a"}}'
    result = await hands.type("webhooks", "create", "--file", "-", stdin=draft)
    result.refused(1, "\n  /name: ", "\n  /url: ", "\n  /headers/Host: ")
    result = await hands.type("webhooks", "create", "--file", "-", stdin="{")
    result.refused(1, "not valid JSON")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create"], "Pass --name and --url, or --file"),
        (["create", "--name", "x", "--file", "-"], "Leave out the other options"),
        (["create", "--name", "x", "--header", "nothing"], "Use 'Name: value'"),
        (["nonsense"], "No such command"),
        (["--state", "asleep"], "is not one of"),
    ],
)
async def test_incorrect_usage_of_webhooks_exits_2(
    hands: CommandLine, arguments: list[str], message: str
) -> None:
    (await hands.type("webhooks", *arguments)).refused(2, message)


async def test_a_webhook_is_changed_restored_paused_and_rotated(hands: CommandLine) -> None:
    webhook = await hands.json(*CREATE)
    webhook_id = webhook["id"]
    patch = hands.folder / "patch.json"
    patch.write_text('{"name": "Renamed", "description": null}')
    assert "revision 2" in await hands.ok("webhooks", "change", webhook_id, "--file", str(patch))
    assert (await hands.json("webhooks", "restore", webhook_id, "1"))["revision"] == 3
    assert "Renamed" in await hands.ok("webhooks", "revisions", webhook_id)
    assert f"webhooks resume {webhook_id}" in await hands.ok("webhooks", "pause", webhook_id)
    (paused,) = (await hands.json("webhooks", "--state", "paused"))["items"]
    assert (paused["id"], paused["name"]) == (webhook_id, "CRM")
    assert "active" in await hands.ok("webhooks", "resume", webhook_id)
    rotated = await hands.ok("webhooks", "rotate-secret", webhook_id)
    assert "whsec_" in rotated
    assert webhook["signing_secret"] not in rotated


async def test_unknown_ids_are_reported(hands: CommandLine, platform: Platform) -> None:
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


async def test_a_mistyped_id_is_answered_with_the_most_similar_one(
    hands: CommandLine, platform: Platform
) -> None:
    webhook = (await hands.json(*CREATE))["id"]
    suggestion = f"Did you mean {platform.goal}?"
    typo = platform.goal[:-1]
    for command in ("link", "unlink", "test"):
        result = await hands.type(command, webhook, "--goal", typo)
        result.refused(1, f"Goal {typo} does not exist.\n  {suggestion}")
    result = await hands.type("link", webhook, "--agent", "ann")
    result.refused(1, "Agent ann does not exist.", f"Did you mean {platform.agent}?")
    result = await hands.type("webhooks", "--organization", "acne")
    result.refused(1, "Organization acne does not exist.", f"{platform.organization}?")
    result = await hands.type("link", webhook, "--goal", "nothing like it")
    result.refused(1, "Goal nothing like it does not exist.")
    assert "Did you mean" not in result.err


async def test_a_linked_webhook_can_be_deleted_after_the_suggested_commands(
    hands: CommandLine, platform: Platform
) -> None:
    webhook = str(await platform.webhook())
    assert "are now sent to webhook" in await hands.ok(
        "link", webhook, "--agent", str(platform.agent)
    )
    assert "are now sent to webhook" in await hands.ok("link", webhook, "--goal", platform.goal)
    assert f"agent Ann ({platform.agent})" in await hands.ok("webhooks", "show", webhook)
    result = await hands.type("webhooks", "delete", webhook)
    result.refused(1, "Remove the links first", "Agent Ann", "Goal Goal")
    commands = [line.split() for line in result.err.splitlines() if "rowhook unlink" in line]
    assert len(commands) == 2
    for _, *arguments in commands:
        assert "Unlinked" in await hands.ok(*arguments)
    assert "There was no link" in await hands.ok(*commands[0][1:])
    assert "Deleted" in await hands.ok("webhooks", "delete", webhook)
    (await hands.type("link", webhook)).refused(2, "--agent ID or --goal ID")


async def test_the_status_says_for_how_long_a_delivery_is_overdue(
    hands: CommandLine, platform: Platform
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    (pending,) = [line for line in (await hands.ok("status")).splitlines() if "pending" in line]
    assert pending.endswith(" overdue")


async def test_with_several_organizations_one_must_be_selected(
    hands: CommandLine, platform: Platform
) -> None:
    await platform.run("insert into rowhook.organization (name) values ('Other')")
    result = await hands.type(*CREATE)
    result.refused(2, "--organization", f"{platform.organization}  Acme", "Other")
    webhook = await hands.json(*CREATE, "--organization", str(platform.organization))
    assert webhook["organization_id"] == str(platform.organization)
    draft = {
        "name": "x",
        "url": "https://x.example.com/",
        "organization_id": webhook["organization_id"],
    }
    text = json.dumps(draft)
    assert "Created webhook" in await hands.ok("webhooks", "create", "--file", "-", stdin=text)


async def test_a_secret_is_read_from_standard_input_and_never_printed(hands: CommandLine) -> None:
    put = ("secrets", "put", "crm", "--allowed-host", "crm.example.com")
    result = await hands.process("canary\n", *put)
    assert (result.code, result.err) == (0, "")
    output = result.out
    assert "version 1" in output
    file = hands.folder / "value"
    file.write_text("canary 2")
    output += await hands.ok(*put, "--value-file", str(file))
    await hands.ok(*CREATE, "--header", "Authorization: Bearer {{secret:crm}}")
    output += await hands.ok("secrets")
    assert "version 2" in output
    assert "1 webhook " in output
    assert "canary" not in output
    (await hands.type("secrets", "delete", "crm")).refused(1, "Webhook CRM (")
    result = await hands.type("secrets", "put", "a/b", stdin="x")
    result.refused(1, "1 to 128 of the characters")


async def test_an_api_key_is_printed_once_and_valid_until_it_is_deleted(
    hands: CommandLine, platform: Platform, pool: Pool
) -> None:
    create = ("keys", "create", "--name", "ops", "--scope", "read", "--scope", "replay")
    output = await hands.ok(*create, "--expires-in", "30d")
    assert "not shown again" in output
    key = output.split()[-1]
    caller = await access.authenticate(pool, key, None)
    assert (caller.organization, set(caller.scopes)) == (None, {"read", "replay"})
    listed = await hands.ok("keys")
    assert caller.id in listed
    assert "in 30 d" in listed
    assert key not in listed
    assert "Deleted" in await hands.ok("keys", "delete", caller.id)
    with pytest.raises(NotAuthenticated):
        await access.authenticate(pool, key, None)
    api_key = await hands.json(*create, "--organization", str(platform.organization))
    assert api_key["organization_id"] == str(platform.organization)
    (await hands.type(*create, "--expires-in", "soon")).refused(2, "30d")


async def test_ids_are_complete_and_names_are_plain_text_on_narrow_terminals(
    hands: CommandLine, platform: Platform
) -> None:
    webhook = await platform.webhook(name="[red]\x1b[31mRed \u202eAlert[/red]")
    output = await hands.ok("webhooks", COLUMNS="60")
    assert str(webhook) in output
    assert "\x1b" not in output
    assert "\u202e" not in output
    output = await hands.ok("webhooks", "show", str(webhook))
    assert "[red][31mRed Alert[/red]" in output


async def test_a_list_continues_after_its_page(hands: CommandLine, platform: Platform) -> None:
    older, newer = await platform.webhook(), await platform.webhook()
    first = await hands.ok("webhooks", "--limit", "1")
    assert str(newer) in first
    output = await hands.ok("webhooks", "list", *first.split()[-2:])
    assert str(older) in output
    assert "more" not in output


async def test_a_setting_may_precede_the_verb(hands: CommandLine) -> None:
    output = await hands.ok("webhooks", "--database-url", hands.dsn, "list", DATABASE_URL="")
    assert "No webhooks." in output
    output = await hands.ok("webhooks", f"--database-url={hands.dsn}", DATABASE_URL="")
    assert "No webhooks." in output


async def test_agents_and_organizations_are_selected_by_platform_ids(
    hands: CommandLine, platform: Platform
) -> None:
    owner = await create_customer(platform, "cust/1", "org/ä 1")
    organization_option = ("--organization", "cust/1")
    webhook = await hands.json(
        "webhooks",
        "create",
        *organization_option,
        "--name",
        "CRM",
        "--url",
        "https://crm.example.com/",
    )
    assert webhook["organization_id"] == "cust/1"
    agent = ("--agent", "org/ä 1")
    assert "are now sent to webhook" in await hands.ok("link", webhook["id"], *agent)
    (webhooks,) = (await hands.json("webhooks", "list", *agent))["items"]
    assert webhooks["id"] == webhook["id"]
    key = await hands.json(
        "keys", "create", "--name", "ci", "--scope", "read", *organization_option
    )
    assert key["organization_id"] == "cust/1"
    assert await platform.value("select organization_id from rowhook.api_key") == owner.id
    preview = await hands.ok("preview", webhook["id"], *agent)
    assert "org/ä 1" in preview
    (await hands.type("webhooks", "delete", webhook["id"])).refused(1, "--agent 'org/ä 1'")
    assert "Unlinked" in await hands.ok("unlink", webhook["id"], *agent)
    (await hands.type("link", webhook["id"], "--agent", "13")).refused(1, "Agent 13 does not exist")
