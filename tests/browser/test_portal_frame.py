"""A portal in a frame of another site, with the page and the code of the documentation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, FrameLocator, Page, async_playwright, expect

from tests.support.api_server import serve_asgi
from tests.support.browser import CHROMIUM, needs_chromium, tab
from tests.support.calls import ADMIN_KEY, Api, running_api
from tests.support.doc_blocks import blocks
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.browser, needs_chromium]
(PAGE,) = blocks("docs/how-to/portal.md", "html")
(CODE,) = blocks("docs/how-to/portal.md", "python")


@dataclass(slots=True, kw_only=True)
class Site:
    """The platform's site: its origin, and the address that its frame shows."""

    origin: str = ""
    frame: str = "about:blank"

    async def serve(self, scope: Any, receive: Any, send: Any) -> None:
        """Serves the page of the documentation."""
        del receive
        if scope["type"] != "http":
            return
        body = PAGE.text.replace("PORTAL_URL", self.frame).encode()
        headers = [(b"content-type", b"text/html"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def framing_site() -> AsyncIterator[Site]:
    """A page at localhost is of another site than the API at 127.0.0.1."""
    site = Site()

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        await site.serve(scope, receive, send)

    async with serve_asgi(serve) as port:
        site.origin = f"http://localhost:{port}"
        yield site


def documented_link(api: Api, organization: object) -> str:
    """Runs the code of the documentation."""
    code = CODE.text.replace("https://rowhook.example.com", api.url).replace("rhk_…", ADMIN_KEY)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  # a block of our documentation
    url: str = names["portal_url"](str(organization))
    return url


async def show(page: Page, site: Site, url: str) -> FrameLocator:
    site.frame = url
    await page.goto(site.origin)
    return page.frame_locator("iframe")


async def test_a_framed_portal_opens_by_itself_and_its_forms_work(
    rig: Rig, chromium: Browser
) -> None:
    async with (
        framing_site() as site,
        running_api(rig.dsn, keyring=rig.keyring, portal_origins=(site.origin,)) as api,
        tab(chromium) as page,
    ):
        errors: list[str] = []
        page.context.on("weberror", lambda error: errors.append(str(error.error)))
        webhook = await api.webhook(rig.platform.organization, name="CRM")
        link = await asyncio.to_thread(documented_link, api, rig.platform.organization)
        frame = await show(page, site, link)
        await expect(frame.get_by_role("heading", name="Overview")).to_be_visible()
        await expect(frame.get_by_role("link", name="Example", exact=True)).to_be_visible()
        (cookie,) = [
            c for c in await page.context.cookies(api.url) if c["name"] == "rowhook_portal"
        ]
        assert (cookie["sameSite"], cookie["secure"], cookie["httpOnly"]) == ("None", True, True)
        assert str(cookie.get("partitionKey")).startswith("http://localhost")
        await frame.get_by_role("link", name="Webhooks").first.click()
        await frame.get_by_role("link", name="CRM").first.click()
        await expect(frame.get_by_role("heading", name="CRM")).to_be_visible()
        await expect(frame.get_by_role("button", name="Pause")).to_have_count(0)
        await expect(frame.get_by_role("link", name="API keys")).to_have_count(0)
        # The frame's session is that of this site alone.
        other = await page.context.new_page()
        await other.goto(f"{api.url}/webhooks/{webhook['id']}")
        await expect(other.get_by_label("API key")).to_be_visible()
        await frame.get_by_role("button", name="Sign out").click()
        await expect(frame.get_by_text("You are signed out.")).to_be_visible()
        back = frame.get_by_role("link", name="Back to app.example.com")
        assert await back.get_attribute("target") == "_top"
        assert await page.context.cookies(api.url) == []
        frame = await show(page, site, link)
        await expect(frame.get_by_text("This link was used already")).to_be_visible()
        assert errors == []


@pytest.mark.long
async def test_a_form_with_the_scope_write_works_in_the_frame(rig: Rig, chromium: Browser) -> None:
    async with (
        framing_site() as site,
        running_api(rig.dsn, keyring=rig.keyring, portal_origins=(site.origin,)) as api,
        tab(chromium) as page,
    ):
        webhook = await api.webhook(rig.platform.organization, name="CRM")
        draft = {"organization_id": str(rig.platform.organization), "scopes": ["read", "write"]}
        link = (await api.call("POST", "/portal-links", draft)).json()["url"]
        frame = await show(page, site, link)
        await frame.get_by_role("link", name="Webhooks").first.click()
        await frame.get_by_role("link", name="CRM").first.click()
        await frame.get_by_role("button", name="Pause").click()
        await expect(frame.get_by_role("button", name="Resume")).to_be_visible()
        state = (await api.call("GET", f"/webhooks/{webhook['id']}")).json()["state"]
        assert state == "paused"


@pytest.mark.long
async def test_a_page_of_another_origin_cannot_frame_a_portal(rig: Rig, chromium: Browser) -> None:
    async with (
        framing_site() as site,
        running_api(rig.dsn, keyring=rig.keyring, portal_origins=("https://a.example",)) as api,
        tab(chromium) as page,
    ):
        draft = {"organization_id": str(rig.platform.organization)}
        link = (await api.call("POST", "/portal-links", draft)).json()["url"]
        messages: list[str] = []
        page.on("console", lambda message: messages.append(message.text))
        frame = await show(page, site, link)
        await expect(frame.get_by_role("button", name="Open")).to_have_count(0)
        assert any("frame-ancestors" in message for message in messages), messages
        # The link was not used, and signs in on a separate page.
        await page.goto(link)
        await page.get_by_role("button", name="Open").click()
        await page.wait_for_url(f"{api.url}/")
        await expect(page.get_by_role("heading", name="Overview")).to_be_visible()


@asynccontextmanager
async def browser_without_third_party_cookies() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        blocking = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--test-third-party-cookie-phaseout"],
        )
        try:
            yield blocking
        finally:
            await blocking.close()


@pytest.mark.long
async def test_a_browser_that_blocks_third_party_cookies_shows_the_portal(rig: Rig) -> None:
    async with (
        framing_site() as site,
        running_api(rig.dsn, keyring=rig.keyring, portal_origins=(site.origin,)) as api,
        browser_without_third_party_cookies() as blocking,
        tab(blocking) as page,
    ):
        draft = {"organization_id": str(rig.platform.organization)}
        link = (await api.call("POST", "/portal-links", draft)).json()["url"]
        frame = await show(page, site, link)
        await expect(frame.get_by_role("heading", name="Overview")).to_be_visible()


@pytest.mark.long
async def test_without_cookies_in_frames_the_portal_opens_in_a_new_tab(
    rig: Rig, chromium: Browser
) -> None:
    async with (
        framing_site() as site,
        running_api(rig.dsn, keyring=rig.keyring, portal_origins=(site.origin,)) as api,
        tab(chromium) as page,
    ):
        # As in a browser that drops the cookies of frames.
        await page.context.add_init_script(
            "if (self !== top) Object.defineProperty(document, 'cookie', {get: () => '', set() {}})"
        )
        draft = {"organization_id": str(rig.platform.organization)}
        link = (await api.call("POST", "/portal-links", draft)).json()["url"]
        frame = await show(page, site, link)
        await expect(frame.get_by_text("opens in a new tab")).to_be_visible()
        async with page.context.expect_page() as opened:
            await frame.get_by_role("button", name="Open").click()
        await expect((await opened.value).get_by_role("heading", name="Overview")).to_be_visible()
