"""The dashboard's small parts, without a database: schedules, differences, calls."""

from __future__ import annotations

from functools import partial

import pytest

from rowhook.dashboard import editor_form
from rowhook.dashboard.curl import curl
from rowhook.dashboard.display_format import capped_count, status_count
from rowhook.dashboard.webhook_diff import difference
from rowhook.services.stats import DeliveryCounts


def test_a_difference_of_many_lines_is_not_looked_for_and_a_long_one_is_cut() -> None:
    long = {"body_template": "\n".join(map(str, range(21_000)))}
    assert [one.text for one in difference(long, {"body_template": "other"})] == [
        "… too many lines to compare: 21000 before, 1 after"
    ]
    shown = difference({}, long)
    assert len(shown) == 401
    assert shown[-1] == ("skip", "… 20600 more lines")
    assert [one.kind for one in difference({"a": "x\ny"}, {"a": "x\nz"})] == [
        "same",
        "minus",
        "plus",
    ]


def test_a_schedule_reads_as_it_is_written() -> None:
    for text, delays in (
        ("0, 5 s, 30 min, 2 h, 1 d", [0, 5, 1800, 7200, 86400]),
        ("0;5s;90;1.5", [0, 5, 90, 1.5]),
        ("", []),
    ):
        assert editor_form.parse_schedule(text) == delays
        assert (
            editor_form.parse_schedule(editor_form.format_schedule([float(one) for one in delays]))
            == delays
        )
    for text in ("soon", "5 w", "-1", "1e9", "5,,s"):
        with pytest.raises(ValueError, match="Enter seconds"):
            editor_form.parse_schedule(text)


def test_an_operator_s_call_names_the_organization_that_the_page_is_of() -> None:
    acme = "cust/1"
    asked = partial(curl, "http://127.0.0.1:8080", organization=acme)
    for path in ("/webhooks", "/stats?window=1h", "/audit?actor=root"):
        assert f"{'&' if '?' in path else '?'}organization_id=cust%2F1'" in asked("GET", path)
    assert f'"organization_id": "{acme}"' in asked("POST", "/api-keys", {"name": "ci"})
    for path in ("/webhooks/1", "/deliveries/1"):
        assert "organization_id" not in asked("GET", path)
    assert "organization_id" not in curl("http://127.0.0.1:8080", "GET", "/webhooks")


def test_a_count_that_stopped_says_that_there_may_be_more() -> None:
    assert [capped_count(many) for many in (0, 9999, 10000)] == ["0", "9,999", "10,000+"]
    whole = DeliveryCounts(total=11_000, by_status={"pending": 6000, "sending": 5000}, capped=False)
    assert status_count(whole, "pending", "sending") == "11,000"
    short = DeliveryCounts(total=10_007, by_status={"delivered": 10_000, "dead": 7}, capped=True)
    assert [status_count(short, one) for one in ("delivered", "dead", "held")] == [
        "10,000+",
        "7",
        "0",
    ]
    assert status_count(short, "dead", narrowed=True) == "7+"
