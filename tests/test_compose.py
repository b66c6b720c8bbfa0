"""What a save refuses, with pointers, and what a delivery sends: body, URL, headers, and no more."""

from __future__ import annotations

import ipaddress
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from rowhook.compose import (
    Configuration,
    ConfigurationRejected,
    Webhook,
    compile_webhook,
    compose,
    read_configuration,
    to_json,
    used_secrets,
)
from rowhook.delivery import Event, Outcome, Request, Verdict
from rowhook.egress import FORBIDDEN, Egress

PUBLIC = Egress()
LOCAL = Egress(allow_networks=(ipaddress.ip_network("127.0.0.0/8"),))
EPOCH_S = 1779539696.789
IDENTITY = {"id": UUID(int=1), "organization_id": UUID(int=2), "revision": 3, "secrets_version": 4}
EVENT = Event(
    id=42, type="goal.committed", key="commit_1", organization_id=UUID(int=2),
    occurred_at=datetime(2026, 5, 23, tzinfo=UTC),
    snapshot='{"commit_id":"commit_1","committed_at":"2026-05-23T12:00:00.000000Z"}',
    data='{"n": 1.10, "name": "Ada", "host": "evil.internal"}', context='{"tenant": "acme"}',
)  # fmt: skip


def configuration(**fields: Any) -> Configuration:
    return Configuration(**({"name": "hook", "url": "https://example.com/hook"} | fields))


def compiled(*, policy: Egress | None = PUBLIC, brand: str = "Roxels", **fields: Any) -> Webhook:
    ours = {name: fields.pop(name) for name in ("secrets", "allowed_hosts") if name in fields}
    return compile_webhook(
        configuration(**fields), identity=IDENTITY, brand=brand, policy=policy, **ours
    )


def faults(**fields: Any) -> dict[str, str]:
    with pytest.raises(ConfigurationRejected) as refused:
        compiled(**fields)
    return {one.pointer: one.message for one in refused.value.faults}


def sent(event: Event = EVENT, policy: Egress = PUBLIC, **fields: Any) -> Request:
    made = compose(compiled(policy=None, **fields), event, epoch_s=EPOCH_S, policy=policy)
    assert isinstance(made, Request), made
    return made


def stopped(event: Event = EVENT, policy: Egress = PUBLIC, **fields: Any) -> Outcome:
    made = compose(compiled(policy=None, **fields), event, epoch_s=EPOCH_S, policy=policy)
    assert isinstance(made, Outcome), made
    return made


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"name": " "}, "/name", "give it a name"),
    ({"url": None}, "/url", "needed for kind http"),
    ({"kind": "frontend"}, "/url", "refused for kind frontend"),
    ({"url": "ftp://example.com/"}, "/url", "https://"),
    ({"url": "https://u:p@example.com/"}, "/url", "a user name before the host"),
    ({"url": "http://example.com/"}, "/url", "plain http is not allowed"),
    ({"url": "https://127.0.0.1/"}, "/url", "ROWHOOK_ALLOW_NETWORKS=127.0.0.0/8"),
    ({"url": "https://intranet/"}, "/url", FORBIDDEN),
    ({"url": "https://example.com/{{datum.x}}"}, "/url", "line 1, column 23"),
    ({"timeout_s": 0.5}, "/timeout_s", "from 1 to 30 seconds"),
    ({"timeout_s": 31}, "/timeout_s", "from 1 to 30 seconds"),
    ({"max_in_flight": 0}, "/max_in_flight", "at least 1"),
    ({"rate_per_s": 0}, "/rate_per_s", "more than 0"),
    ({"retry_schedule_s": []}, "/retry_schedule_s", "from 1 to 100 delays"),
    ({"retry_schedule_s": [0, -1]}, "/retry_schedule_s/1", "from 0 seconds to 30 days"),
    ({"retry_schedule_s": [float("nan")]}, "/retry_schedule_s/0", "from 0 seconds to 30 days"),
    ({"event_types": ["job.failed", "job.lost"]}, "/event_types/1", "one of goal.committed"),
    ({"raw_payload": True, "body_template": "{}"}, "/body_template", "keep one of the two"),
    ({"body_template": '{"a": {{data.x | nope}}}'}, "/body_template", "line 1, column"),
    ({"body_template": "{% include 'x' %}"}, "/body_template", "line 1, column"),
    ({"condition": "data.n >"}, "/condition", "line 1, column"),
    ({"schema": {"type": "nonsense"}}, "/schema/type", ""),
    ({"schema": {"$ref": "https://example.com/s.json"}}, "/schema/$ref", ""),
    ({"schema": {}, "headers": {"content-type": "text/plain"}}, "/schema", "needs a JSON body"),
    ({"headers": {"Content-Type": "{{data.type}}"}}, "/headers/Content-Type", "write it plainly"),
    ({"headers": {"X-A": "{{data.x"}}, "/headers/X-A", "line 1, column"),
    ({"headers": {"a/b~c": "1"}}, "/headers/a~1b~0c", "a header name is"),
    ({"headers": {"X-A": "1", "x-a": "2"}}, "/headers/x-a", "given twice"),
    ({"headers": {f"X-{n}": "1" for n in range(51)}}, "/headers", "at most 50"),
]
REFUSED = [
    "Host", "content-length", "Transfer-Encoding", "CONNECTION", "Keep-Alive", "TE", "Trailer",
    "Upgrade", "Expect", "Proxy-Authorization", "proxy-anything", "Accept-Encoding",
]  # fmt: skip
FORCED = [
    "idempotency-key", "X-Roxels-Signature", "x-acme-signature", "Webhook-Id", "webhook-timestamp",
    "WEBHOOK-SIGNATURE",
]  # fmt: skip


