from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.transports.http import retry_after_s

NOW = datetime(2026, 5, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("0120", 120.0),
        ("86400", 86400.0),
        ("86401", 86400.0),
        ("1000000000000", 86400.0),
        ("9" * 5000, 86400.0),
        ("Sat, 23 May 2026 12:01:00 GMT", 60.0),
        ("Saturday, 23-May-26 12:01:00 GMT", 60.0),
        ("Sat May 23 12:01:00 2026", 60.0),
        ("Sat, 23 May 2026 11:00:00 GMT", 0.0),
        ("Sun, 23 May 2027 12:00:00 GMT", 86400.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400.0),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("1e3", None),
        ("1_000", None),
        ("\u0661\u0662", None),
        ("", None),
        ("soon", None),
        ("120 seconds", None),
        ("2026-05-23T12:01:00Z", None),
        ("Sat, 23 May 2026 12:01:00 +0200", None),
        ("Sat, 99 May 2026 12:01:00 GMT", None),
        ("120, 240", None),
    ],
)
def test_retry_after_is_parsed_as_in_rfc_9110(value: str, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


@given(st.text(max_size=60))
def test_retry_after_only_delays_and_at_most_a_day(value: str) -> None:
    seconds = retry_after_s(value, NOW)
    assert seconds is None or 0 <= seconds <= 86_400
