"""Sign-in, sessions and request forgery protection of the dashboard."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser, expect

from rowhook.services.paging import cursor
from rowhook.services.sessions import make_link
from tests.support.browser import needs_chromium
from tests.support.calls import ADMIN_KEY, Api
from tests.support.dashboard_session import open_dashboard
from tests.support.sample_platform import Platform
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio


@pytest.fixture
async def visitor(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that keeps cookies, like a browser without JavaScript."""
    async with httpx.AsyncClient(base_url=api.url) as client:
        yield client


async def sign_in(visitor: httpx.AsyncClient, key: str = ADMIN_KEY) -> str:
    """Signs in and returns the CSRF token of the session."""
    answer = await visitor.post("/sign-in", data={"key": key})
    assert answer.status_code == 303, answer.text
    match = re.search(r'name="csrf" value="(\w+)"', (await visitor.get("/")).text)
    assert match is not None
    return match[1]


async def test_every_page_redirects_to_sign_in_without_a_session(
    visitor: httpx.AsyncClient,
) -> None:
    for path, query in (
        ("/", ""),
        ("/organizations?cursor=x", "?next=%2Forganizations%3Fcursor%3Dx"),
    ):
        answer = await visitor.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in{query}")
    for path in ("/sign-out", "/organizations"):
        assert (await visitor.post(path)).status_code == 401


async def test_an_unknown_path_is_an_html_404_for_a_browser(
    visitor: httpx.AsyncClient,
) -> None:
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path in ("/nothing<b>", "/webhooks/1", "/static/nothing.css"):
        answer = await visitor.get(path, headers=browser)
        assert (answer.status_code, answer.headers["content-type"][:9]) == (404, "text/html")
        assert "There is no page at /" in answer.text
        assert '<a class="button" href="/">Back to the overview</a>' in answer.text
        assert "<b>" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    answer = await visitor.get("/sign-out", headers=browser)
    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")
    assert "There is no page at /sign-out" in answer.text
    not_pages = (("/v1", browser), ("/v1/nothing", browser), ("/nothing", {"accept": "*/*"}))
    for path, accept in not_pages:
        answer = await visitor.get(path, headers=accept)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_key_signs_in_and_out(visitor: httpx.AsyncClient) -> None:
    csrf = await sign_in(visitor)
    assert (await visitor.get("/")).status_code == 200
    response = await visitor.post("/sign-out", data={"csrf": csrf})
    assert response.headers["location"] == "/sign-in"
    assert (await visitor.get("/")).status_code == 303


async def test_the_session_cookie_is_http_only_and_same_site(
    visitor: httpx.AsyncClient,
) -> None:
    cookie = (await visitor.post("/sign-in", data={"key": ADMIN_KEY})).headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Max-Age=43200"} <= set(cookie.split("; "))
    assert ADMIN_KEY not in cookie


