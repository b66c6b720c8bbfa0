"""Debian's Chromium: one for all tests of a process, with a context for each test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.support.deadline import DEADLINE_MS

CHROMIUM = shutil.which("chromium")
# Scripts of a page run shortly after it is displayed, and the code editor when the pointer moves,
# which it does here at once. The page is hidden until then, so that a test on a busy machine clicks
# no element that they replace.
HIDE_UNTIL_LOADED = """
  const hidden = new CSSStyleSheet();
  hidden.replaceSync(":root { visibility: hidden }");
  document.adoptedStyleSheets = [hidden];
  const show = () => { document.adoptedStyleSheets = []; };
  addEventListener("DOMContentLoaded", () => {
    dispatchEvent(new Event("pointermove"));
    const editor = document.querySelector('script[src*="/vendor/editor.js"]');
    if (!editor?.async) return show();
    for (const name of ["load", "error"]) editor.addEventListener(name, show);
  });
"""
expect.set_options(timeout=DEADLINE_MS)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"
)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Starts Chromium and the driver of Playwright."""
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
    """Opens a page in a new context, with or without JavaScript."""
    context = await chromium.new_context(java_script_enabled=scripts)
    try:
        context.set_default_timeout(DEADLINE_MS)
        if scripts:
            await context.add_init_script(HIDE_UNTIL_LOADED)
        yield await context.new_page()
    finally:
        await context.close()


async def text_of(locator: Locator) -> str:
    """Returns the text of an element once it is visible."""
    await locator.wait_for()
    return await locator.inner_text()


async def unfold(page: Page) -> None:
    """Opens the folded sections of the webhook editor."""
    await page.locator(".draft details:not(.api-call)").evaluate_all(
        "(folded) => folded.forEach((details) => { details.open = true; })"
    )
