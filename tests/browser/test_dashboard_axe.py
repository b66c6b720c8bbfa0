"""Every screen of the dashboard, light and dark, wide and narrow, judged by axe-core."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.support.axe import serious_faults
from tests.support.browser import needs_chromium
from tests.support.scoreboard import score
from tests.support.screens import each_look, each_screen
from tests.support.stage import stage
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]


MAIN = (
    "overview",
    "deliveries",
    "webhook",
    "webhook edit previewed",
    "held",
    "failures",
    "sign-in",
)


@pytest.mark.long
async def test_axe_finds_no_serious_fault_on_the_main_screens(rig: Rig, chromium: Browser) -> None:
    async with stage(rig, chromium) as made:
        faults = {
            name: await serious_faults(made.page)
            async for name in each_screen(made, MAIN.__contains__)
        }
        assert made.elsewhere == []
    assert faults == {name: [] for name in MAIN}


@pytest.mark.battery
async def test_axe_finds_no_serious_fault_on_any_screen(rig: Rig, chromium: Browser) -> None:
    found: dict[str, list[str]] = {}
    screens = 0
    async with stage(rig, chromium) as made:
        async for name in each_screen(made):
            screens += 1
            async for look in each_look(made.page):
                found[f"{name}, {look}"] = await serious_faults(made.page)
        assert made.elsewhere == []
    faults = {name: faults for name, faults in found.items() if faults}
    assert faults == {}
    score(
        f"axe-core on {screens} screens of the dashboard, light and dark, 1440 and 390 px wide",
        asked="no serious fault on any of 70 screens or more",
        measured=f"{len(faults)} of {len(found)} looks with a fault",
        holds=not faults and screens >= 70,
    )
