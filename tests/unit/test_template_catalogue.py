"""Each example of the catalogue of template errors fails, and each remedy works."""

from __future__ import annotations

import pytest

from template_error_table import (
    PLACES,
    RENDERS,
    SYNTAX,
    WARNINGS,
    Entry,
    render_message,
    save_message,
    template_errors,
)

SAVES = (*SYNTAX, *PLACES, *WARNINGS)


@pytest.mark.parametrize("entry", SAVES, ids=lambda entry: entry.wrong)
def test_a_save_reports_the_example_and_accepts_the_remedy(entry: Entry) -> None:
    message = save_message(entry.wrong, entry.context)
    assert message
    assert message.endswith((".", "?"))
    assert save_message(entry.right, entry.context) is None
    if "secret:" not in entry.right:
        assert render_message(entry.right, entry.context) is None


@pytest.mark.parametrize("entry", RENDERS, ids=lambda entry: entry.wrong)
def test_a_render_reports_the_example_and_accepts_the_remedy(entry: Entry) -> None:
    assert save_message(entry.wrong, entry.context) in {None, _warning(entry)}
    message = render_message(entry.wrong, entry.context)
    assert message
    assert message.endswith((".", "?"))
    assert save_message(entry.right, entry.context) is None
    assert render_message(entry.right, entry.context) is None


def _warning(entry: Entry) -> str | None:
    message = save_message(entry.wrong, entry.context)
    return message if message and "the delivery is held" in message else None


def test_the_catalogue_has_a_row_for_each_example() -> None:
    rows = [line for line in template_errors().splitlines() if line.startswith("| `")]
    assert len(rows) == len(SAVES) + len(RENDERS)
    assert all(row.count(" | ") >= 2 for row in rows)
    assert "\0" not in template_errors()
