"""Compression of pages and static files, and the bytes of a first visit of each page."""

from __future__ import annotations

import gzip
import re

import httpx
import pytest

from rowhook.dashboard.pages import static
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


async def received(visitor: httpx.AsyncClient, path: str) -> tuple[int, str]:
    """Returns the bytes of a response as they are sent, and its text."""
    headers = {"Accept-Encoding": "gzip", "Sec-Fetch-Site": "same-origin"}
    async with visitor.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, path
        sent = b"".join([chunk async for chunk in response.aiter_raw()])
        is_compressed = response.headers.get("content-encoding") == "gzip"
    return len(sent), (gzip.decompress(sent) if is_compressed else sent).decode(errors="replace")


async def first_visit(visitor: httpx.AsyncClient, path: str) -> int:
    """Returns the bytes of a page with the files that it loads while nobody touches it.

    The names of its webhooks have letters with accents.
    """
    size, page = await received(visitor, path)
    files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    assert static("vendor/inter.woff2") in files
    files.add(static("vendor/inter-latin.woff2"))
    return size + sum([(await received(visitor, file))[0] for file in files])


@pytest.mark.long
async def test_a_first_visit_of_a_page_with_full_lists_loads_less_than_100_kb(
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
    (webhook,) = await platform.rows("select id from rowhook.webhook limit 1")
    (delivery,) = await platform.rows("select id from rowhook.outbox limit 1")
    webhook_path = f"/webhooks/{webhook['id']}"
    paths = (
        *MAIN_PATHS,
        *SETTINGS_PATHS,
        "/?window=24h",
        "/links?kind=goal",
        "/webhooks/new",
        "/search?q=webhook",
        f"/goals/{platform.goal}",
        f"/deliveries/{delivery['id']}",
        f"/deliveries?open={delivery['id']}",
        f"/held/{webhook['id']}",
        webhook_path,
        *(f"{webhook_path}/{tab}" for tab in ("edit", "test", "revisions")),
    )
    sizes = {path: await first_visit(visitor, path) for path in paths}
    assert {path: size for path, size in sizes.items() if size > MAX_BYTES} == {}
