"""All faults of a webhook are reported on save, each with its JSON pointer."""

from __future__ import annotations

from typing import Any

import pytest

from rowhook.egress.errors import FORBIDDEN
from rowhook.render.configuration import read_configuration, to_json
from tests.support.rendering import compile_fields, configuration, configuration_faults

FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"name": " "}, "/name", "Must not be empty"),
    ({"url": None}, "/url", "Required for kind http."),
    ({"kind": "frontend"}, "/url", "Not allowed for kind frontend."),
    ({"url": "ftp://example.com/"}, "/url", "https://"),
    ({"url": "https://u:p@example.com/"}, "/url", "A user name is not allowed"),
    ({"url": "http://example.com/"}, "/url", "Plain http is not allowed"),
    ({"url": "https://127.0.0.1/"}, "/url", FORBIDDEN),
    ({"url": "https://intranet/"}, "/url", FORBIDDEN),
    ({"url": "https://169.254.169.254/{{commit_id}}"}, "/url", FORBIDDEN),
    ({"url": "http://127.0.0.1?x={{commit_id}}"}, "/url", FORBIDDEN),
    ({"url": "http://example.com/{% if true %}a{% endif %}"}, "/url", "Plain http is not allowed"),
    ({"url": "https://example.com/{{datum.x}}"}, "/url", "Line 1, column 23"),
    ({"timeout_s": 0.5}, "/timeout_s", "from 1 to 30 seconds"),
    ({"timeout_s": 31}, "/timeout_s", "from 1 to 30 seconds"),
    ({"max_in_flight": 0}, "/max_in_flight", "from 1 to 10000"),
    ({"rate_per_s": 0}, "/rate_per_s", "greater than 0"),
    ({"retry_schedule_s": []}, "/retry_schedule_s", "from 1 to 100 delays"),
    ({"retry_schedule_s": [0, -1]}, "/retry_schedule_s/1", "from 0 seconds to 30 days"),
    ({"retry_schedule_s": [float("nan")]}, "/retry_schedule_s/0", "from 0 seconds to 30 days"),
    ({"event_types": ["job.failed", "job.lost"]}, "/event_types/1", "one of goal.committed"),
    ({"raw_payload": True, "body_template": "{}"}, "/body_template", "combined with raw_payload"),
    ({"body_template": '{"a": {{data.x | nope}}}'}, "/body_template", "Line 1, column"),
    ({"body_template": "{% include 'x' %}"}, "/body_template", "Line 1, column"),
    ({"condition": "data.n >"}, "/condition", "Line 1, column"),
    ({"schema": {"type": "nonsense"}}, "/schema/type", ""),
    ({"schema": {"$ref": "https://example.com/s.json"}}, "/schema/$ref", ""),
    ({"schema": {}, "headers": {"content-type": "text/plain"}}, "/schema", "requires a JSON body"),
    (
        {"headers": {"Content-Type": "{{data.type}}"}},
        "/headers/Content-Type",
        "must not contain expressions",
    ),
    ({"headers": {"X-A": "{{data.x"}}, "/headers/X-A", "Line 1, column"),
    ({"headers": {"a/b~c": "1"}}, "/headers/a~1b~0c", "A header name consists"),
    ({"headers": {"X-A": "1", "x-a": "2"}}, "/headers/x-a", "occurs twice"),
    ({"headers": {f"X-{n}": "1" for n in range(51)}}, "/headers", "at most 50"),
]
REFUSED = [
    "Host",
    "content-length",
    "Transfer-Encoding",
    "CONNECTION",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Upgrade",
    "Expect",
    "Proxy-Authorization",
    "proxy-anything",
    "Accept-Encoding",
]
FORCED = [
    "idempotency-key",
    "X-Roxels-Signature",
    "x-acme-signature",
    "Webhook-Id",
    "webhook-timestamp",
    "WEBHOOK-SIGNATURE",
]


@pytest.mark.parametrize(("fields", "pointer", "message"), FAULTS)
def test_a_faulty_configuration_is_rejected_with_its_pointer(
    fields: dict[str, Any], pointer: str, message: str
) -> None:
    found_faults = configuration_faults(**fields)
    assert list(found_faults) == [pointer]
    assert message in found_faults[pointer]


def test_all_faults_are_reported_together() -> None:
    found_faults = configuration_faults(
        name="",
        url="https://10.0.0.1/",
        timeout_s=99,
        headers={"Host": "x", "X-A": "{{a}}"},
        body_template="{{b}}",
        condition="c",
        schema={"type": 3},
    )
    assert set(found_faults) == {
        "/name",
        "/url",
        "/timeout_s",
        "/headers/Host",
        "/headers/X-A",
        "/body_template",
        "/condition",
        "/schema/type",
    }


@pytest.mark.parametrize("name", REFUSED)
def test_a_connection_header_is_rejected(name: str) -> None:
    assert "set by the connection" in configuration_faults(headers={name: "x"})[f"/headers/{name}"]


@pytest.mark.parametrize("name", FORCED)
def test_a_reserved_header_is_sent_once_and_the_save_warns(name: str) -> None:
    webhook = compile_fields(headers={name: "theirs", "X-Mine": "kept"}, brand="Acme")
    assert [warning.split()[0] for warning in webhook.warnings] == [name]
    assert [stored_header for stored_header, _ in webhook.headers] == ["X-Mine"]


def test_a_webhook_without_reserved_headers_has_no_warnings() -> None:
    assert compile_fields(headers={"X-Webhook-Id": "1", "X-Acme-Signature": "2"}).warnings == ()


def test_a_configuration_survives_serialization() -> None:
    value = configuration(schema={"type": "object"}, metadata={"a": 1}, retry_schedule_s=[0, 0.5])
    assert read_configuration(to_json(value)) == value


def test_a_field_of_the_next_release_is_ignored_in_a_stored_configuration() -> None:
    value = configuration()
    stored = to_json(value)[:-1] + ', "priority": 7}'
    assert read_configuration(stored) == value
