"""Compression of pages and static files, and the size of pages."""

from __future__ import annotations

import gzip
import re

import httpx
import pytest

from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import Api
from tests.support.sample_platform import Platform
from tests.support.screens import MAIN_PATHS, SETTINGS_PATHS

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio
MAX_BYTES = 100_000


async def encoding_of(visitor: httpx.AsyncClient, path: str, site: str | None) -> str | None:
    headers = {"Accept-Encoding": "gzip"} | ({"Sec-Fetch-Site": site} if site else {})
    async with visitor.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, path
        encoding: str | None = response.headers.get("content-encoding")
        return encoding


async def test_pages_are_compressed_only_for_requests_of_the_site_itself(
    visitor: httpx.AsyncClient,
) -> None:
    await sign_in(visitor)
    encodings = {
        site: await encoding_of(visitor, "/webhooks?search=guess", site)
        for site in ("same-origin", "none", "same-site", "cross-site", None)
    }
    assert encodings == {
        "same-origin": "gzip",
        "none": "gzip",
        "same-site": None,
        "cross-site": None,
        None: None,
    }


async def test_event_streams_are_not_compressed_and_static_files_always_are(
    visitor: httpx.AsyncClient,
) -> None:
    await sign_in(visitor)
    assert await encoding_of(visitor, "/live/overview?window=1h", "same-origin") is None
    page = (await visitor.get("/")).text
    style = re.search(r'href="(/static/base.css[^"]*)"', page)
    font = re.search(r'href="(/static/vendor/inter.woff2[^"]*)"', page)
    assert style is not None
    assert font is not None
    assert await encoding_of(visitor, style[1], None) == "gzip"
    assert await encoding_of(visitor, font[1], None) is None
    assert f'url("{font[1].removeprefix("/static/")}")' in (await visitor.get(style[1])).text


async def test_full_lists_take_less_than_100_kb_compressed(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    for number in range(60):
        await api.webhook(
            platform.organization, name=f"Webhook {number}", url=f"https://{number}.example.com/a"
        )
    await platform.run(
        "select rowhook.link_goal(id, %s) from rowhook.webhook",
        platform.goal,
    )
    for _ in range(2):
        await platform.commit()
    csrf = await sign_in(visitor)
    organization = {"csrf": csrf, "organization": str(platform.organization)}
    await visitor.post("/organizations", data=organization)
    sizes = {
        path: len(gzip.compress((await visitor.get(path)).content, 6))
        for path in (*MAIN_PATHS, *SETTINGS_PATHS, "/links?kind=goal", "/webhooks/new")
    }
    assert {path: size for path, size in sizes.items() if size > MAX_BYTES} == {}