@pytest.mark.parametrize(("fields", "pointer", "said"), FAULTS)
def test_a_fault_is_refused_with_its_pointer(
    fields: dict[str, Any], pointer: str, said: str
) -> None:
    found = faults(**fields)
    assert list(found) == [pointer]
    assert said in found[pointer]


def test_all_faults_come_in_one_answer() -> None:
    found = faults(
        name="", url="https://10.0.0.1/", timeout_s=99, headers={"Host": "x", "X-A": "{{a}}"},
        body_template="{{b}}", condition="c", schema={"type": 3},
    )  # fmt: skip
    assert set(found) == {
        "/name", "/url", "/timeout_s", "/headers/Host", "/headers/X-A", "/body_template",
        "/condition", "/schema/type",
    }  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_header_of_the_connection_is_refused(name: str) -> None:
    assert "set by the connection itself" in faults(headers={name: "x"})[f"/headers/{name}"]


@pytest.mark.parametrize("name", FORCED)
def test_a_header_of_ours_is_sent_once_and_the_save_warns(name: str) -> None:
    webhook = compiled(headers={name: "theirs", "X-Mine": "kept"}, brand="Acme")
    assert [one.split()[0] for one in webhook.warnings] == [name]
    assert [kept for kept, _ in webhook.headers] == ["X-Mine"]


def test_a_webhook_without_headers_of_ours_warns_of_nothing() -> None:
    assert compiled(headers={"X-Webhook-Id": "1", "X-Acme-Signature": "2"}).warnings == ()


def test_a_configuration_comes_back_from_its_text() -> None:
    given = configuration(schema={"type": "object"}, metadata={"a": 1}, retry_schedule_s=[0, 0.5])
    assert read_configuration(to_json(given)) == given


BODIES: list[tuple[dict[str, Any], bytes | None]] = [
    ({"raw_payload": True}, b'{"n": 1.10, "name": "Ada", "host": "evil.internal"}'),
    ({"raw_payload": True, "method": "DELETE"}, EVENT.data.encode() if EVENT.data else None),
    ({"body_template": '{"n": {{data.n}}, "s": "{{data.name}}"}'}, b'{"n": 1.10, "s": "Ada"}'),
    ({"body_template": "{{data.name}}", "method": "GET",
      "headers": {"Content-Type": "text/plain"}}, b"Ada"),
    ({"method": "GET"}, None),
    ({"method": "DELETE"}, None),
    ({"body_template": ""} | {"headers": {"Content-Type": "text/plain"}}, b""),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "body"), BODIES)
def test_a_body_is_the_one_that_the_contract_names(
    fields: dict[str, Any], body: bytes | None
) -> None:
    made = sent(**fields)
    assert made.body == body
    assert made.shown.body == (None if body is None else body.decode())


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_without_a_template_the_default_payload_is_sent(method: str) -> None:
    made = sent(method=method)
    assert json.loads(made.body or b"")["data"]["name"] == "Ada"
    assert b'"timestamp":"2026-05-23T12:34:56.789Z"' in (made.body or b"")


def test_a_raw_null_sends_null() -> None:
    event = Event(**{name: getattr(EVENT, name) for name in EVENT.__struct_fields__} | {
        "data": None
    })  # fmt: skip
    assert sent(event, raw_payload=True).body == b"null"


def test_raw_bytes_are_the_committed_ones_and_a_schema_is_asserted_of_them() -> None:
    schema = {"properties": {"n": {"type": "string"}}}
    outcome = stopped(raw_payload=True, schema=schema)
    assert outcome.verdict == Verdict.SCHEMA_FAILED
    assert "/n" in (outcome.error or "")
    assert stopped(schema={"required": ["nope"]}).verdict == Verdict.SCHEMA_FAILED


