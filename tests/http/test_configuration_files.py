"""`rowhook export` and `rowhook apply`: plans, changes, and the round trip."""

from __future__ import annotations

import json
import random
import tomllib
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from rowhook.cli import configuration_commands, yaml_document
from rowhook.cli.error_messages import CommandFailed
from rowhook.services import configuration_changes, configuration_plan
from rowhook.services.configuration_file import read_file
from tests.support.calls import Api
from tests.support.command_line import CommandLine
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig
from tests.unit.test_corpus import CORPUS, fields_of

pytestmark = pytest.mark.anyio
FILE = """\
rowhook: 1
organizations:
  - id: {organization}
    webhooks:
      - external_id: crm
        name: CRM
        url: https://crm.example.com/customers
        headers:
          Authorization: Bearer {{{{secret:crm-token}}}}
        body_template: |
          {{
            "name": "{{{{data.name}}}}"
          }}
        agents: [{agent}]
        goals: [{goal}]
    secrets:
      - id: crm-token
        allowed_hosts: [crm.example.com]
"""


@pytest.fixture
def hands(folder: Path, dsn: str) -> CommandLine:
    return CommandLine(folder=folder, dsn=dsn)


@pytest.fixture
async def file(hands: CommandLine, platform: Platform) -> Path:
    """A file whose secret exists, and whose webhook does not."""
    path = hands.folder / "rowhook.yaml"
    path.write_text(
        FILE.format(organization=platform.organization, agent=platform.agent, goal=platform.goal)
    )
    await hands.ok("secrets", "put", "crm-token", "--allowed-host", "crm.example.com", stdin="s3")
    return path


def edit(file: Path, old: str, new: str) -> None:
    """Replaces the first occurrence of a text in the file."""
    file.write_text(file.read_text().replace(old, new, 1))


async def planned(hands: CommandLine, file: Path, *options: str) -> list[dict[str, Any]]:
    plan = await hands.json("apply", str(file), "--dry-run", *options)
    assert plan["applied"] is False
    changes: list[dict[str, Any]] = plan["changes"]
    return changes


async def test_a_file_is_planned_applied_and_then_changes_nothing(
    hands: CommandLine, file: Path, platform: Platform
) -> None:
    plan = await hands.ok("apply", str(file), "--plan")
    assert "+ webhook crm (CRM)" in plan
    assert f"+ link crm to agent {platform.agent}" in plan
    assert '+  "name": "{{data.name}}"' in plan
    assert "Plan: 3 to create, 0 to change, 0 to delete." in plan
    assert await platform.value("select count(*) from rowhook.webhook") == 0
    applied = await hands.ok("apply", str(file), "--yes")
    assert "Applied." in applied
    assert "whsec_" not in applied
    assert "No changes" in await hands.ok("apply", str(file), "--yes")
    assert await planned(hands, file) == []
    assert await platform.value("select count(*) from rowhook.link") == 2


async def test_a_change_is_shown_field_by_field(
    hands: CommandLine, file: Path, platform: Platform
) -> None:
    await hands.ok("apply", str(file), "--yes")
    edit(file, '"{{data.name}}"', '"{{data.title}}"')
    edit(file, "name: CRM\n", "name: CRM\n        timeout_s: 5\n")
    plan = await hands.ok("apply", str(file), "--plan")
    assert "~ webhook crm (CRM)" in plan
    assert "timeout_s: default -> 5" in plan
    assert '-  "name": "{{data.name}}"' in plan
    assert '+  "name": "{{data.title}}"' in plan
    await hands.ok("apply", str(file), "--yes")
    rows = await platform.rows("select revision, timeout_s::int from rowhook.webhook")
    assert rows == [{"revision": 2, "timeout_s": 5}]


