"""The figures of the dashboard, and their lines of today against yesterday."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader


def render(call: str) -> str:
    environment = Environment(loader=PackageLoader("rowhook.dashboard"), autoescape=True)
    source = '{% from "_cards.html" import card, trend_of %}{{ ' + call + " }}"
    return environment.from_string(source).render()


def points(html: str, name: str) -> list[tuple[float, ...]]:
    match = re.search(rf'class="{name}" points="([^"]*)"', html)
    assert match is not None, html
    return [tuple(map(float, pair.split(","))) for pair in match[1].split()]


def test_both_days_have_one_scale_and_today_ends_at_its_step() -> None:
    html = render("trend_of([0, 10], [20, 0, 10])")
    assert points(html, "yesterday") == [(0, 2), (50, 23), (100, 12.5)]
    assert points(html, "today") == [(0, 23), (50, 12.5)]
    assert points(html, "area") == [(0, 23), (0, 23), (50, 12.5), (50, 23)]


def test_a_day_without_deliveries_is_a_flat_line() -> None:
    assert points(render("trend_of([0, 0, 0])"), "today") == [(0, 23), (50, 23), (100, 23)]


def test_a_card_links_to_its_rows_and_escapes_its_texts() -> None:
    linked = render('card("Dead <b>", "7", "of 9", "/deliveries?a=1&b=2", "bad", today=[1, 2])')
    assert '<a class="figure bad" href="/deliveries?a=1&amp;b=2">' in linked
    assert "Dead &lt;b&gt;" in linked
    assert 'class="trend"' in linked
    assert render('card("Backlog", "0")').startswith('<div class="figure">')
