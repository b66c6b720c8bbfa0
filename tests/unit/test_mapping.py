"""The proposed mapping of a table, from the names and types of its columns."""

from __future__ import annotations

from typing import Any

import pytest

from rowhook.mapping import Column, Proposal, completing, propose, with_status_map
from rowhook.mapping.source_fields import FIELDS, KINDS


def columns(*described: str) -> list[Column]:
    """Returns columns from `name kind`, with `key` after it for the primary key."""
    result = []
    for text in described:
        name, kind, *key = text.rsplit(" ", 2) if text.endswith(" key") else text.rsplit(" ", 1)
        result.append(Column(name, kind, kind, bool(key), bool(key)))
    return result


def mapped(kind: str, table: str, *described: str) -> dict[str, Any]:
    return propose(kind, table, columns(*described), {}, {}).mapping


@pytest.mark.parametrize(
    ("table", "described", "expected"),
    [
        (
            "public.runs",
            (
                "run_no number key",
                "agent number",
                "org_id text",
                "state text",
                "result json",
                "meta json",
                "exit_code number",
                "cost_usd number",
                "finished_at time",
                "started_at time",
                "updated_at time",
            ),
            {
                "id": "run_no",
                "status": "state",
                "agent_id": "agent",
                "organization_id": "org_id",
                "status_code": "exit_code",
                "cost": "cost_usd",
                "metadata": "meta",
                "output": "result",
                "completed_at": "finished_at",
                "created_at": "started_at",
            },
        ),
        (
            'app."AgentRuns"',
            (
                "Id other key",
                "botId other",
                "tenantID other",
                "runStatus text",
                "endedAt time",
                "Insert ed At time",
            ),
            {
                "id": "Id",
                "status": "runStatus",
                "agent_id": "botId",
                "organization_id": "tenantID",
                "completed_at": "endedAt",
            },
        ),
        (
            "public.tasks",
            (
                "tenant_id number",
                "task_id number",
                "assistant_id number",
                "task_state text",
                "state text",
                "document json",
            ),
            {
                "id": "task_id",
                "status": "state",
                "agent_id": "assistant_id",
                "organization_id": "tenant_id",
                "output": "document",
            },
        ),
        (
            "public.jobs",
            (
                "id number key",
                "agent_version_id other",
                "status text",
                "created_at text",
                "cost text",
                "a json",
                "b json",
            ),
            {"id": "id", "status": "status", "agent_version_id": "agent_version_id"},
        ),
    ],
    ids=["snake case", "camel case and quoted names", "a name with the table's in front", "types"],
)
def test_the_columns_of_jobs_are_recognized_by_name_and_type(
    table: str, described: tuple[str, ...], expected: dict[str, str]
) -> None:
    assert mapped("jobs", table, *described) == expected


@pytest.mark.parametrize(
    ("kind", "described", "expected"),
    [
        (
            "commits",
            ("id number key", "goal number", "thread_id text", "Fields json", "created_at time"),
            {
                "id": "id",
                "goal_id": "goal",
                "session_id": "thread_id",
                "data": "Fields",
                "committed_at": "created_at",
            },
        ),
        (
            "organizations",
            ("id text key", "display_name text"),
            {"id": "id", "name": "display_name"},
        ),
        (
            "agents",
            ("id text key", "title text", "workspace_id text"),
            {"id": "id", "name": "title", "organization_id": "workspace_id"},
        ),
        (
            "goals",
            ("goal_id text", "label text", "account text", "template text"),
            {
                "id": "goal_id",
                "name": "label",
                "organization_id": "account",
                "template_id": "template",
            },
        ),
        (
            "sessions",
            ("id text key", "customer_id text", "variables json"),
            {"id": "id", "organization_id": "customer_id", "context": "variables"},
        ),
    ],
)
def test_the_columns_of_every_other_kind_are_recognized(
    kind: str, described: tuple[str, ...], expected: dict[str, str]
) -> None:
    assert mapped(kind, "public.things", *described) == expected


def test_a_column_is_proposed_for_only_one_field() -> None:
    proposal = mapped(
        "jobs", "public.runs", "id number key", "agent text", "status text", "data json"
    )
    assert sorted(proposal.values()) == ["agent", "data", "id", "status"]


def test_a_requested_mapping_takes_precedence_over_the_current_one_and_over_names() -> None:
    table = columns(
        "id number key", "status text", "state text", "agent text", "a json", "cost number"
    )
    proposal = propose(
        "jobs",
        "public.runs",
        table,
        {"status": "state", "output": "a.b", "metadata": "gone", "agent_id": "agent"},
        {"agent_id": {"value": "a-1"}, "cost": None},
    )
    assert proposal.mapping == {
        "id": "id",
        "status": "state",
        "agent_id": {"value": "a-1"},
        "output": "a.b",
    }
    assert (proposal.reasons["status"], proposal.reasons["agent_id"]) == ("current", "--map")
    assert proposal.unread == ("status", "agent", "cost")


def test_fields_without_a_column_are_listed() -> None:
    assert propose("commits", "public.c", columns("x text"), {}, {}).missing == (
        "id",
        "goal_id",
        "data",
    )
    proposal = propose("jobs", "public.r", columns("id number key", "status text"), {}, {})
    assert proposal.missing == ("agent_id",)
    assert "agent_id" not in [field.name for field in proposal.absent]


@pytest.mark.parametrize("kind", KINDS)
def test_every_optional_field_describes_its_absence(kind: str) -> None:
    for field in FIELDS[kind]:
        constant = field.name in {"key_prefix", "time_zone"}
        assert bool(field.without) != (field.is_required or constant), field


JOBS = propose("jobs", "public.runs", columns("id number key", "agent text", "state text"), {}, {})


def status_map(
    values: list[str], current: dict[str, str] | None = None, **expected: str | None
) -> dict[str, str] | None:
    proposal: Proposal = with_status_map(JOBS, values, current, expected)
    statuses: dict[str, str] | None = proposal.mapping.get("status_map")
    return statuses


def test_statuses_are_mapped_by_meaning_and_cancelled_is_never_mapped() -> None:
    values = ["Done", "ERROR", "cancelled", "canceled", "running", "ok"]
    assert status_map(values) == {"Done": "succeeded", "ERROR": "failed", "ok": "succeeded"}


@pytest.mark.parametrize("values", [[], ["running"], ["failed", "succeeded"], ["succeeded"]])
def test_a_redundant_status_map_is_omitted(values: list[str]) -> None:
    assert status_map(values) is None


def test_requested_statuses_take_precedence() -> None:
    assert status_map(["done", "error"], None, done=None, shut="failed") == {
        "error": "failed",
        "shut": "failed",
    }
    assert status_map(["done"], {"old": "succeeded"}, new="failed") == {
        "old": "succeeded",
        "new": "failed",
    }


def test_only_succeeded_and_failed_complete_a_job() -> None:
    assert completing(JOBS) == {"succeeded": "succeeded", "failed": "failed"}
    proposal = with_status_map(JOBS, [], None, {"stopped": "cancelled", "done": "succeeded"})
    assert completing(proposal) == {"done": "succeeded"}
