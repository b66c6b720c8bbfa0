"""The format of server-sent events: HTML Living Standard, section 9.2.6."""

from __future__ import annotations

import pytest

from rowhook.server_sent_events import format_event, format_retry


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ("", "data: \n"),
        ("one", "data: one\n"),
        ("one\ntwo", "data: one\ndata: two\n"),
        ("one\r\ntwo\rthree\n", "data: one\ndata: two\ndata: three\ndata: \n"),
        ("one\u2028two\x85three\x0bfour", "data: one\u2028two\x85three\x0bfour\n"),
    ],
)
def test_each_line_of_the_data_is_a_field(data: str, lines: str) -> None:
    assert format_event(data) == f"{lines}\n"


def test_name_and_id_precede_the_data() -> None:
    written = format_event("{}", name="expired", event_id="17.2")
    assert written == "event: expired\nid: 17.2\ndata: {}\n\n"


def test_the_reconnection_time_is_in_milliseconds() -> None:
    assert format_retry(1.5) == "retry: 1500\n\n"
