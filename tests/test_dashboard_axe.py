"""Every screen of the dashboard, light and dark, wide and narrow, judged by axe-core."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.axe import serious_faults
from tests.browser import needs_chromium
from tests.commands import on_18
from tests.rig import Rig
from tests.screens import screens
from tests.stage import stage

LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 1440), ("dark", 390))
pytestmark = [pytest.mark.anyio, pytest.mark.long, on_18, needs_chromium]


async def test_axe_finds_no_serious_fault_on_any_screen(rig: Rig) -> None:
    found: dict[str, list[str]] = {}
    async with stage(rig) as made:
        await made.go("/sign-in")
        found["sign in"] = await serious_faults(made.page)
        await made.sign_in()
        await made.choose()
        for name, path in (await screens(made)).items():
            for theme, width in LOOKS:
                await made.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                await made.page.set_viewport_size({"width": width, "height": 900})
                answered = await made.page.goto(made.url + path)
                assert answered is not None
                assert answered.status == 200, path
                found[f"{name}, {theme}"] = await serious_faults(made.page)
        assert made.elsewhere == []
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len(found) > 40
