"""axe-core checks of every screen of the dashboard, light and dark, wide and narrow."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.support.axe import serious_violations
from tests.support.browser import needs_chromium
from tests.support.dashboard_session import open_dashboard
from tests.support.scoreboard import score
from tests.support.screens import each_appearance, each_screen
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]


MAIN = (
    "overview",
    "deliveries",
    "deliveries beside one",
    "portal",
    "portal link",
    "webhook",
    "webhook edit previewed",
    "held",
    "failures",
    "sign-in",
)


@pytest.mark.long
async def test_axe_reports_no_serious_violation_on_the_main_screens(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium) as dashboard:
        violations = {
            name: await serious_violations(dashboard.page)
            async for name in each_screen(dashboard, MAIN.__contains__)
        }
        assert dashboard.external_requests == []
    assert violations == {name: [] for name in MAIN}


@pytest.mark.battery
async def test_axe_reports_no_serious_violation_on_any_screen(rig: Rig, chromium: Browser) -> None:
    by_appearance: dict[str, list[str]] = {}
    screens = 0
    async with open_dashboard(rig, chromium) as dashboard:
        async for name in each_screen(dashboard):
            screens += 1
            async for appearance in each_appearance(dashboard.page):
                by_appearance[f"{name}, {appearance}"] = await serious_violations(dashboard.page)
        assert dashboard.external_requests == []
    violations = {name: violations for name, violations in by_appearance.items() if violations}
    assert violations == {}
    score(
        f"axe-core on {screens} screens of the dashboard, light and dark, 1440 and 390 px wide",
        required="no serious violation on any of 70 screens or more",
        measured=f"{len(violations)} of {len(by_appearance)} appearances with a violation",
        holds=not violations and screens >= 70,
    )