STOPS: list[tuple[dict[str, Any], Verdict, str]] = [
    ({"body_template": '{"n": {{data.n}}'}, Verdict.RENDER_FAILED, "the body is not JSON"),
    ({"body_template": "{{data.nmae}}"}, Verdict.RENDER_FAILED, "did you mean data.name?"),
    ({"body_template": "{{secret:gone}}"}, Verdict.RENDER_FAILED, "secret:gone does not exist"),
    ({"headers": {"X-A": "{{data.list}}"}}, Verdict.RENDER_FAILED, "data.list is not defined"),
    ({"condition": "data.n > 5"}, Verdict.SKIPPED, "the condition was false"),
    ({"condition": "data.m > 5"}, Verdict.RENDER_FAILED, "data.m is not defined"),
    ({"url": "https://127.0.0.1/"}, Verdict.TARGET_FORBIDDEN, FORBIDDEN),
    ({"url": "https://{{data.host}}/"}, Verdict.TARGET_FORBIDDEN, FORBIDDEN),
    ({"url": "{{secret:inner}}", "secrets": {"inner": "https://10.1.2.3/"}},
     Verdict.TARGET_FORBIDDEN, FORBIDDEN),
    ({"url": "http://example.com/"}, Verdict.RENDER_FAILED, "the URL: plain http is not allowed"),
    ({"url": "https://{{data.name}}:99999/"}, Verdict.RENDER_FAILED, "the URL: "),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "verdict", "said"), STOPS)
def test_what_cannot_be_sent_is_an_outcome(
    fields: dict[str, Any], verdict: Verdict, said: str
) -> None:
    outcome = stopped(**fields)
    assert outcome.verdict == verdict
    assert said in (outcome.error or "")


def test_a_true_condition_sends_and_a_literal_that_is_allowed_may_be_called() -> None:
    assert sent(condition="data.n > 1 and context.tenant == 'acme'").method == "POST"
    assert sent(policy=LOCAL, url="http://127.0.0.1:9/x").url == "http://127.0.0.1:9/x"


def test_an_event_that_was_too_large_is_said_and_never_sent_short() -> None:
    event = Event(**{name: getattr(EVENT, name) for name in EVENT.__struct_fields__} | {
        "data": None, "oversize_bytes": 2_000_000,
    })  # fmt: skip
    outcome = stopped(event, raw_payload=True)
    assert outcome.verdict == Verdict.RENDER_FAILED
    assert "2000000 bytes" in (outcome.error or "")


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {"User-Agent": "Roxels-Webhook/1", "Content-Type": "application/json"}),
        ({"method": "GET"}, {"User-Agent": "Roxels-Webhook/1"}),
        ({"brand": "Acme", "method": "GET"}, {"User-Agent": "Acme-Webhook/1"}),
        ({"headers": {"user-agent": "Mine/2", "content-type": "application/ld+json"}},
         {"user-agent": "Mine/2", "content-type": "application/ld+json"}),
        ({"method": "GET", "headers": {"X-A": "{{data.name}}!"}},
         {"User-Agent": "Roxels-Webhook/1", "X-A": "Ada!"}),
    ],
)  # fmt: skip
def test_the_fixed_headers_may_be_replaced(fields: dict[str, Any], headers: dict[str, str]) -> None:
    made = sent(**fields)
    assert dict(made.headers) == headers
    assert len(made.headers) == len(headers)


def test_a_secret_is_sent_everywhere_and_shown_nowhere() -> None:
    made = sent(
        url="https://example.com/{{secret:k}}", headers={"X-Key": "Bearer {{secret:k}}"},
        body_template='{"k": "{{secret:k}}"}', secrets={"k": 'can"ary/&'},
    )  # fmt: skip
    assert made.url == "https://example.com/can%22ary%2F%26"
    assert ("X-Key", 'Bearer can"ary/&') in made.headers
    assert json.loads(made.body or b"") == {"k": 'can"ary/&'}
    assert "ary" not in repr(made.shown)
    assert repr(made.shown).count("[secret:k]") == 3


def test_the_secrets_that_are_used_are_known() -> None:
    webhook = compiled(
        url="{{secret:a}}/x", headers={"X-B": "{{secret:b.c}}"}, body_template='"{{secret:d}}"'
    )
    assert used_secrets(webhook) == {"a", "b.c", "d"}


def test_a_secret_goes_to_its_allowed_hosts_alone() -> None:
    fields: dict[str, Any] = {
        "headers": {"X-Key": "{{secret:k}}"}, "secrets": {"k": "canary"},
        "allowed_hosts": {"k": ("api.example.com", "example.org")},
    }  # fmt: skip
    assert sent(url="https://API.example.com/", **fields).url == "https://API.example.com/"
    outcome = stopped(url="https://{{context.tenant}}.example.com/", **fields)
    assert outcome.verdict == Verdict.CONFIG_REJECTED
    assert "secret k may be sent to api.example.com, example.org alone" in (outcome.error or "")
    assert "canary" not in (outcome.error or "")


def test_a_schema_fault_never_shows_a_secret() -> None:
    webhook = compile_webhook(
        configuration(
            body_template='{"{{secret:k}}": 1}', schema={"additionalProperties": False}
        ),
        identity=IDENTITY, brand="Roxels", secrets={"k": "canary"}, hidden=(("k", "canary"),),
    )  # fmt: skip
    made = compose(webhook, EVENT, epoch_s=EPOCH_S, policy=PUBLIC)
    assert isinstance(made, Outcome)
    assert made.verdict == Verdict.SCHEMA_FAILED
    assert "canary" not in (made.error or "")
