"""`bin/screenshots`: every screen of the dashboard on the stage, as PNG files for people to see."""

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
from tests.support.receiver import Receiver
from tests.support.sample_platform import Platform
from tests.support.screens import each_look, each_screen
from tests.support.stage import stage
from tests.support.worker_rig import Rig

FOLDER = Path(__file__).parents[2] / "screenshots"


@asynccontextmanager
async def a_rig() -> AsyncIterator[Rig]:
    """A database, a platform and a receiver of its own, without pytest."""
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


async def main(wanted: str) -> None:
    """Writes them all, or those whose name holds a word."""
    FOLDER.mkdir(exist_ok=True)
    screens = taken = 0
    async with a_rig() as rig, browser() as chromium, stage(rig, chromium) as made:
        async for name in each_screen(made, lambda name: wanted in name):
            screens += 1
            async for look in each_look(made.page):
                await _take(made.page, FOLDER / f"{_plain(name)}-{look}.png")
                taken += 1
    print(f"{taken} screenshots of {screens} screens in {FOLDER.name}/")  # noqa: T201  # its answer


def _plain(name: str) -> str:
    return re.sub(r"\W+", "-", name)


async def _take(page: Page, file: Path) -> None:
    # Charts and editors draw themselves.
    await page.wait_for_timeout(150)
    await page.screenshot(path=file, full_page=True)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(main(" ".join(sys.argv[1:])))
