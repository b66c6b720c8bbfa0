"""`bin/screenshots`: PNG files of every screen of the dashboard."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from playwright.async_api import Page

from rowhook.db import connection_pool
from rowhook.embedded.cluster import embedded_postgres
from rowhook.migrate import runner
from tests.support.browser import browser
from tests.support.dashboard_session import open_dashboard
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform
from tests.support.screens import each_appearance, each_screen
from tests.support.worker_rig import Rig

FOLDER = Path(__file__).parents[2] / "screenshots"


@asynccontextmanager
async def open_rig() -> AsyncIterator[Rig]:
    """Opens a database, a platform and a receiver without pytest."""
    with tempfile.TemporaryDirectory(prefix="rowhook-", ignore_cleanup_errors=True) as folder:
        async with embedded_postgres(Path(folder) / "data") as dsn:
            await runner.migrate(dsn)
            async with (
                await connection_pool.connect(dsn) as connection,
                connection_pool.open_pool(dsn, size=4) as pool,
                Receiver() as receiver,
            ):
                platform = Platform(connection)
                await platform.set_up()
                yield Rig(dsn, pool, platform, receiver)


async def main(word: str) -> None:
    """Writes all screenshots, or those of screens whose name contains a word."""
    FOLDER.mkdir(exist_ok=True)
    screens = screenshots = 0
    async with open_rig() as rig, browser() as chromium, open_dashboard(rig, chromium) as dashboard:
        async for name in each_screen(dashboard, lambda name: word in name):
            screens += 1
            async for appearance in each_appearance(dashboard.page):
                await _take_screenshot(
                    dashboard.page, FOLDER / f"{_file_name(name)}-{appearance}.png"
                )
                screenshots += 1
    print(f"{screenshots} screenshots of {screens} screens in {FOLDER.name}/")  # noqa: T201  # the output of the command


def _file_name(name: str) -> str:
    return re.sub(r"\W+", "-", name)


async def _take_screenshot(page: Page, file: Path) -> None:
    # Charts and editors are rendered by scripts.
    await page.wait_for_timeout(150)
    await page.screenshot(path=file, full_page=True)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(main(" ".join(sys.argv[1:])))
