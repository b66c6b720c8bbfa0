"""The keys and digits of default payloads, and the variables of templates."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.db.connection_pool import Pool
from rowhook.model import Event
from rowhook.render.payload import default_payload, rfc3339, variables
from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import ROOTS, compile_template
from tests.support.sample_platform import Platform

AT = "2026-05-23T12:34:56.789Z"
ORGANIZATION = UUID(int=7)
JOB_SNAPSHOT = (
    '{"agent":{"id":"a1","name":"Ann"},"agent_version":{"id":"v1","name":"v1"},'
    '"job":{"id":"j1","status":"succeeded","status_code":1,"cost":0.00420,'
    '"created_at":"2026-05-23T12:00:00.000000Z","completed_at":"2026-05-23T12:34:00.000000Z"},'
    '"organization":{"id":"o1","name":"Acme"}}'
)
COMMIT_SNAPSHOT = (
    '{"commit_id":"c1","committed_at":"2026-05-23T12:34:00.000000Z","goal":{"id":"g1"},'
    '"template":{"id":"t1"},"session":{"id":null},"interview":{"id":null},'
    '"organization":{"id":"o1","name":"Acme"}}'
)
COMMIT_KEYS = [
    "timestamp",
    "commit_id",
    "committed_at",
    "goal",
    "template",
    "session",
    "interview",
    "data",
]
JOB_KEYS = [
    "id",
    "status",
    "status_code",
    "cost",
    "created_at",
    "completed_at",
    "output",
    "metadata",
]


def event(kind: str = "goal.committed", **fields: Any) -> Event:
    snapshot = JOB_SNAPSHOT if kind.startswith("job.") else COMMIT_SNAPSHOT
    created: dict[str, Any] = {
        "id": 42,
        "type": kind,
        "key": "k",
        "organization_id": ORGANIZATION,
        "occurred_at": datetime(2026, 5, 23, tzinfo=UTC),
        "snapshot": snapshot,
        "data": '{"n": 1}',
        "context": None,
    }
    return Event(**(created | fields))


def rendered(source: str, about: Event) -> str:
    return compile_template(source, OutputContext.TEXT).render(variables(about, AT)).redacted()


def test_the_payload_of_a_job_has_exactly_the_documented_keys() -> None:
    body = json.loads(default_payload(event("job.succeeded", context='{"m": 2}'), AT))
    assert list(body) == ["timestamp", "agent", "agent_version", "job", "organization"]
    assert list(body["job"]) == JOB_KEYS
    assert body["job"] | {"output": {"n": 1}, "metadata": {"m": 2}} == body["job"]
    for name in ("agent", "agent_version", "organization"):
        assert list(body[name]) == ["id", "name"]
    assert body["timestamp"] == AT


def test_the_payload_of_a_commit_has_exactly_the_documented_keys() -> None:
    body = json.loads(default_payload(event(), AT))
    assert list(body) == COMMIT_KEYS
    for name in ("goal", "template", "session", "interview"):
        assert list(body[name]) == ["id"]
    assert body["session"] == body["interview"] == {"id": None}


@pytest.mark.parametrize("kind", ["job.failed", "goal.committed"])
def test_absent_data_is_null(kind: str) -> None:
    body = json.loads(default_payload(event(kind, data=None, context=None), AT))
    if kind == "goal.committed":
        assert body["data"] is None
    else:
        assert (body["job"]["output"], body["job"]["metadata"]) == (None, None)


@pytest.mark.parametrize(
    "data",
    [
        '{"price": 1.10}',
        "123456789012345678901234567890",
        "1e100000",
        '{"a":1,"a":2}',
        '"\\ud800"',
        '{ "spaced" :  [1.0,  -0.0] }',
        "null",
        '""',
        "false",
        "0",
    ],
)
def test_committed_numbers_keep_their_digits(data: str) -> None:
    assert default_payload(event(data=data), AT).endswith(f',"data":{data}}}')
    job = default_payload(event("job.succeeded", data=data, context=data), AT)
    assert f',"output":{data},"metadata":{data}}},"organization"' in job
    assert '"cost":0.00420,' in job


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_the_payload_is_always_json(value: Any) -> None:
    body = json.loads(default_payload(event(data=json.dumps(value)), AT))
    assert list(body) == COMMIT_KEYS
    assert body["data"] == value


def test_an_operational_event_names_the_webhook_and_the_reason() -> None:
    snapshot = (
        '{"organization": {"id":"o","name":"n"},'
        ' "webhook": {"id":"w","name":"crm","state":"active"},'
        ' "reason": "nothing but failures"}'
    )
    assert default_payload(event("webhook.failing", snapshot=snapshot), AT) == (
        f'{{"type":"webhook.failing","timestamp":"{AT}","organization":{{"id":"o","name":"n"}},'
        '"webhook":{"id":"w","name":"crm","state":"active"},"reason":"nothing but failures"}'
    )


@pytest.mark.parametrize(
    ("epoch_s", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (1779539696.789, AT), (1.9999, "1970-01-01T00:00:01.999Z")],
)
def test_a_time_is_rfc_3339_in_utc_with_milliseconds(epoch_s: float, text: str) -> None:
    assert rfc3339(epoch_s) == text


@pytest.mark.parametrize("kind", ["job.succeeded", "goal.committed", "webhook.test"])
def test_every_root_variable_is_defined_for_every_event(kind: str) -> None:
    existing = variables(event(kind, snapshot="{}", data=None), AT)
    for root in ROOTS:
        assert isinstance(existing[root], object)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{data.n}}", "1"),
        ("{{data.cost | default('-')}}", "-"),
        ("{{context.tenant}}", "acme"),
        ("{{goal.id}} {{template.id}} {{commit_id}}", "g1 t1 c1"),
        ("{{committed_at}}", "2026-05-23T12:34:00.000000Z"),
        ("{{timestamp}} {{event.id}} {{event.type}}", f"{AT} 42 goal.committed"),
        ("{{organization.name}}", "Acme"),
        ("[{{session.id}}] [{{interview.id}}]", "[] []"),
        ("{{session.id is none}} {{session.id is defined}}", "true true"),
        ("[{{agent.name}}] [{{job.status}}] [{{job.output}}]", "[] [] []"),
        ("{{job.metadata is none}} {{agent_version.id is none}}", "true true"),
    ],
)
def test_a_commit_has_its_variables_and_null_for_those_of_a_job(source: str, text: str) -> None:
    assert rendered(source, event(context='{"tenant": "acme"}')) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{data.price}} {{job.output.price}}", "1.10 1.10"),
        ("{{context.m}} {{job.metadata.m}}", "7 7"),
        (
            "{{job.status}} {{job.cost}} {{agent.name}} {{agent_version.name}}",
            "succeeded 0.00420 Ann v1",
        ),
        ("[{{goal.id}}] [{{session.id}}] [{{commit_id}}] [{{committed_at}}]", "[] [] [] []"),
    ],
)
def test_a_job_has_its_variables_and_null_for_those_of_a_commit(source: str, text: str) -> None:
    job = event("job.succeeded", data='{"price": 1.10}', context='{"m": 7}')
    assert rendered(source, job) == text


@pytest.mark.anyio
async def test_snapshots_of_the_database_give_the_documented_payloads(
    platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.webhook_of_agent()
    await platform.commit('{"price": 1.10}')
    await platform.job("succeeded", output='{"ok": 1.0}', cost="0.00420")
    first, second = await platform.claim(pool)
    by_type = {claim.event.type: claim.event for claim in (first, second)}
    commit = default_payload(by_type["goal.committed"], AT)
    job = default_payload(by_type["job.succeeded"], AT)
    assert list(json.loads(commit)) == COMMIT_KEYS
    assert list(json.loads(job)["job"]) == JOB_KEYS
    assert '"data":{"price": 1.10}' in commit
    assert '"cost":0.00420' in job
    assert '"output":{"ok": 1.0}' in job
    assert json.loads(job)["job"]["completed_at"].endswith("Z")
