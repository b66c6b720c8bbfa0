"""Debian's Chromium, one for all tests of a process, with a context of its own for each."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.support.deadline import DEADLINE_MS

CHROMIUM = shutil.which("chromium")
# A link that is clicked leads to a page whose scripts come a moment later: until they have run
# there is nothing to be seen, so a test on a busy machine clicks no box that they replace.
ONCE_READY = """
  const hidden = new CSSStyleSheet();
  hidden.replaceSync(":root { visibility: hidden }");
  document.adoptedStyleSheets = [hidden];
  addEventListener("DOMContentLoaded", () => { document.adoptedStyleSheets = []; });
"""
expect.set_options(timeout=DEADLINE_MS)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"
)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """A running Chromium, and the driver that it is told through."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield chromium
        finally:
            await chromium.close()


@asynccontextmanager
async def tab(chromium: Browser, *, scripts: bool = True) -> AsyncIterator[Page]:
    """A new page, which may open others beside it; without `scripts` it runs none."""
    context = await chromium.new_context(java_script_enabled=scripts)
    try:
        context.set_default_timeout(DEADLINE_MS)
        if scripts:
            await context.add_init_script(ONCE_READY)
        yield await context.new_page()
    finally:
        await context.close()


async def text_of(shown: Locator) -> str:
    """What it says, once it is to be seen."""
    await shown.wait_for()
    return await shown.inner_text()
