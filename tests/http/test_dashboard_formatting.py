"""Functions of the dashboard that need no database: schedules, differences, curl calls, counts."""

from __future__ import annotations

from functools import partial

import pytest

from rowhook.dashboard import editor_form
from rowhook.dashboard.code_snippets import curl
from rowhook.dashboard.display_format import capped_count, status_count
from rowhook.dashboard.screens.revision_screen import difference
from rowhook.services.stats import DeliveryCounts


def test_a_difference_of_long_texts_is_skipped_or_truncated() -> None:
    long = {"body_template": "\n".join(map(str, range(21_000)))}
    assert [line.text for line in difference(long, {"body_template": "other"})] == [
        "… too many lines to compare: 21000 before, 1 after"
    ]
    lines = difference({}, long)
    assert len(lines) == 401
    assert lines[-1] == ("skip", "… 20600 more lines")
    assert [line.kind for line in difference({"a": "x\ny"}, {"a": "x\nz"})] == [
        "same",
        "minus",
        "plus",
    ]


def test_a_schedule_is_parsed_and_formatted() -> None:
    for text, delays in (
        ("0, 5 s, 30 min, 2 h, 1 d", [0, 5, 1800, 7200, 86400]),
        ("0;5s;90;1.5", [0, 5, 90, 1.5]),
        ("", []),
    ):
        assert editor_form.parse_schedule(text) == delays
        assert (
            editor_form.parse_schedule(
                editor_form.format_schedule([float(delay) for delay in delays])
            )
            == delays
        )
    for text in ("soon", "5 w", "-1", "1e9", "5,,s"):
        with pytest.raises(ValueError, match="Enter seconds"):
            editor_form.parse_schedule(text)


def test_a_curl_call_of_an_operator_names_the_selected_organization() -> None:
    acme = "cust/1"
    command = partial(curl, "http://127.0.0.1:8080", organization=acme)
    for path in ("/webhooks", "/stats?window=1h", "/audit?actor=root"):
        assert f"{'&' if '?' in path else '?'}organization_id=cust%2F1'" in command("GET", path)
    assert f'"organization_id": "{acme}"' in command("POST", "/api-keys", {"name": "ci"})
    for path in ("/webhooks/1", "/deliveries/1"):
        assert "organization_id" not in command("GET", path)
    assert "organization_id" not in curl("http://127.0.0.1:8080", "GET", "/webhooks")


def test_a_capped_count_is_marked_with_a_plus() -> None:
    assert [capped_count(count) for count in (0, 9999, 10000)] == ["0", "9,999", "10,000+"]
    complete = DeliveryCounts(
        total=11_000, by_status={"pending": 6000, "sending": 5000}, capped=False
    )
    assert status_count(complete, "pending", "sending") == "11,000"
    capped = DeliveryCounts(total=10_007, by_status={"delivered": 10_000, "dead": 7}, capped=True)
    assert [status_count(capped, status) for status in ("delivered", "dead", "held")] == [
        "10,000+",
        "7",
        "0",
    ]
    assert status_count(capped, "dead", narrowed=True) == "7+"
