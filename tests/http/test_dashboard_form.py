"""The form of the webhook editor: parsing and formatting of its fields."""

from __future__ import annotations

import msgspec
import pytest

from rowhook.dashboard.editor_form import Fields, draft_of, fields_of, keep_line_ends, read_fields
from rowhook.dashboard.form_fields import FormData
from rowhook.render.configuration import Configuration

CONFIGURATION = Configuration(name="CRM", url="https://crm.example.com/")


def faults_of(**typed: str) -> list[tuple[str, str]]:
    fields: Fields = fields_of(CONFIGURATION) | typed
    return [(fault.pointer, fault.message) for fault in draft_of(fields).faults]


@pytest.mark.parametrize(
    "typed", ["nan", "inf", "-inf", "1e400", "many", "1,5", "9" * 400, "9" * 5000]
)
def test_a_limit_that_is_not_a_finite_number_is_a_fault(typed: str) -> None:
    for name in ("rate_per_s", "timeout_s", "max_in_flight"):
        assert faults_of(**{name: typed}) == [(f"/{name}", "Enter a number.")]


@pytest.mark.parametrize("depth", [2_000, 200_000])
def test_deeply_nested_json_is_a_fault_of_its_field(depth: int) -> None:
    for name in ("schema", "metadata"):
        ((pointer, message),) = faults_of(**{name: "[" * depth + "]" * depth})
        assert pointer == f"/{name}"
        assert "nested too deeply" in message


def test_an_out_of_range_number_in_json_is_a_fault_of_its_field() -> None:
    for name in ("schema", "metadata"):
        ((pointer, message),) = faults_of(**{name: '{"maximum": 1e999}'})
        assert pointer == f"/{name}"
        assert "Number out of range" in message


def test_numbers_keep_every_digit_in_the_form() -> None:
    schedule = [0, 0.00001, 864000.5, 1234567.5, 86400, 1e9]
    for rate in (1234567.0, 0.0000001, 0.1, None):
        configuration = Configuration(
            name="CRM",
            url="https://crm.example.com/",
            rate_per_s=rate,
            timeout_s=12.3456789,
            retry_schedule_s=schedule,
        )
        draft = draft_of(fields_of(configuration))
        assert draft.faults == ()
        assert draft.document == configuration


def test_header_faults_name_their_line() -> None:
    assert faults_of(headers="X-A: b\n\nnothing\nX-A: c") == [
        ("/headers", "Line 3 has no colon. Write Name: value."),
        ("/headers", "Line 4: the header X-A occurs twice."),
    ]


@pytest.mark.parametrize(
    ("displayed", "chosen", "typed", "expected"),
    [
        ("default", "default", "{{data.a}}", "template"),
        ("raw", "raw", "{{data.a}}", "template"),
        ("default", "default", " ", "default"),
        ("raw", "raw", "", "raw"),
        ("template", "template", "{{data.a}}", "template"),
        ("template", "template", "", "default"),
        ("template", "default", "{{data.a}}", "default"),
        ("template", "raw", "{{data.a}}", "raw"),
        # With a script the choice follows the text, so nothing is inferred.
        ("", "default", "{{data.a}}", "default"),
        ("", "template", "", "template"),
    ],
)
def test_typing_a_template_selects_it_unless_another_body_was_chosen(
    displayed: str, chosen: str, typed: str, expected: str
) -> None:
    form = FormData([("body", chosen), ("displayed_body", displayed), ("body_template", typed)])
    assert read_fields(form)["body"] == expected


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_an_unchanged_template_keeps_its_line_endings(ends: str) -> None:
    configuration = Configuration(
        name="x", url="https://example.com", body_template=f"a{ends}b{ends}"
    )
    displayed = {
        name: text for name, text in fields_of(configuration).items() if isinstance(text, str)
    }
    typed = read_fields(FormData([*(displayed | {"body_template": "a\r\nb\r\n"}).items()]))
    fields = keep_line_ends(configuration, typed | {"description": "new"})
    assert draft_of(fields).document.body_template == configuration.body_template
    assert (
        keep_line_ends(configuration, typed | {"body_template": "a\nc"})["body_template"] == "a\nc"
    )


EVERY_FIELD = Configuration(
    name="CRM",
    description="customers",
    metadata={"team": "sales"},
    url="https://example.com/{{data.id}}",
    method="PUT",
    headers={"X-A": "{{data.a}}"},
    body_template='{"a": {{data.a}}}',
    schema={"type": "object"},
    condition="data.a > 1",
    event_types=["goal.committed"],
    timeout_s=7,
    max_in_flight=3,
    rate_per_s=2.5,
    ordered=True,
    retry_schedule_s=[0, 60],
    external_id="crm",
)
# The editor offers raw data instead of a template, and other kinds have no URL.
ALTERNATIVES = (
    msgspec.structs.replace(EVERY_FIELD, body_template=None, raw_payload=True, schema=None),
    Configuration(name="page", kind="frontend", body_template='"a"'),
)


def test_every_field_of_a_webhook_survives_the_editor() -> None:
    plain = Configuration(name="")
    different = {
        name
        for configuration in (EVERY_FIELD, *ALTERNATIVES)
        for name in Configuration.__struct_fields__
        if getattr(configuration, name) != getattr(plain, name)
    }
    assert different == set(Configuration.__struct_fields__)
    for configuration in (EVERY_FIELD, *ALTERNATIVES):
        draft = draft_of(fields_of(configuration))
        assert (draft.document, draft.faults) == (configuration, ())
