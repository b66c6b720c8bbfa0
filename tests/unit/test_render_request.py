"""The rendered request of a delivery: body, URL and headers, and its redacted form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rowhook.egress.errors import FORBIDDEN
from rowhook.model import Event, Outcome, Verdict
from rowhook.render.request import render_request
from rowhook.render.webhook_compiler import compile_webhook, used_secrets
from tests.support.rendering import (
    EPOCH_S,
    EVENT,
    IDENTITY,
    LOCAL,
    PUBLIC,
    compile_fields,
    configuration,
    render_outcome,
    rendered_request,
)

BODIES: list[tuple[dict[str, Any], bytes | None]] = [
    ({"raw_payload": True}, b'{"n": 1.10, "name": "Ada", "host": "evil.internal"}'),
    ({"raw_payload": True, "method": "DELETE"}, EVENT.data.encode() if EVENT.data else None),
    ({"body_template": '{"n": {{data.n}}, "s": "{{data.name}}"}'}, b'{"n": 1.10, "s": "Ada"}'),
    (
        {
            "body_template": "{{data.name}}",
            "method": "GET",
            "headers": {"Content-Type": "text/plain"},
        },
        b"Ada",
    ),
    ({"method": "GET"}, None),
    ({"method": "DELETE"}, None),
    ({"body_template": ""} | {"headers": {"Content-Type": "text/plain"}}, b""),
]


@pytest.mark.parametrize(("fields", "body"), BODIES)
def test_a_body_is_chosen_by_the_documented_precedence(
    fields: dict[str, Any], body: bytes | None
) -> None:
    request = rendered_request(**fields)
    assert request.body == body
    assert request.redacted.body == (None if body is None else body.decode())


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_without_a_template_the_default_payload_is_sent(method: str) -> None:
    request = rendered_request(method=method)
    assert json.loads(request.body or b"")["data"]["name"] == "Ada"
    assert b'"timestamp":"2026-05-23T12:34:56.789Z"' in (request.body or b"")


def test_a_raw_null_sends_null() -> None:
    event = Event(
        **{name: getattr(EVENT, name) for name in EVENT.__struct_fields__} | {"data": None}
    )
    assert rendered_request(event, raw_payload=True).body == b"null"


def test_raw_payloads_are_the_committed_bytes_and_are_validated() -> None:
    schema = {"properties": {"n": {"type": "string"}}}
    outcome = render_outcome(raw_payload=True, schema=schema)
    assert outcome.verdict == Verdict.SCHEMA_FAILED
    assert "/n" in (outcome.error or "")
    assert render_outcome(schema={"required": ["nope"]}).verdict == Verdict.SCHEMA_FAILED


STOPS: list[tuple[dict[str, Any], Verdict, str]] = [
    ({"body_template": '{"n": {{data.n}}'}, Verdict.RENDER_FAILED, "The body is not valid JSON"),
    ({"body_template": "{{data.nmae}}"}, Verdict.RENDER_FAILED, "did you mean data.name?"),
    ({"body_template": "{{secret:gone}}"}, Verdict.RENDER_FAILED, "secret:gone does not exist"),
    ({"headers": {"X-A": "{{data.list}}"}}, Verdict.RENDER_FAILED, "data.list is not defined"),
    ({"condition": "data.n > 5"}, Verdict.SKIPPED, "The condition was false."),
    ({"condition": "data.m > 5"}, Verdict.RENDER_FAILED, "data.m is not defined"),
    ({"url": "https://127.0.0.1/"}, Verdict.TARGET_FORBIDDEN, FORBIDDEN),
    ({"url": "https://{{data.host}}/"}, Verdict.TARGET_FORBIDDEN, FORBIDDEN),
    (
        {"url": "{{secret:inner}}", "secrets": {"inner": "https://10.1.2.3/"}},
        Verdict.TARGET_FORBIDDEN,
        FORBIDDEN,
    ),
    ({"url": "http://example.com/"}, Verdict.RENDER_FAILED, "Plain http is not allowed"),
    ({"url": "https://{{data.name}}:99999/"}, Verdict.RENDER_FAILED, "The port of the URL"),
]


@pytest.mark.parametrize(("fields", "verdict", "message"), STOPS)
def test_a_request_that_cannot_be_rendered_is_an_outcome(
    fields: dict[str, Any], verdict: Verdict, message: str
) -> None:
    outcome = render_outcome(**fields)
    assert outcome.verdict == verdict
    assert message in (outcome.error or "")


def test_a_true_condition_sends_and_an_allowed_address_literal_is_permitted() -> None:
    assert rendered_request(condition="data.n > 1 and context.tenant == 'acme'").method == "POST"
    assert rendered_request(policy=LOCAL, url="http://127.0.0.1:9/x").url == "http://127.0.0.1:9/x"


def test_an_event_above_the_limit_is_reported_and_never_truncated() -> None:
    event = Event(
        **{name: getattr(EVENT, name) for name in EVENT.__struct_fields__}
        | {
            "data": None,
            "oversize_bytes": 2_000_000,
        }
    )
    outcome = render_outcome(event, raw_payload=True)
    assert outcome.verdict == Verdict.RENDER_FAILED
    assert "2000000 bytes" in (outcome.error or "")


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {"User-Agent": "Roxels-Webhook/1", "Content-Type": "application/json"}),
        ({"method": "GET"}, {"User-Agent": "Roxels-Webhook/1"}),
        ({"brand": "Acme", "method": "GET"}, {"User-Agent": "Acme-Webhook/1"}),
        (
            {"headers": {"user-agent": "Mine/2", "content-type": "application/ld+json"}},
            {"user-agent": "Mine/2", "content-type": "application/ld+json"},
        ),
        (
            {"method": "GET", "headers": {"X-A": "{{data.name}}!"}},
            {"User-Agent": "Roxels-Webhook/1", "X-A": "Ada!"},
        ),
    ],
)
def test_the_default_headers_may_be_replaced(
    fields: dict[str, Any], headers: dict[str, str]
) -> None:
    request = rendered_request(**fields)
    assert dict(request.headers) == headers
    assert len(request.headers) == len(headers)


def test_a_secret_is_sent_and_never_displayed() -> None:
    request = rendered_request(
        url="https://example.com/{{secret:k}}",
        headers={"X-Key": "Bearer {{secret:k}}"},
        body_template='{"k": "{{secret:k}}"}',
        secrets={"k": 'can"ary/&'},
    )
    assert request.url == "https://example.com/can%22ary%2F%26"
    assert ("X-Key", 'Bearer can"ary/&') in request.headers
    assert json.loads(request.body or b"") == {"k": 'can"ary/&'}
    assert "ary" not in repr(request.redacted)
    assert repr(request.redacted).count("[secret:k]") == 3


def test_the_used_secrets_are_listed() -> None:
    webhook = compile_fields(
        url="{{secret:a}}/x", headers={"X-B": "{{secret:b.c}}"}, body_template='"{{secret:d}}"'
    )
    assert used_secrets(webhook) == {"a", "b.c", "d"}


def test_a_secret_is_sent_only_to_its_allowed_hosts() -> None:
    fields: dict[str, Any] = {
        "headers": {"X-Key": "{{secret:k}}"},
        "secrets": {"k": "canary"},
        "allowed_hosts": {"k": ("api.example.com", "example.org")},
    }
    assert (
        rendered_request(url="https://API.example.com/", **fields).url == "https://API.example.com/"
    )
    outcome = render_outcome(url="https://{{context.tenant}}.example.com/", **fields)
    assert outcome.verdict == Verdict.CONFIG_REJECTED
    assert "Secret k may only be sent to its allowed hosts: api.example.com, example.org." in (
        outcome.error or ""
    )
    assert "canary" not in (outcome.error or "")


@pytest.mark.parametrize("host", ["[2606:4700::1111]", "[2606:4700:0::1111]"])
def test_a_secret_may_be_bound_to_an_ipv6_address(host: str) -> None:
    fields: dict[str, Any] = {
        "headers": {"X-Key": "{{secret:k}}"},
        "secrets": {"k": "canary"},
        "allowed_hosts": {"k": (host,)},
    }
    assert rendered_request(url="https://[2606:4700::1111]/", **fields).headers[-1][1] == "canary"
    other = render_outcome(url="https://[2606:4700::1112]/", **fields)
    assert other.verdict == Verdict.CONFIG_REJECTED


def test_a_schema_fault_never_contains_a_secret() -> None:
    webhook = compile_webhook(
        configuration(body_template='{"{{secret:k}}": 1}', schema={"additionalProperties": False}),
        identity=IDENTITY,
        brand="Roxels",
        secrets={"k": "canary"},
        hidden=(("k", "canary"),),
    )
    request = render_request(webhook, EVENT, epoch_s=EPOCH_S, policy=PUBLIC)
    assert isinstance(request, Outcome)
    assert request.verdict == Verdict.SCHEMA_FAILED
    assert "canary" not in (request.error or "")
