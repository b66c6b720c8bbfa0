"""The editor's form: read as the API reads a draft, and filled with every digit of a webhook."""

from __future__ import annotations

import pytest

from rowhook.dashboard.editor_form import Fields, draft_of, fields_of, keep_line_ends, read_fields
from rowhook.dashboard.form_fields import FormData
from rowhook.render.configuration import Configuration

BEGUN = Configuration(name="CRM", url="https://crm.example.com/")


def faults_of(**typed: str) -> list[tuple[str, str]]:
    fields: Fields = fields_of(BEGUN) | typed
    return [(one.pointer, one.message) for one in draft_of(fields).faults]


@pytest.mark.parametrize(
    "typed", ["nan", "inf", "-inf", "1e400", "many", "1,5", "9" * 400, "9" * 5000]
)
def test_a_limit_that_is_no_number_is_a_fault_and_never_no_limit(typed: str) -> None:
    for name in ("rate_per_s", "timeout_s", "max_in_flight"):
        assert faults_of(**{name: typed}) == [(f"/{name}", "Enter a number.")]


@pytest.mark.parametrize("depth", [2_000, 200_000])
def test_json_that_is_nested_too_deeply_is_a_fault_of_its_field(depth: int) -> None:
    for name in ("schema", "metadata"):
        ((pointer, message),) = faults_of(**{name: "[" * depth + "]" * depth})
        assert pointer == f"/{name}"
        assert "nested too deeply" in message


def test_a_number_in_json_that_is_out_of_range_is_a_fault_of_its_field() -> None:
    for name in ("schema", "metadata"):
        ((pointer, message),) = faults_of(**{name: '{"maximum": 1e999}'})
        assert pointer == f"/{name}"
        assert "Number out of range" in message


def test_numbers_come_back_from_the_form_with_every_digit() -> None:
    schedule = [0, 0.00001, 864000.5, 1234567.5, 86400, 1e9]
    for rate in (1234567.0, 0.0000001, 0.1, None):
        given = Configuration(
            name="CRM",
            url="https://crm.example.com/",
            rate_per_s=rate,
            timeout_s=12.3456789,
            retry_schedule_s=schedule,
        )
        read = draft_of(fields_of(given))
        assert read.faults == ()
        assert read.document == given


def test_headers_are_told_apart_by_line() -> None:
    assert faults_of(headers="X-A: b\n\nnothing\nX-A: c") == [
        ("/headers", "Line 3 has no colon. Write Name: value."),
        ("/headers", "Line 4: the header X-A occurs twice."),
    ]


@pytest.mark.parametrize(
    ("shown", "chosen", "typed", "meant"),
    [
        ("default", "default", "{{data.a}}", "template"),
        ("raw", "raw", "{{data.a}}", "template"),
        ("default", "default", " ", "default"),
        ("raw", "raw", "", "raw"),
        ("template", "template", "{{data.a}}", "template"),
        ("template", "template", "", "default"),
        ("template", "default", "{{data.a}}", "default"),
        ("template", "raw", "{{data.a}}", "raw"),
        # A script keeps the choice in step with what is typed: there is nothing to guess.
        ("", "default", "{{data.a}}", "default"),
        ("", "template", "", "template"),
    ],
)
def test_a_template_is_meant_where_it_was_typed_and_nothing_else_was_chosen(
    shown: str, chosen: str, typed: str, meant: str
) -> None:
    form = FormData([("body", chosen), ("displayed_body", shown), ("body_template", typed)])
    assert read_fields(form)["body"] == meant


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_a_form_that_is_sent_as_it_was_shown_keeps_the_line_ends_of_a_template(ends: str) -> None:
    present = Configuration(name="x", url="https://example.com", body_template=f"a{ends}b{ends}")
    shown = {name: text for name, text in fields_of(present).items() if isinstance(text, str)}
    typed = read_fields(FormData([*(shown | {"body_template": "a\r\nb\r\n"}).items()]))
    kept = keep_line_ends(present, typed | {"description": "new"})
    assert draft_of(kept).document.body_template == present.body_template
    assert keep_line_ends(present, typed | {"body_template": "a\nc"})["body_template"] == "a\nc"
