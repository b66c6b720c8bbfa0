"""A save reports parts that can never work as faults, and parts that may not as warnings."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from rowhook.render.configuration import Fault
from rowhook.render.save_checks import check_before_save
from rowhook.template.limits import MAX_FAULTS
from tests.support.rendering import configuration
from tests.unit.test_template_budgets import COSTLY, COSTLY_SOURCES, LONG_SOURCES
from tests.unit.test_template_jinja import SEED, Generator

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LINES = {"content-type": "application/x-ndjson"}
HELD = "the body is not JSON and the delivery is held."
SEVERAL = f"If data.l has several items, {HELD} "
COMMA = 'Remove the comma before {}; in a loop write {{{{ "," if not loop.last }}}}.'


def findings(**fields: Any) -> tuple[list[Fault], list[Fault]]:
    checks = check_before_save(configuration(**fields))
    return list(map(unlocated, checks.faults)), list(map(unlocated, checks.warnings))


def unlocated(fault: Fault) -> Fault:
    """The fault without the position in its message."""
    prefix = f"Line {fault.line}, column {fault.column}: "
    assert fault.line is None or fault.message.startswith(prefix)
    return replace(fault, message=fault.message.removeprefix(prefix))


@pytest.mark.parametrize(
    ("body", "column", "advice"),
    [
        ("{'a': 1}", 2, "Write names and texts in straight double quotes, not in '."),
        ("{\"a\": 'x'}", 7, "Write names and texts in straight double quotes, not in '."),
        ('{"a": True}', 7, "Write true, not True."),
        ('{"a": None}', 7, "Write null, not None."),
        ('{"a": {{ data.x }} "b": 1}', 20, "Put a comma between two members or items."),
        ('{"a": {{ data.x }}', 10, "It ends inside {. Write } at the end."),
        ('{"a": [{{ data.x }}', 11, "It ends inside [. Write ] at the end."),
        ('{"a": [1, {{ data.x }}}', 23, "Write ] first, because [ is open here."),
        ('{"a": "]", "b": {{ data.x }}}}', 30, "Remove }: it closes no bracket."),
        ("{\u201ca\u201d: 1}", 2, "in straight double quotes, not in \u201c."),
        ('{"a": hello}', 7, "Write a text in double quotes."),
        ('{"a" {{ data.x }}}', 9, "Put a colon after the name."),
        ('{"a": data.x}', 7, "Write {{ … }} around a name, as in {{ data.… }}."),
        ('{"a": 1} // note', 10, "JSON has no comments. Write {# … #}."),
        ('{"a": 1}{"b": 2}', 9, "A body is one JSON value."),
        ("{{ data.x }} {{ data.y }}", 17, "A body is one JSON value."),
        ("", 1, "It is empty. Remove the template to send the default payload."),
        (
            "a={{ data.x }}&b=1",
            1,
            "set the header Content-Type, e.g. application/x-www-form-urlenc",
        ),
        ("<a>{{ data.x }}</a>", 1, "set the header Content-Type, e.g. application/xml."),
        ("Hello {{ data.x }}", 1, "set the header Content-Type, e.g. text/plain."),
        ('{"a": {{ "," if data.on }} }', 10, "Write a value."),
    ],
)
def test_a_body_that_is_never_json_is_rejected(body: str, column: int, advice: str) -> None:
    faults, _ = findings(body_template=body)
    (fault,) = faults
    assert (fault.pointer, fault.line, fault.column) == ("/body_template", 1, column)
    assert fault.message.startswith("The body is never JSON. ")
    assert advice in fault.message


@pytest.mark.parametrize(
    ("body", "column", "written"),
    [
        ('{"a": "${data.x}"}', 8, "${data.x}"),
        ('{"a": "{{ data.y }} @{data.x}"}', 21, "@{data.x}"),
        ('{"a": "<%= data.x %>"}', 8, "<%= data.x %>"),
        ('{"a": "{data.x}"}', 8, "{data.x}"),
    ],
)
def test_an_expression_of_another_language_is_a_warning(
    body: str, column: int, written: str
) -> None:
    faults, (warning,) = findings(body_template=body)
    assert not faults
    assert (warning.pointer, warning.line, warning.column) == ("/body_template", 1, column)
    message = f"{written} is sent as it stands. For a value write {{{{ data.x }}}}."
    assert warning.message == message


@pytest.mark.parametrize(
    "body",
    [
        '{"a": "{{ data.x }}"}',
        '{"a": "{# ${data.x} #} @{ref.id}"}',
        '{"a": "5 ${ x", "b": {"data": 1}}',
        # `{%` in a string extends to the end, so that the text is searched once
        '{"a": "{{ "}}{%{%" }} ${data.x}"}',
    ],
)
def test_other_braces_cause_no_warning(body: str) -> None:
    assert findings(body_template=body) == ([], [])


def test_only_the_first_expressions_of_another_language_are_warnings() -> None:
    _, warnings = findings(body_template='{"a": "' + "${data.x} " * 5_000 + '"}')
    assert len(warnings) == MAX_FAULTS


def test_the_url_and_headers_are_searched_for_other_languages() -> None:
    _, warnings = findings(url="https://a.example/{data.id}", headers={"X-A": "${data.x}"})
    assert [warning.pointer for warning in warnings] == ["/url", "/headers/X-A"]


def test_a_trailing_comma_is_located() -> None:
    ((fault,), _) = findings(body_template='{\n  "a": 1,\n}')
    assert COMMA.format("}") in fault.message
    assert fault.line in {2, 3}  # at the comma since Python 3.13, at the bracket before


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            '[{% for i in data.l %}{"q": {{ i.q }}},{% endfor %}]',
            SEVERAL + COMMA.format("]"),
        ),
        (
            '[{% for i in data.l %}{"q": {{ i.q }}}{% endfor %}]',
            SEVERAL + "Put a comma between two members or items.",
        ),
        (
            '{"a": {% if data.x %}1{% endif %}}',
            "If data.x is false, the body is not JSON and the delivery is held. Write a value.",
        ),
        (
            '{ {% if data.x %}"a": 1,{% endif %}{% if data.y %}"b": 2{% endif %}}',
            "If data.y is false, the body is not JSON and the delivery is held. "
            + COMMA.format("}"),
        ),
        (
            '{"a": 1{% if data.k == "x" %} "b": 2{% endif %}}',
            f"If data.k == 'x' is true, {HELD} Put a comma between two members or items.",
        ),
    ],
)
def test_a_body_that_is_json_for_some_data_only_is_warned_about(body: str, message: str) -> None:
    faults, warnings = findings(body_template=body)
    assert not faults
    assert [warning.message for warning in warnings] == [message]
    assert warnings[0].line == 1
    assert warnings[0].column is not None


@pytest.mark.parametrize(
    "body",
    [
        "{{ data }}",
        '{"a": "{{ data.x }}", "b": {{ data.y }}, {{ data.k }}: 1, "c": "{{ data.z | upper }}"}',
        '[{% for i in data.l %}{"q": {{ i.q }}}{{ "," if not loop.last }}{% endfor %}]',
        '[{% for i in data.l %}{{ "," if not loop.first }}{{ i }}{% endfor %}]',
        "[{% for i in data.l %}{{ i }}{% if not loop.last %},{% endif %}{% endfor %}]",
        '[{% for i in data.l %}{{ i }}{{ ", " if loop.index < loop.length }}{% endfor %}]',
        '[0{% for i in data.l if i.on %},{"a": {{ i.a }}}{% else %},1{% endfor %}]',
        '{"a": {% if data.k == "x" %}1{% endif %}{% if data.k != "x" %}2{% endif %}}',
        '{"a": {% if data.k == 1 %}1{% elif data.k == 2 %}2{% else %}3{% endif %}}',
        '{"a": 1{% if data.x %}, "b": 2{% endif %}}',
        '{ {% if data.x %}"b": 2,{% endif %} "a": 1}',
        '{"a": {{ "true" if data.on else "false" }}, "b": {{ data.z | default("null") }}}',
        '{% set x = data.y %}{"a": {{ x }}, "b": {% if x %}1{% else %}2{% endif %}}',
        '[{% for k, v in data.o.items() %}{{ "," if not loop.first }}"{{ k }}"{% endfor %}]',
        '{"content": "{\\"card\\": \\"{{ data.note }}\\", \\"n\\": {{ data.n }}}"}',
        '{"a": {% if not data.x %}null{% else %}{{ data.x }}{% endif %}}',
        '{"a": {{ (data.x or data.y) | tojson }}, "b": {{ data.l[:2] | tojson(indent=2) }}}',
        '{% if data.x %}{"a": 1}{% else %}{"b": 1}{% endif %}\n',
        '"{{secret:k}}"',
        (
            '[{% for i in data.l[:5] %}{{ i }}{{ "," if not loop.last }}{% endfor %}'
            "{% if data.l %},{% endif %}0]"
        ),
        (
            "[0{% if data.l | length > 0 %},{% endif %}{% for i in data.l %}{{ i }}"
            '{{ "," if not loop.last }}{% endfor %}]'
        ),
        (
            '{"a": {% if data.o %}{ {% for k, v in data.o.items() %}"{{ k }}": 1'
            '{{ "," if not loop.last }}{% endfor %} }{% else %}null{% endif %}}'
        ),
    ],
)
def test_a_body_that_is_always_json_has_no_findings(body: str) -> None:
    assert findings(body_template=body) == ([], [])


def test_each_line_of_ndjson_is_checked() -> None:
    good = '{"a": 1}\n{% for i in data.l %}{"b": {{ i }}}\n{% endfor %}'
    assert findings(body_template=good, headers=LINES) == ([], [])
    ((fault,), _) = findings(body_template='{"a": 1}\n{"b": 1,}\n', headers=LINES)
    assert fault.line == 2


def test_other_bodies_are_not_checked_as_json() -> None:
    assert findings(body_template="a={{ data.x }}&b=1", headers=FORM) == ([], [])
    assert findings(body_template="{'a': 1}", headers={"Content-Type": "text/plain"}) == ([], [])


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ agent.nmae }}", "agent.nmae does not exist in any event. Did you mean agent.name?"),
        ("{{ goal.name }}", "goal.name does not exist in any event. Write goal.id."),
        ("{{ job.error | default('x') }}", "job.error does not exist in any event. Write data, "),
        ("{{ event.foo }}", "event.foo does not exist in any event. event has id, type."),
        ("{{ session.id.x }}", "session.id.x does not exist: session.id has no fields."),
        ("{{ commit_id.x }}", "commit_id.x does not exist: commit_id has no fields."),
        ("{% if agent['nmae'] %}{% endif %}1", "agent.nmae does not exist in any event."),
    ],
)
def test_a_name_that_no_event_has_is_rejected(template: str, message: str) -> None:
    for fields in (
        {"body_template": f'"{template}"'.replace('""', '"')},
        {"headers": {"X-A": template}},
        {"url": f"https://a.example/x?q={template}"},
    ):
        (fault, *_), _ = findings(**fields)
        assert fault.message.startswith(message)
        assert fault.line == 1
        assert fault.column is not None


def test_names_of_the_platform_are_free() -> None:
    template = "{{ data.a.b }}{{ context.c }}{{ job.output.d }}{{ job.metadata.e.f }}{{ agent }}"
    assert findings(url=f"https://a.example/?q={template}", condition="job.cost > 1") == ([], [])


def test_a_variable_of_other_events_is_warned_about() -> None:
    _, (warning,) = findings(body_template='"{{ job.id }}"', event_types=["goal.committed"])
    assert warning.message.startswith("job.id is always null, because the events goal.committed")
    _, (warning,) = findings(body_template='"{{ commit_id }}"', event_types=["job.failed"])
    assert warning.message.startswith("commit_id is always null")
    assert findings(body_template='"{{ job.id }}"', event_types=["job.failed"]) == ([], [])


def test_all_findings_are_reported_together() -> None:
    faults, _ = findings(
        body_template="{'a': \"{{ agent.nmae }}\"}",
        headers={"X-A": "{{ goal.name }}", "X-B": "{{ nope }}"},
        condition="job.foo",
    )
    assert [fault.pointer for fault in faults] == [
        "/body_template",
        "/body_template",
        "/condition",
        "/headers/X-A",
    ]


MAIL = {"type": "object", "required": ["mail"], "properties": {"mail": {"type": "string"}}}
COUNT = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}}


@pytest.mark.parametrize(
    ("body", "schema", "message", "column"),
    [
        ('{"a": "{{ data.x }}"}', MAIL, "/: Required property 'mail' is missing.", 1),
        ('{"n": "{{ data.n }}"}', COUNT, "/n: Must be of type integer, but is of type string.", 7),
        ('{"n": 1}', COUNT, "/n: Must be at least 3.", 7),
        ('{"n": {"a": {{ data.n }}}}', COUNT, "/n: Must be of type integer", 7),
        ("[{{ data.n }}]", COUNT, "/: Must be of type object, but is of type array.", 1),
        (
            '{"a": {{ data.x }}, "b": 1}',
            {"properties": {"a": {}}, "additionalProperties": False},
            "/b: ",
            26,
        ),
    ],
)
def test_a_body_that_never_matches_the_schema_is_warned_about(
    body: str, schema: Any, message: str, column: int
) -> None:
    _, (fault,) = findings(body_template=body, schema=schema)
    assert fault.message.startswith("The body never matches the schema. ")
    assert message in fault.message
    assert (fault.pointer, fault.line, fault.column) == ("/body_template", 1, column)


@pytest.mark.parametrize(
    ("body", "schema"),
    [
        ('{"mail": "{{ data.x }}"}', MAIL),
        ('{"mail": {{ data.x }}}', MAIL),
        ('{"n": {{ data.n }}}', COUNT),
        ('{"{{ data.k }}": "{{ data.x }}"}', MAIL),
        ("{{ data }}", MAIL),
        ('{"mail": "{{ data.x }}"}', {"properties": {"mail": {"format": "email", "maxLength": 3}}}),
        ('{"l": [{% for i in data.l %}{{ i }}{{ "," if not loop.last }}{% endfor %}]}',
         {"properties": {"l": {"minItems": 5}}}),
        ('{"a": "{{ data.x }}"}', {"anyOf": [MAIL, {"required": ["a"]}]}),
        ('{"a": "x"}', {"if": {"required": ["b"]}, "then": MAIL}),
    ],
)  # fmt: skip
def test_a_body_that_may_match_the_schema_is_accepted(body: str, schema: Any) -> None:
    assert findings(body_template=body, schema=schema) == ([], [])


def test_a_body_that_matches_for_some_data_only_is_warned_about() -> None:
    body = '{"a": 1{% if data.m %}, "mail": "{{ data.m }}"{% endif %}}'
    faults, (warning,) = findings(body_template=body, schema=MAIL)
    assert not faults
    assert warning.message.startswith("If data.m is false, the body does not match the schema. /: ")


def test_a_default_payload_that_never_matches_the_schema_is_warned_about() -> None:
    _, (fault,) = findings(schema=MAIL)
    assert (fault.pointer, fault.line) == ("/schema", None)
    assert fault.message.startswith("The default payload never matches the schema. /: ")
    good = {"required": ["data"], "properties": {"data": MAIL}}
    assert findings(schema=good) == ([], [])
    assert findings(schema=good, event_types=["job.failed"])[1]
    assert findings(schema=MAIL, raw_payload=True) == ([], [])
    assert findings(schema=MAIL, event_types=["webhook.failing"]) == ([], [])


@pytest.mark.parametrize("name", [*COSTLY_SOURCES, *LONG_SOURCES])
def test_any_source_can_be_checked(name: str) -> None:
    source = (COSTLY_SOURCES | LONG_SOURCES)[name]
    findings(body_template=source, schema=MAIL)


@pytest.mark.parametrize("source", COSTLY, ids=lambda source: source[:60])
def test_a_costly_template_is_checked_without_calculating(source: str) -> None:
    findings(body_template=f'"{source}"', schema=MAIL)


def test_generated_templates_in_a_string_have_no_findings() -> None:
    for number in range(100):
        source = Generator(random.Random(SEED + number)).block(2)  # noqa: S311  # a repeatable sample
        body = f'"{source}"'.replace("\n", "\\n")
        assert findings(body_template=body) == ([], []), body
