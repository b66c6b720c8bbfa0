"""Faults of previews and their positions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rowhook.json_pointer import json_position, json_positions
from tests.support.calls import Api
from tests.support.rendering import EVENT, compile_fields, render_outcome
from tests.support.sample_platform import Platform

SCHEMA = {"properties": {"a": {"properties": {"n": {"type": "integer"}}}}, "required": ["b"]}


@pytest.mark.parametrize(
    ("text", "pointer", "position"),
    [
        ('{"a": 1}', "", (1, 1)),
        ('{"a": 1}', "/a", (1, 7)),
        ('{\n  "a": [1, {"b": 2}],\n  "c": null}', "/a/1/b", (2, 18)),
        ('{\n  "a": [1, {"b": 2}],\n  "c": null}', "/c", (3, 8)),
        ('{"a": {"x": 1}, "a" : {"x": 2}}', "/a/x", (1, 29)),
        ('{"/~\\u00e9": [ 1e999999 ,\n2]}', "/~1~0é/1", (2, 1)),
        ('{"a": 1}', "/b", None),
        ("[]", "/0", None),
        ("[1]", "/x", None),
        ("7", "/a", None),
        ('{"a"', "/a", None),
        ("[[" + "[" * 20_000, "/0/1", None),
    ],
)
def test_a_pointer_is_located_at_the_start_of_its_value(
    text: str, pointer: str, position: tuple[int, int] | None
) -> None:
    assert json_position(text, pointer) == position


def test_several_pointers_are_located_in_one_pass() -> None:
    text = '{"a": [1, {"b": 2}],\n"c": {"a": [3]}}'
    expected = {"/a/1/b": (1, 17), "/c/a/0": (2, 13), "/c": (2, 6), "/a": (1, 7), "": (1, 1)}
    positions = json_positions(text, [*expected, "/a/2", "/c/b", "/a/b"])
    assert positions == [*expected.values(), None, None, None]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"body_template": '{\n  "n": {{data.nope}}}'}, ("/body_template", 2, 10)),
        ({"body_template": '{"a": {{data.n}},\n"n": {{data.name.x}}}'}, ("/body_template", 2, 8)),
        ({"body_template": '{"n": {{data.name | round(1)}}}'}, ("/body_template", 1, 9)),
        ({"body_template": '{"n": {{1 + data.name}}}'}, ("/body_template", 1, 9)),
        ({"body_template": "{% for x in data.n %}1{% endfor %}"}, ("/body_template", 1, 13)),
        ({"body_template": "{{data.n}},"}, ("/body_template", None, None)),
        ({"url": "https://example.com/{{context.who}}"}, ("/url", 1, 23)),
        ({"url": "{{data.name}}"}, ("/url", 1, 3)),
        ({"headers": {"X-Who": "a {{commit_id}} {{data.who}}"}}, ("/headers/X-Who", 1, 19)),
        ({"condition": "true and data.who == 1"}, ("/condition", 1, 10)),
        ({"condition": "{{ data.name > 1 }}"}, ("/condition", 1, 4)),
    ],
)
def test_a_failed_render_reports_its_location(
    fields: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    location = render_outcome(**fields).location
    assert location is not None
    assert (location.pointer, location.line, location.column) == expected


def test_an_expression_with_a_default_is_not_reported_as_the_failure() -> None:
    template = '{"a": {{data.who | default(1)}},\n"b": {{data.who}}}'
    assert compile_fields(body_template=template).body is not None
    location = render_outcome(body_template=template).location
    assert location is not None
    assert (location.line, location.column) == (2, 8)


@pytest.mark.parametrize(
    ("template", "line"),
    [
        (
            "{% for i in data.a %}{{i.x}}{% endfor %}{% for i in data.b %}{{i.x}}{% endfor %}",
            None,
        ),
        ("{% if data.no %}{{data.who}}{% endif %}\n{{data.who}}", None),
        ("{% if data.no %}{{data.other}}{% endif %}\n{{data.who}}", 2),
        ("{{data.who}}\n{% if data.no %}{{data.who}}{% endif %}", 1),
    ],
)
def test_an_ambiguous_location_is_not_reported(template: str, line: int | None) -> None:
    event = msgspec.structs.replace(EVENT, data='{"a": [], "b": [{}], "no": false}')
    location = render_outcome(
        event, headers={"Content-Type": "text/plain"}, body_template=template
    ).location
    assert location is not None
    assert (location.pointer, location.line) == ("/body_template", line)


async def preview(api: Api, platform: Platform, **fields: Any) -> dict[str, Any]:
    draft = {"name": "x", "url": "https://example.com", "sample": {"data": {"n": "one"}}} | fields
    draft["organization_id"] = str(platform.organization)
    response = await api.call("POST", "/preview", draft)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


@pytest.mark.anyio
async def test_a_body_that_violates_its_schema_is_returned_with_each_fault(
    api: Api, platform: Platform
) -> None:
    body = '{\n  "a": {"n": {{data.n}}}}'
    preview_result = await preview(api, platform, schema=SCHEMA, body_template=body)
    assert (preview_result["outcome"], preview_result["valid"]) == ("schema_failed", False)
    assert preview_result["request"]["body"] == '{\n  "a": {"n": "one"}}'
    assert "Webhook-Signature" not in {
        name.title() for name, _ in preview_result["request"]["headers"]
    }
    positions = {
        (fault["at"], fault["pointer"], fault["line"], fault["column"])
        for fault in preview_result["faults"]
    }
    assert positions == {("body", "", 1, 1), ("body", "/a/n", 2, 14)}


@pytest.mark.anyio
async def test_a_preview_returns_the_parts_that_could_be_rendered(
    api: Api, platform: Platform
) -> None:
    preview_result = await preview(
        api,
        platform,
        body_template='{"n": "{{data.n}}"}',
        headers={"X-A": "{{data.n}}", "X-B": "{{data.n.b}}"},
    )
    assert (preview_result["outcome"], preview_result["request"]["body"]) == (
        "render_failed",
        '{"n": "one"}',
    )
    assert ["X-A", "one"] in preview_result["request"]["headers"]
    (fault,) = preview_result["faults"]
    assert (fault["pointer"], fault["line"], fault["column"]) == ("/headers/X-B", 1, 3)
    assert (fault["at"], fault["message"]) == ("configuration", preview_result["error"])


@pytest.mark.anyio
async def test_a_refused_template_is_reported_with_line_and_column(
    api: Api, platform: Platform
) -> None:
    draft = {"name": "", "url": "https://example.com", "body_template": '{\n"a": {{dat.n}}}'}
    owner = {"organization_id": str(platform.organization)}
    response = await api.call("POST", "/webhooks", draft | owner)
    (name, template) = sorted(response.json()["errors"], key=lambda error: str(error["pointer"]))[
        ::-1
    ]
    assert (name["pointer"], "line" in name) == ("/name", False)
    assert (template["line"], template["column"]) == (2, 8)
    assert template["message"].startswith("Line 2, column 8: ")
