"""No other URL parser sees another host or port in an accepted URL."""

from __future__ import annotations

import pytest

from tests.support.random_urls import random_urls
from tests.support.scoreboard import score
from tests.support.url_parsers import PARSERS, rowhook_endpoint

pytestmark = pytest.mark.hazards
LEAST_ACCEPTED = 0.1


@pytest.mark.parametrize(
    "cases",
    [pytest.param(5_000, marks=pytest.mark.long), pytest.param(150_000, marks=pytest.mark.battery)],
)
def test_no_other_parser_sees_another_host_or_port_in_an_accepted_url(cases: int) -> None:
    accepted, agreed = 0, dict.fromkeys(PARSERS, 0)
    wrong: list[object] = []
    for url in random_urls(20260523, cases):
        place = rowhook_endpoint(url)
        if place is None:
            continue
        accepted += 1
        for name, reader in PARSERS.items():
            parsed = reader(url)
            agreed[name] += parsed == place
            if parsed not in (None, place):
                wrong.append((name, url, place, parsed))
    summary = ", ".join(f"{name} {count}" for name, count in agreed.items())
    score(
        "generated URLs, compared with three other parsers",
        required=f"{cases}: no other host or port, ≥ 10 % accepted",
        measured=f"{accepted} accepted, {len(wrong)} parsed differently; equal: {summary}"
        + (f"; {wrong[0]}" if wrong else ""),
        holds=not wrong and accepted >= cases * LEAST_ACCEPTED,
    )
    assert min(agreed.values()) > accepted / 2
