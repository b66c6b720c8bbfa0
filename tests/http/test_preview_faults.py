"""What a preview says where nothing would be sent: each fault with its place, beside the rest."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rowhook.render.json_positions import json_position, json_positions
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
def test_a_pointer_stands_where_its_value_begins(
    text: str, pointer: str, position: tuple[int, int] | None
) -> None:
    assert json_position(text, pointer) == position


def test_several_pointers_are_found_in_one_pass() -> None:
    text = '{"a": [1, {"b": 2}],\n"c": {"a": [3]}}'
    asked = {"/a/1/b": (1, 17), "/c/a/0": (2, 13), "/c": (2, 6), "/a": (1, 7), "": (1, 1)}
    found = json_positions(text, [*asked, "/a/2", "/c/b", "/a/b"])
    assert found == [*asked.values(), None, None, None]


@pytest.mark.parametrize(
    ("fields", "spot"),
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
def test_a_failed_render_says_where_in_which_part(
    fields: dict[str, Any], spot: tuple[Any, ...]
) -> None:
    found = render_outcome(**fields).location
    assert found is not None
    assert (found.pointer, found.line, found.column) == spot


def test_what_is_read_where_it_may_be_missing_is_not_where_it_fails() -> None:
    template = '{"a": {{data.who | default(1)}},\n"b": {{data.who}}}'
    assert compile_fields(body_template=template).body is not None
    found = render_outcome(body_template=template).location
    assert found is not None
    assert (found.line, found.column) == (2, 8)


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
def test_of_several_places_that_are_not_always_reached_none_is_said_to_have_failed(
    template: str, line: int | None
) -> None:
    event = msgspec.structs.replace(EVENT, data='{"a": [], "b": [{}], "no": false}')
    found = render_outcome(
        event, headers={"Content-Type": "text/plain"}, body_template=template
    ).location
    assert found is not None
    assert (found.pointer, found.line) == ("/body_template", line)


async def previewed(api: Api, platform: Platform, **fields: Any) -> dict[str, Any]:
    draft = {"name": "x", "url": "https://example.com", "sample": {"data": {"n": "one"}}} | fields
    draft["organization_id"] = str(platform.organization)
    answer = await api.call("POST", "/preview", draft)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.anyio
async def test_a_body_that_breaks_its_schema_is_shown_beside_each_fault(
    api: Api, platform: Platform
) -> None:
    body = '{\n  "a": {"n": {{data.n}}}}'
    found = await previewed(api, platform, schema=SCHEMA, body_template=body)
    assert (found["outcome"], found["valid"]) == ("schema_failed", False)
    assert found["request"]["body"] == '{\n  "a": {"n": "one"}}'
    assert "Webhook-Signature" not in {name.title() for name, _ in found["request"]["headers"]}
    places = {(one["at"], one["pointer"], one["line"], one["column"]) for one in found["faults"]}
    assert places == {("body", "", 1, 1), ("body", "/a/n", 2, 14)}


@pytest.mark.anyio
async def test_what_could_be_rendered_is_shown_where_something_could_not(
    api: Api, platform: Platform
) -> None:
    found = await previewed(
        api,
        platform,
        body_template='{"n": "{{data.n}}"}',
        headers={"X-A": "{{data.n}}", "X-B": "{{data.n.b}}"},
    )
    assert (found["outcome"], found["request"]["body"]) == ("render_failed", '{"n": "one"}')
    assert ["X-A", "one"] in found["request"]["headers"]
    (fault,) = found["faults"]
    assert (fault["pointer"], fault["line"], fault["column"]) == ("/headers/X-B", 1, 3)
    assert (fault["at"], fault["message"]) == ("configuration", found["error"])


@pytest.mark.anyio
async def test_a_refused_template_has_line_and_column_beside_its_message(
    api: Api, platform: Platform
) -> None:
    draft = {"name": "", "url": "https://example.com", "body_template": '{\n"a": {{dat.n}}}'}
    whose = {"organization_id": str(platform.organization)}
    answer = await api.call("POST", "/webhooks", draft | whose)
    (name, template) = sorted(answer.json()["errors"], key=lambda one: str(one["pointer"]))[::-1]
    assert (name["pointer"], "line" in name) == ("/name", False)
    assert (template["line"], template["column"]) == (2, 8)
    assert template["message"].startswith("Line 2, column 8: ")
