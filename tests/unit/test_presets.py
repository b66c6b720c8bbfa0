"""The presets: each can be saved, has the expected body, and keeps to its service's rules."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from rowhook.dashboard.presets import PRESETS, Preset
from rowhook.model import Event, Request
from rowhook.render.configuration import Configuration
from rowhook.render.save_checks import check_before_save
from tests.support.rendering import rendered_request
from tests.support.service_rules import check

EXPECTED = Path(__file__).parent / "preset_bodies"
# PagerDuty gets failed jobs only.
CASES = [
    (name, kind)
    for name in PRESETS
    for kind in ("commit", "job")
    if (name, kind) != ("pagerduty", "commit")
]
SECRETS = {
    "salesforce-host": "acme.my.salesforce.com",
    "pagerduty-key": "R0123456789ABCDEF0123456789ABCDE",
    "airtable-base": "appABCDEFGHIJKLMN",
}
LEAD = {
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "company": "Analytical & Sons",
    "score": 9.5,
    "is_new": True,
    "tags": ["math", "engines"],
    "phone": None,
}
LONG = "x" * 5_000
HOSTILE = {
    "email": 'a"b@example.com',
    "last_name": 'O"Neil\\ </script> <!channel> <@everyone> @everyone',
    "first_name": "\N{PILE OF POO}" * 5_000,
    "company": "<users/all> & <https://evil.example|click> [click](https://evil.example)",
    "phone": "*bold* _it_ `code` # heading\n- list\r\n> quote\t\u2028\x00\x1f",
    "notes": "&<>\"'\\" * 5_000,
    LONG: LONG,
    "<b>&": "&" * 5_000,
    "\\" * 5_000: "\\" * 5_000,
    "": "",
    " ": " \n",
    "null": None,
    "list": [LONG, {"a": [LONG]}],
    "a" * 70: "*" * 5_000,
    **{f"key {number}": LONG for number in range(40)},
}


def event(data: Any, name: str, *, is_commit: bool) -> Event:
    """Returns a commit or a failed job with this data, of a goal or an agent of this name."""
    snapshot = {
        "organization": {"id": "org_1", "name": name},
        **(
            {
                "commit_id": "commit_1",
                "committed_at": "2026-05-23T12:00:00.000000Z",
                "goal": {"id": name},
                "template": {"id": "template_1"},
                "session": {"id": "session_1"},
                "interview": {"id": None},
            }
            if is_commit
            else {
                "job": {"id": "job_1", "status": "failed", "status_code": 500, "cost": 0.0042},
                "agent": {"id": "agent_1", "name": name},
                "agent_version": {"id": "version_1", "name": "v1"},
            }
        ),
    }
    return Event(
        id=42,
        type="goal.committed" if is_commit else "job.failed",
        key="commit_1" if is_commit else "job_1",
        organization_id=UUID(int=2),
        occurred_at=datetime(2026, 5, 23, tzinfo=UTC),
        snapshot=json.dumps(snapshot),
        data=json.dumps(data),
        context='{"tenant": "acme"}',
    )


def completed(preset: Preset) -> Configuration:
    """Returns the configuration of a preset with the name and URL that a user adds."""
    url = preset.configuration.url
    changes: dict[str, Any] = {"url": "https://example.com/"} if url == "https://" else {}
    return msgspec.structs.replace(preset.configuration, name="x", **changes)


def rendered(name: str, sample: Event) -> Request:
    preset = PRESETS[name]
    fields = msgspec.to_builtins(completed(preset))
    secrets = {
        secret: SECRETS.get(secret, "https://hooks.example.com/T1") for secret, _ in preset.secrets
    }
    return rendered_request(sample, secrets=secrets, **fields)


def body(name: str, sample: Event) -> str:
    """Returns the rendered body, which must keep to the rules of its service."""
    text = (rendered(name, sample).body or b"").decode()
    check(name, text)
    return text


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_can_be_saved_without_warnings(name: str) -> None:
    findings = check_before_save(completed(PRESETS[name]))
    assert (findings.faults, findings.warnings) == ([], [])


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_preset_has_exactly_the_expected_body(name: str, kind: str) -> None:
    expected = EXPECTED / f"{name}.{kind}.json"
    title = "Onboarding" if kind == "commit" else "Importer"
    text = body(name, event(LEAD, title, is_commit=kind == "commit")) + "\n"
    if os.environ.get("ROWHOOK_WRITE_BODIES") == "1":
        expected.write_text(text, "utf-8")
    assert text == expected.read_text("utf-8")


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_preset_keeps_to_the_rules_with_hostile_data(name: str, kind: str) -> None:
    hostile = '<!channel> <users/all> @everyone "\\\n [a](b) & ' + LONG
    body(name, event(HOSTILE, hostile, is_commit=kind == "commit"))


@pytest.mark.parametrize("data", [None, [], {}, "text", 1.10, [{"a": 1}], True])
@pytest.mark.parametrize(
    ("name", "kind"), [case for case in CASES if case[0] not in {"hubspot", "salesforce"}]
)
def test_a_preset_that_needs_no_key_accepts_data_of_any_type(
    name: str, kind: str, data: Any
) -> None:
    body(name, event(data, "", is_commit=kind == "commit"))


def test_missing_fields_of_a_contact_are_left_out_and_keep_their_values() -> None:
    lead = {"email": "a@example.com", "last_name": "Li"}
    contact = json.loads(body("hubspot", event(lead, "x", is_commit=True)))["inputs"][0]
    assert contact["properties"] == {"lastname": "Li", "email": "a@example.com"}
    assert json.loads(body("salesforce", event(lead, "x", is_commit=True))) == {
        "LastName": "Li",
        "Email": "a@example.com",
        "Company": "Unknown",
        "LeadSource": "Web",
    }


def test_secrets_and_the_key_are_in_the_request() -> None:
    request = rendered("salesforce", event(LEAD, "x", is_commit=True))
    assert request.method == "PATCH"
    assert request.url == (
        "https://acme.my.salesforce.com/services/data/v62.0/sobjects/Lead/Rowhook_Key__c/commit_1"
    )
    assert dict(request.headers)["Authorization"].startswith("Bearer ")
