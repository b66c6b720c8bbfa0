"""Suggested changes of a draft: where and how a template or a schema is changed."""

from __future__ import annotations

import pytest

from rowhook.dashboard.editor_form import fields_of
from rowhook.dashboard.suggested_changes import suggested_changes
from rowhook.render.configuration import Configuration, Fault
from rowhook.services.held_deliveries import HeldPreview
from rowhook.services.previews import PreviewFault, TrialRequest


def applied(pointer: str, message: str, text: str, place: tuple[int, int]) -> list[str]:
    """The texts of a field with each of the suggested changes."""
    field = pointer.split("/")[1]
    fields = fields_of(Configuration(name="x", url="https://a.example/")) | {field: text}
    fault = Fault(pointer=pointer, message=message, line=place[0], column=place[1])
    return [str(change.apply(fields)[field]) for change in suggested_changes(fields, [], [fault])]


@pytest.mark.parametrize(
    ("text", "place", "message", "expected"),
    [
        (
            "{{data.nmae}}",
            (1, 3),
            "data.nmae is not defined; did you mean data.name?",
            ["{{data.name}}", '{{data.nmae | default("")}}'],
        ),
        (
            'a\n{{ data["x y"].b | upper }}',
            (2, 4),
            "data['x y'] is not defined: data is null.",
            ['a\n{{ data["x y"].b | default("") | upper }}'],
        ),
        (
            "{{ data.custmer.name }}",
            (1, 4),
            "data.custmer is not defined; did you mean data.customer?",
            ["{{ data.customer.name }}", '{{ data.custmer.name | default("") }}'],
        ),
        (
            "{% for x in data.list %}{% endfor %}",
            (1, 13),
            "data.list is not defined.",
            ["{% for x in data.list | default([]) %}{% endfor %}"],
        ),
        (
            "{{ data.text[:9] }}",
            (1, 4),
            "data.text is not defined.",
            ['{{ (data.text | default(""))[:9] }}'],
        ),
        (
            "{{ data.a | upcase }}",
            (1, 4),
            "Unknown filter upcase. Did you mean upper?",
            ["{{ data.a | upper }}"],
        ),
        ("{{ other.a }}", (1, 4), "data.a is not defined.", []),
        ("{{ data.a }}", (1, 4), "Something else.", []),
    ],
)
def test_a_template_is_changed_at_the_place_of_the_fault(
    text: str, place: tuple[int, int], message: str, expected: list[str]
) -> None:
    assert applied("/body_template", message, text, place) == expected


def test_a_header_is_changed_in_its_line() -> None:
    headers = "X-A: 1\nX-B:  {{data.b}}"
    message = "data.b is not defined."
    changed = applied("/headers/X-B", message, headers, (1, 3))
    assert changed == ['X-A: 1\nX-B:  {{data.b | default("")}}']


@pytest.mark.parametrize(
    ("schema", "pointer", "body", "expected"),
    [
        ('{"required": ["a",  "b"]}', "", '{"b": 1}', ['{"required": ["b"]}']),
        (
            '{"properties": {"n": {"type": "number", "x": 1.50}}}',
            "/n",
            '{"n": null}',
            ['{"properties": {"n": {"type": ["number", "null"], "x": 1.50}}}'],
        ),
        (
            '{"additionalProperties": false,\n "type": "object"}',
            "/zz",
            '{"zz": 1}',
            ['{"type": "object"}'],
        ),
        (
            '{"allOf": [{"items": {"type": "string", "format": "email"}}]}',
            "/0",
            '["Ada"]',
            ['{"allOf": [{"items": {"type": "string"}}]}'],
        ),
        (
            '{"items": {"minimum": 3, "maximum": 9}}',
            "/0",
            "[1]",
            ['{"items": {"maximum": 9}}'],
        ),
        ('{"$ref": "#"}', "/a", '{"a": 1}', []),
        ('{"type": "string"}', "/a", "not JSON", []),
        ('{"type": "string"}', "/a", '{"b": 1}', []),
        ('{"anyOf": [', "/a", '{"a": 1}', []),
        ("", "/a", '{"a": 1}', []),
    ],
)
def test_a_schema_is_relaxed_where_it_describes_the_value(
    schema: str, pointer: str, body: str, expected: list[str]
) -> None:
    fields = fields_of(Configuration(name="x", url="https://a.example/")) | {"schema": schema}
    item = HeldPreview(
        delivery_id=1,
        event_id=1,
        request=TrialRequest("POST", "https://a.example/", [], body),
        outcome="schema_failed",
        error=None,
        valid=False,
        faults=[PreviewFault(at="body", pointer=pointer, message="", line=None, column=None)],
    )
    changes = suggested_changes(fields, [item, item])
    assert [change.apply(fields)["schema"] for change in changes] == expected