async def test_thresholds_of_alerts_are_planned_applied_exported_and_audited(
    hands: CommandLine, file: Path, platform: Platform
) -> None:
    edit(file, "    webhooks:\n", "    alert_thresholds: {held: 7}\n    webhooks:\n")
    plan = await hands.ok("apply", str(file), "--plan")
    assert "~ thresholds of alerts" in plan
    assert "held: 1 -> 7" in plan
    await hands.ok("apply", str(file), "--yes")
    assert await planned(hands, file) == []
    exported = await hands.json("export")
    assert exported["organizations"][0]["alert_thresholds"] == {"held": 7}
    audited = await platform.rows(
        "select after from rowhook.audit where action = 'alert_threshold.changed'"
    )
    assert [row["after"]["held"] for row in audited] == [7]
    # Without the key they stay; an empty one sets the defaults.
    edit(file, "    alert_thresholds: {held: 7}\n", "")
    assert await planned(hands, file) == []
    edit(file, "    webhooks:\n", "    alert_thresholds: {}\n    webhooks:\n")
    (change,) = await planned(hands, file)
    assert change["fields"] == [{"field": "held", "before": 7, "after": 1}]
    edit(file, "alert_thresholds: {}", "alert_thresholds: {held: 0}")
    refused = await hands.type("apply", str(file), "--plan")
    assert "/organizations/0/alert_thresholds/held: Use 1 to 10,000." in refused.err


async def test_only_prune_deletes_and_only_in_the_organizations_of_the_file(
    hands: CommandLine, file: Path, platform: Platform, api: Api
) -> None:
    await hands.ok("apply", str(file), "--yes")
    extra = await platform.webhook_of_goal(name="extra")
    other = await platform.value(
        "insert into rowhook.organization (name) values ('Other') returning id"
    )
    foreign = await api.webhook(other)
    edit(file, f"agents: [{platform.agent}]\n", "agents: []\n")
    assert {(change["action"], change["object"]) for change in await planned(hands, file)} == {
        ("keep", "webhook"),
        ("keep", "agent"),
    }
    assert "No changes" not in await hands.ok("apply", str(file), "--yes")
    assert await platform.value("select count(*) from rowhook.webhook") == 3
    pruned = await hands.ok("apply", str(file), "--yes", "--prune")
    assert f"- webhook {extra} (extra)" in pruned
    left = await platform.rows(
        "select id::text from rowhook.webhook where name <> 'CRM' or external_id is null"
    )
    assert left == [{"id": foreign["id"]}]
    assert await platform.value("select count(*) from rowhook.link") == 1
    assert await planned(hands, file, "--prune") == []


async def test_without_a_terminal_apply_needs_yes(hands: CommandLine, file: Path) -> None:
    (await hands.type("apply", str(file))).refused(2, "Nothing was changed.", "Pass --yes")
    (await hands.type("apply", str(file), "--plan", "--yes")).refused(2, "either --plan or --yes")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("name: CRM", "nmae: CRM", 6, "/webhooks/0/nmae: Unknown field. Did you mean name?"),
        ("name: CRM", "name: 12", 6, "/webhooks/0/name: Expected `str`"),
        ("rowhook: 1", "rowhook: 2", 1, "/rowhook: "),
        ("external_id: crm", "condition: data.a", 5, "Give the webhook an external_id"),
        ("{{secret:crm-token}}", "{{secret:nope}}", 9, "or `rowhook secrets put nope`"),
        ("- id: crm-token", "- id: nope", 17, "rowhook secrets put nope"),
        ("[crm.example.com]", "[a.example.com]", 18, "is limited to ['crm.example.com']"),
        ("agents: [", "agents: [nobody, ", 14, "/agents/0: Agent nobody does not exist"),
        ("goals: [", "goals: [nothing, ", 15, "/goals/0: Goal nothing does not exist"),
        ("{{data.name}}", "{{data.name", 10, "/body_template: Line 2"),
        ("- id: ", "- id: x", 3, "does not exist. The platform creates it"),
        ("    secrets:", "      - external_id: crm\n        name: x\n    secrets:", 16, "twice"),
    ],
)
async def test_a_fault_names_file_line_and_pointer_and_nothing_is_changed(
    hands: CommandLine, file: Path, platform: Platform, old: str, new: str, line: int, message: str
) -> None:
    edit(file, old, new)
    result = await hands.type("apply", str(file), "--yes")
    result.refused(1, f"{file}:{line}:", message, "Nothing was changed")
    assert await platform.value("select count(*) from rowhook.webhook") == 0


async def test_an_error_while_applying_changes_nothing(
    hands: CommandLine, file: Path, platform: Platform
) -> None:
    await platform.db.execute(
        "alter table rowhook.link add constraint no_goals check (goal_id is null)"
    )
    result = await hands.type("apply", str(file), "--yes")
    assert result.code == 1
    assert await platform.value("select count(*) from rowhook.webhook") == 0
    await platform.db.execute("alter table rowhook.link drop constraint no_goals")
    await hands.ok("apply", str(file), "--yes")