async def test_the_cookies_of_a_site_with_tls_are_secure(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    tls = {"X-Forwarded-Proto": "https"}
    session = await visitor.post("/sign-in", data={"key": ADMIN_KEY}, headers=tls)
    csrf = await sign_in(visitor)
    chosen = await visitor.post(
        "/organizations",
        data={"csrf": csrf, "organization": str(platform.organization)},
        headers=tls,
    )
    for response in (session, chosen):
        assert response.status_code == 303
        cookie = set(response.headers["set-cookie"].split("; "))
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= cookie


async def test_an_unknown_key_is_reported_and_sets_no_cookie(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.post("/sign-in", data={"key": "rhk_wrong"})
    assert answer.status_code == 401
    assert "Unknown API key." in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_form_of_another_session_or_site_is_refused(
    visitor: httpx.AsyncClient, api: Api
) -> None:
    csrf = await sign_in(visitor)
    for data, headers in (
        ({}, {}),
        ({"csrf": "0" * 64}, {}),
        ({"csrf": csrf}, {"Origin": "https://evil.example"}),
        ({"csrf": csrf}, {"Origin": "null"}),
        ({"csrf": csrf}, {"Origin": api.url, "Sec-Fetch-Site": "cross-site"}),
        ({"csrf": csrf}, {"Origin": api.url, "Sec-Fetch-Site": "same-site"}),
    ):
        answer = await visitor.post("/organizations", data=data, headers=headers)
        assert answer.status_code == 403, (data, headers)
    assert (
        await visitor.post("/organizations", data={"csrf": csrf}, headers={"Origin": api.url})
    ).status_code == 303


async def test_malformed_form_bodies_are_refused(
    visitor: httpx.AsyncClient,
) -> None:
    parts = b'--x\r\nContent-Disposition: form-data; name="csrf"\r\nContent-Type: a/b; charset='
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    form = {"content-type": "application/x-www-form-urlencoded"}
    csrf = (await sign_in(visitor)).encode()
    for headers, body, status in (
        (multipart, parts + b"nope\r\n\r\nx\r\n--x--\r\n", 403),
        (form, b"csrf=\xff%ff%00", 403),
        (form, b"csrf=" + csrf + b"&a=1" * 6000, 422),
        ({}, b"", 403),
    ):
        answer = await visitor.post("/organizations", content=body, headers=headers)
        assert answer.status_code == status, answer.text
    assert (await visitor.request("OPTIONS", "/secrets")).status_code == 204


async def test_an_out_of_range_number_is_refused(visitor: httpx.AsyncClient, rig: Rig) -> None:
    csrf, webhook = await sign_in(visitor), (await rig.webhook()).id
    form = {"csrf": csrf, "revision": "3000000000", "name": "x"}
    assert (await visitor.post(f"/webhooks/{webhook}/edit", data=form)).status_code == 422
    for path in (f"/webhooks/{webhook}/revisions", f"/v1/webhooks/{webhook}/revisions"):
        params = {"cursor": cursor(3_000_000_000)}
        key = {"authorization": f"Bearer {ADMIN_KEY}"}
        assert (await visitor.get(path, params=params, headers=key)).status_code == 422


async def test_a_sign_in_from_another_site_is_refused(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.post(
        "/sign-in", data={"key": ADMIN_KEY}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_a_sign_in_link_is_redeemed_only_on_confirmation(
    visitor: httpx.AsyncClient, api: Api
) -> None:
    link = await make_link(api.server_ctx.pool)
    for _ in range(2):
        assert link in (await visitor.get(f"/sign-in/link?token={link}")).text
    assert (await visitor.post("/sign-in/link", data={"link": link})).status_code == 303
    assert (await visitor.get("/")).status_code == 200
    again = await visitor.post("/sign-in/link", data={"link": link})
    assert (again.status_code, "was used already" in again.text) == (401, True)


async def test_a_page_needs_the_scope_of_its_api_call(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    await visitor.post("/sign-in", data={"key": await api.key_of(platform.organization, "write")})
    answer = await visitor.get("/")
    assert answer.status_code == 403
    assert "lacks the scope read. It has: write." in answer.text


async def test_an_operator_can_select_one_organization(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    csrf = await sign_in(visitor)
    await visitor.post(
        "/organizations", data={"csrf": csrf, "organization": str(platform.organization)}
    )
    assert "<span>Acme</span>" in (await visitor.get("/")).text
    await visitor.post("/organizations", data={"csrf": csrf, "organization": "all"})
    assert "All organizations" in (await visitor.get("/")).text
    await visitor.post("/organizations", data={"csrf": csrf, "organization": str(uuid4())})
    assert "All organizations" in (await visitor.get("/")).text


async def test_every_response_has_a_strict_content_security_policy(
    visitor: httpx.AsyncClient,
) -> None:
    await sign_in(visitor)
    for path, status in (("/", 200), ("/organizations?cursor=x", 422)):
        answer = await visitor.get(path)
        assert answer.status_code == status
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


async def test_sign_in_redirects_only_to_local_paths(visitor: httpx.AsyncClient) -> None:
    for target, location in (
        ("", "/"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/deliveries?status=dead", "/deliveries?status=dead"),
        ("/a\r\nSet-Cookie: x", "/a%0ASet-Cookie:%20x"),
    ):
        answer = await visitor.post("/sign-in", data={"key": ADMIN_KEY, "next": target})
        assert answer.headers["location"] == location, target


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_the_overview_is_updated_live_after_sign_in(rig: Rig, chromium: Browser) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        await dashboard.sign_in()
        await dashboard.webhook("CRM", "/crm")
        await dashboard.commit()
        await dashboard.page.locator(".figure strong", has_text="1").first.wait_for()
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])


async def test_the_menu_lists_only_pages_that_the_key_may_open(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    for scopes, scoped_links in (
        (("read",), set()),
        (("read", "replay"), {"/replay"}),
        (("read", "admin"), {"/keys", "/audit"}),
    ):
        await sign_in(visitor, await api.key_of(platform.organization, *scopes))
        menu = (await visitor.get("/")).text.partition('<nav class="side"')[2].partition("</nav")[0]
        links = set(re.findall('href="([^"]*)"', menu))
        assert links & {"/replay", "/keys", "/audit"} == scoped_links
        for path in links:
            assert (await visitor.get(path)).status_code == 200, (scopes, path)


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_a_sign_in_link_works_once_and_sign_out_ends_the_session(
    rig: Rig, chromium: Browser
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as dashboard:
        page, link = dashboard.page, await make_link(dashboard.api.server_ctx.pool)
        await dashboard.open(f"/sign-in/link?token={link}")
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(f"{dashboard.url}/")
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url(f"{dashboard.url}/sign-in")
        await dashboard.open("/deliveries?status=dead")
        await expect(page).to_have_url(
            f"{dashboard.url}/sign-in?next=%2Fdeliveries%3Fstatus%3Ddead"
        )
        await dashboard.open(f"/sign-in/link?token={link}")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("was used already")
        await page.get_by_label("API key").fill(ADMIN_KEY)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(f"{dashboard.url}/")
        assert (dashboard.console_errors, dashboard.external_requests) == ([], [])
