"""Sample data of test sends and previews, and their limits."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rowhook.db.connection_pool import Pool
from rowhook.egress.target_url import parse_target
from rowhook.model import Request
from rowhook.render.configuration import Configuration
from rowhook.render.request import render_request
from rowhook.render.webhook_compiler import Webhook
from rowhook.schema.schema_compiler import compile_schema
from rowhook.services import fake_data, previews, secrets
from rowhook.services.context import Rejected
from rowhook.services.json_reader import InvalidDocument, read_document
from rowhook.services.sample_data import Sample, placeholder_secrets, sample_data, texts_of
from tests.support.receiver import Receiver
from tests.support.rendering import EPOCH_S, EVENT, PUBLIC, compile_fields
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig


def make_sample(webhook: Webhook, schema: Any = None, *, is_commit: bool = True) -> Any:
    """Returns the sample data as a template sees it."""
    sample = sample_data(webhook, schema, is_commit=is_commit)
    texts = {root: msgspec.json.encode(value).decode() for root, value in sample.items()}
    event = msgspec.structs.replace(EVENT, type="webhook.test", **texts)
    return render_request(webhook, event, epoch_s=EPOCH_S, policy=PUBLIC)


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ('{"a": "{{data.a.b.c}}", "b": {{data.a.d}}}', '{"a": "sample c", "b": "sample d"}'),
        ('{"n": {{data.total + 1}}}', '{"n": 2}'),
        ('{"n": {{data.what | round(1)}}}', '{"n": 1}'),
        ('{"d": "{{data.born | date("%Y")}}"}', '{"d": "2026"}'),
        ('{"j": "{{data.tags | join(", ")}}"}', '{"j": "sample"}'),
        ('[{% for x in data.rows %}"{{x.email}}"{% endfor %}]', '["ada@example.com"]'),
        ('[{% for x in data.rows %}"{{x}}"{% endfor %}]', '["sample"]'),
        ('{"first": "{{data.rows[0].name}}"}', '{"first": "Ada Lovelace"}'),
        ('{"last": "{{data.rows[-1].name}}"}', '{"last": "Ada Lovelace"}'),
        ('{"or": "{{data.a | default("none")}}"}', '{"or": "sample a"}'),
        ('{"x": "{% if data.kind == "b" %}{{data.only_b}}{% endif %}"}', '{"x": "sample only_b"}'),
        ('{"c": "{{context.customer.createdAt}}"}', '{"c": "2026-05-23T12:34:56Z"}'),
    ],
)
def test_sample_data_contains_the_variables_of_the_template(template: str, body: str) -> None:
    sample = make_sample(compile_fields(body_template=template))
    assert isinstance(sample, Request), sample
    assert sample.redacted.body == body


@pytest.mark.parametrize(
    "condition",
    [
        "data.score > 0.75",
        "data.n >= 3 and data.m < -2",
        "data.status == 'won'",
        "data.vip == true",
        'context.plan in ["pro", "team"]',
        "data.note",
    ],
)
def test_sample_data_satisfies_the_condition(condition: str) -> None:
    assert isinstance(make_sample(compile_fields(condition=condition)), Request)


@pytest.mark.parametrize(
    ("url", "sample_url"),
    [
        ("{{context.callback}}/done?x={{data.a}}", "https://sample.example/done?x=sample%20a"),
        ("https://{{context.name}}.example.com/", "https://sample.example.com/"),
        ("https://{{data.host_of_customer}}/{{data.id}}", "https://sample.example/sample%20id"),
    ],
)
def test_sample_values_in_a_url_are_valid_there(url: str, sample_url: str) -> None:
    request = make_sample(compile_fields(policy=None, url=url))
    assert isinstance(request, Request), request
    assert request.url == sample_url


@pytest.mark.parametrize(
    "url",
    [
        "{{secret:hook}}",
        "{{ secret:hook }}/in",
        "https://{{secret:hook}}/",
        "https://example.com/",
        "https://{{secret:hook}}.example.com/{{secret:other}}",
    ],
)
def test_a_placeholder_for_a_secret_gives_a_valid_url(url: str) -> None:
    webhook = compile_fields(policy=None, url=url)
    assert webhook.url is not None
    revealed = webhook.url.render({}).reveal(placeholder_secrets(webhook, webhook.url.secrets))
    assert parse_target(revealed, PUBLIC)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}},
        {"properties": {"mail": {"type": "string", "format": "email"}}, "required": ["mail", "x"]},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 3},
        {"$ref": "#/$defs/a", "$defs": {"a": {"enum": ["x", "y"]}}},
        {"type": ["null", "number"], "exclusiveMinimum": 7, "maximum": 8},
        {"type": "string", "minLength": 12, "maxLength": 14},
        {"anyOf": [{"const": [1.5]}, {"type": "string"}]},
        {"prefixItems": [{"type": "string", "format": "uuid"}], "items": False},
        {"type": "object", "properties": {"deep": {"type": "object", "required": ["a"]}}},
        True,
    ],
)
def test_sample_data_for_a_raw_payload_matches_the_schema(schema: Any) -> None:
    assert compile_schema(schema).faults(fake_data.ValueGenerator(schema).generate(schema)) == ()
    sample = make_sample(compile_fields(raw_payload=True, schema=schema), schema)
    assert isinstance(sample, Request), sample


@pytest.mark.parametrize("is_commit", [True, False])
def test_sample_data_for_a_default_payload_matches_the_schema(is_commit: bool) -> None:  # noqa: FBT001  # a parameter of the test
    part = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    inner = {"job": {"properties": {"output": part}}}
    schema = {"properties": {"data": part} if is_commit else inner}
    sample = sample_data(compile_fields(schema=schema), schema, is_commit=is_commit)
    assert sample["data"] == {"n": 1}


def test_a_field_uses_the_schema_of_the_property_with_its_name() -> None:
    schema = {"properties": {"flag": {"type": "boolean"}, "kind": {"enum": ["b2b"]}}}
    webhook = compile_fields(
        body_template='{"flag": {{data.flag}}, "kind": "{{data.kind}}"}', schema=schema
    )
    assert make_sample(webhook, schema).redacted.body == '{"flag": true, "kind": "b2b"}'


def test_sample_data_of_a_recursive_schema_has_a_bounded_size() -> None:
    many = {f"p{number}": {"$ref": "#"} for number in range(50)}
    for schema in (
        {"type": "object", "properties": many},
        {"type": "array", "minItems": 10**9, "items": {"$ref": "#"}},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {
            "type": "object",
            "properties": {str(number): {"const": "x" * 500} for number in range(5_000)},
        },
    ):
        maker = fake_data.ValueGenerator(schema)
        generated = maker.generate(schema)
        # The budget is 20,000 parts and bytes; later parts are created without reading the schema.
        assert maker.remaining > -20_000
        assert len(msgspec.json.encode(generated)) < 10**6


def test_passed_json_keeps_its_digits() -> None:
    body = (
        b'{"data": {"n": 1.10, "e": 1e400, "i": 123456789012345678901234567890} , "context":null}'
    )
    sample = read_document(body, Sample)
    data, context = texts_of(sample, compile_fields(), None)
    assert data == '{"n": 1.10, "e": 1e400, "i": 123456789012345678901234567890}'
    assert context == "null"


@pytest.mark.parametrize("data", [b"{", b"[1,]", b"01", b'"\xff"', b"nan", b"1 2"])
def test_passed_data_must_be_json(data: bytes) -> None:
    with pytest.raises(InvalidDocument):
        read_document(b'{"data": ' + data + b"}", Sample)


@pytest.mark.anyio
async def test_data_above_the_event_limit_is_not_sent(
    dsn: str, pool: Pool, platform: Platform
) -> None:
    async with Receiver() as receiver:
        rig = Rig(dsn, pool, platform, receiver)
        saved = await rig.webhook(raw_payload=True)
        large = msgspec.Raw(b'"' + b"x" * (1 << 20) + b'"')
        preview = await previews.preview_webhook(rig.ctx, saved.id, Sample(data=large))
        assert (preview.outcome, preview.valid) == ("render_failed", False)
        assert "limit of 1 MiB" in (preview.error or "")


@pytest.mark.anyio
async def test_a_draft_opens_no_secret_and_respects_its_allowed_hosts(
    dsn: str, pool: Pool, platform: Platform
) -> None:
    async with Receiver() as receiver:
        rig = Rig(dsn, pool, platform, receiver)
        organization = platform.organization
        await secrets.put_secret(rig.ctx, organization, "k", "canary", ["a.example.com"])
        # A secret that cannot be opened is not needed.
        await platform.run("update rowhook.secret set sealed = '\\x00'")
        configuration = Configuration(
            name="new", url="https://{{context.t}}.example.com/", headers={"X-K": "{{secret:k}}"}
        )
        for tenant, outcome in ((b'"a"', "rendered"), (b'"b"', "config_rejected")):
            sample = Sample(context=msgspec.Raw(b'{"t": ' + tenant + b"}"))
            preview = await previews.preview_draft(rig.ctx, organization, configuration, sample)
            assert preview.outcome == outcome
        with pytest.raises(Rejected, match="Secret nope does not exist"):
            configuration = Configuration(name="new", url="https://a.example.com/{{secret:nope}}")
            await previews.preview_draft(rig.ctx, organization, configuration, Sample())