async def test_what_somebody_else_made_since_the_plan_is_reported_as_such(
    rig: Rig, platform: Platform
) -> None:
    text = FILE.replace("Authorization", "X-No-Secret").replace(
        "Bearer {{{{secret:crm-token}}}}", "a"
    )
    text = text[: text.index("    secrets:")]
    names = {"organization": platform.organization, "agent": platform.agent, "goal": platform.goal}
    file = read_file(yaml_document.load(text.format(**names))[0])
    steps = await configuration_plan.plan(rig.ctx, file, prune=False)
    await configuration_changes.apply(rig.ctx, steps)
    with pytest.raises(CommandFailed, match="changed in the meantime: /external_id: Webhook CRM"):
        await configuration_commands._apply(rig.ctx, steps)
    assert await platform.value("select count(*) from rowhook.webhook") == 1


def random_webhook(choose: random.Random) -> dict[str, Any]:
    """A webhook of the corpus with random settings."""
    case = tomllib.loads(choose.choice(CORPUS).read_text("utf-8"))
    optional = {
        "description": "line 1\n  line 2 \u2028 'no': # x\n",
        "metadata": {"on": [1, 1.5, None, True, "1"], "": {"a\nb": "~"}},
        "event_types": ["goal.committed"],
        "timeout_s": choose.choice([1.5, 30]),
        "max_in_flight": choose.randint(1, 100),
        "rate_per_s": choose.choice([0.1, 10]),
        "ordered": True,
        "retry_schedule_s": [0, 0.5, 60],
        "external_id": choose.choice(["no", "12", "a b: c", "#1", "é"]) + uuid4().hex,
    }
    fields = {name: optional[name] for name in optional if choose.random() < 0.5}
    webhook = {k: v for k, v in fields_of(case).items() if v is not None}
    return webhook | {"name": f"a: {choose.random()}"} | fields


async def _stage(api: Api, platform: Platform, choose: random.Random) -> None:
    agents = [platform.agent, uuid4()]
    await platform.run(
        "insert into rowhook.agent (id, organization_id, name, external_id)"
        " values (%s, %s, 'Bob', '0012')",
        agents[1],
        platform.organization,
    )
    for _ in range(12):
        webhook = await api.webhook(platform.organization, **random_webhook(choose))
        for agent in agents:
            if choose.random() < 0.5:
                await platform.value(
                    "select rowhook.link_agent(%s, %s)", UUID(webhook["id"]), agent
                )
        if choose.random() < 0.5:
            await platform.value(
                "select rowhook.link_goal(%s, %s)", UUID(webhook["id"]), platform.goal
            )
        if choose.random() < 0.3:
            await api.call("POST", f"/webhooks/{webhook['id']}/pause")


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2))])
async def test_an_applied_export_changes_nothing_and_restores_deleted_objects(
    hands: CommandLine, platform: Platform, api: Api, seed: int
) -> None:
    await _stage(api, platform, random.Random(seed))  # noqa: S311  # test data
    exported = await hands.ok("export")
    assert "whsec_" not in exported
    file = hands.folder / "exported.yaml"
    file.write_text(exported)
    assert await planned(hands, file, "--prune") == []
    revisions = await platform.rows("select id, revision, updated_at from rowhook.webhook")
    assert "No changes" in await hands.ok("apply", str(file), "--yes", "--prune")
    assert await platform.rows("select id, revision, updated_at from rowhook.webhook") == revisions
    document, _ = yaml_document.load(exported)
    assert document == json.loads(await hands.ok("export", "--json"))
    # Webhooks with an external id can be created again, with everything that the file has.
    await platform.db.execute(
        "delete from rowhook.link l using rowhook.webhook w"
        " where w.id = l.webhook_id and w.external_id is not null"
    )
    await platform.db.execute("delete from rowhook.webhook where external_id is not null")
    await hands.ok("apply", str(file), "--yes")
    again = json.loads(await hands.ok("export", "--json"))
    assert by_identity(again) == by_identity(document)


def by_identity(document: dict[str, Any]) -> dict[str, Any]:
    """The webhooks of an export by external id or id, with links in any order."""
    return {
        webhook.get("external_id") or webhook["id"]: webhook
        | {"agents": sorted(webhook.get("agents", []))}
        for organization in document["organizations"]
        for webhook in organization["webhooks"]
    }
