"""`bin/screenshots --readme`: the picture in README.md, taken from `rowhook demo --stay`."""

from __future__ import annotations

import asyncio
import re
import tempfile
from asyncio.subprocess import Process
from pathlib import Path

from tests.support.browser import browser, tab
from tests.support.commands import running_command
from tests.support.deadline import DEADLINE_S

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "overview.png"
_UPDATES_MS = 4000


async def main() -> None:
    """Writes the picture of the overview, signed in as an operator."""
    with tempfile.TemporaryDirectory(prefix="rowhook-", ignore_cleanup_errors=True) as home:
        async with (
            running_command(Path(home), "demo", "--stay", "--port", "0") as demo,
            browser() as chromium,
            tab(chromium) as page,
        ):
            await page.set_viewport_size({"width": 1440, "height": 900})
            await page.emulate_media(color_scheme="light", reduced_motion="reduce")
            await page.goto(await _sign_in_link(demo))
            await page.get_by_role("button").first.click()
            await page.get_by_role("heading", name="Overview").first.wait_for()
            await page.get_by_role("link", name="24 h", exact=True).click()
            await page.wait_for_url("**/*24h*")
            # The charts are drawn by scripts, and the live parts are filled by the first update.
            await page.wait_for_timeout(_UPDATES_MS)
            await page.screenshot(path=PICTURE)
    print(PICTURE)  # noqa: T201  # the output of the command


async def _sign_in_link(demo: Process) -> str:
    assert demo.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        while line := (await demo.stdout.readline()).decode():
            if match := re.search(r"Dashboard +(http\S+)", line):
                return match[1]
    raise AssertionError("the demo printed no link")


if __name__ == "__main__":
    asyncio.run(main())
