"""Who comes in to the dashboard, in a real browser and without one."""

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
from tests.support.sample_platform import Platform
from tests.support.stage import stage
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio


@pytest.fixture
async def visitor(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that keeps cookies, without JavaScript."""
    async with httpx.AsyncClient(base_url=api.url) as client:
        yield client


async def enter(visitor: httpx.AsyncClient, key: str = ADMIN_KEY) -> str:
    """Signs in; the word that forms must carry."""
    answer = await visitor.post("/sign-in", data={"key": key})
    assert answer.status_code == 303, answer.text
    found = re.search(r'name="csrf" value="(\w+)"', (await visitor.get("/")).text)
    assert found is not None
    return found[1]


async def test_without_a_session_every_page_leads_to_the_form(visitor: httpx.AsyncClient) -> None:
    for path, wanted in (
        ("/", ""),
        ("/organizations?cursor=x", "?next=%2Forganizations%3Fcursor%3Dx"),
    ):
        answer = await visitor.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in{wanted}")
    for path in ("/sign-out", "/organizations"):
        assert (await visitor.post(path)).status_code == 401


async def test_a_path_without_a_page_says_so_to_a_browser_and_leads_back(
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
    unread = (("/v1", browser), ("/v1/nothing", browser), ("/nothing", {"accept": "*/*"}))
    for path, accept in unread:
        answer = await visitor.get(path, headers=accept)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_key_signs_in_and_out(visitor: httpx.AsyncClient) -> None:
    word = await enter(visitor)
    assert (await visitor.get("/")).status_code == 200
    gone = await visitor.post("/sign-out", data={"csrf": word})
    assert gone.headers["location"] == "/sign-in"
    assert (await visitor.get("/")).status_code == 303


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(
    visitor: httpx.AsyncClient,
) -> None:
    cookie = (await visitor.post("/sign-in", data={"key": ADMIN_KEY})).headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Max-Age=43200"} <= set(cookie.split("; "))
    assert ADMIN_KEY not in cookie


async def test_a_wrong_key_is_told_and_no_cookie_is_given(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.post("/sign-in", data={"key": "rhk_wrong"})
    assert answer.status_code == 401
    assert "Unknown API key." in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_form_of_another_session_or_site_is_refused(
    visitor: httpx.AsyncClient, api: Api
) -> None:
    word = await enter(visitor)
    for data, headers in (
        ({}, {}),
        ({"csrf": "0" * 64}, {}),
        ({"csrf": word}, {"Origin": "https://evil.example"}),
        ({"csrf": word}, {"Origin": "null"}),
        ({"csrf": word}, {"Origin": api.url, "Sec-Fetch-Site": "cross-site"}),
        ({"csrf": word}, {"Origin": api.url, "Sec-Fetch-Site": "same-site"}),
    ):
        answer = await visitor.post("/organizations", data=data, headers=headers)
        assert answer.status_code == 403, (data, headers)
    assert (
        await visitor.post("/organizations", data={"csrf": word}, headers={"Origin": api.url})
    ).status_code == 303


async def test_what_no_browser_sends_is_refused_and_breaks_nothing(
    visitor: httpx.AsyncClient,
) -> None:
    parts = b'--x\r\nContent-Disposition: form-data; name="csrf"\r\nContent-Type: a/b; charset='
    sent = {"content-type": "multipart/form-data; boundary=x"}
    form = {"content-type": "application/x-www-form-urlencoded"}
    word = (await enter(visitor)).encode()
    for headers, body, status in (
        (sent, parts + b"nope\r\n\r\nx\r\n--x--\r\n", 403),
        (form, b"csrf=\xff%ff%00", 403),
        (form, b"csrf=" + word + b"&a=1" * 6000, 422),
        ({}, b"", 403),
    ):
        answer = await visitor.post("/organizations", content=body, headers=headers)
        assert answer.status_code == status, answer.text
    assert (await visitor.request("OPTIONS", "/secrets")).status_code == 204


async def test_a_number_that_no_column_holds_is_told(visitor: httpx.AsyncClient, rig: Rig) -> None:
    word, webhook = await enter(visitor), (await rig.webhook()).id
    form = {"csrf": word, "revision": "3000000000", "name": "x"}
    assert (await visitor.post(f"/webhooks/{webhook}/edit", data=form)).status_code == 422
    for path in (f"/webhooks/{webhook}/revisions", f"/v1/webhooks/{webhook}/revisions"):
        asked = {"cursor": cursor(3_000_000_000)}
        key = {"authorization": f"Bearer {ADMIN_KEY}"}
        assert (await visitor.get(path, params=asked, headers=key)).status_code == 422


async def test_another_site_signs_nobody_in(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.post(
        "/sign-in", data={"key": ADMIN_KEY}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_a_link_asks_before_it_is_used_up(visitor: httpx.AsyncClient, api: Api) -> None:
    link = await make_link(api.server_ctx.pool)
    for _ in range(2):
        assert link in (await visitor.get(f"/sign-in/link?token={link}")).text
    assert (await visitor.post("/sign-in/link", data={"link": link})).status_code == 303
    assert (await visitor.get("/")).status_code == 200
    again = await visitor.post("/sign-in/link", data={"link": link})
    assert (again.status_code, "was used already" in again.text) == (401, True)


async def test_a_page_needs_the_scope_of_its_call(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    await visitor.post("/sign-in", data={"key": await api.key_of(platform.organization, "write")})
    answer = await visitor.get("/")
    assert answer.status_code == 403
    assert "lacks the scope read. It has: write." in answer.text


async def test_an_operator_may_go_on_as_one_organization(
    visitor: httpx.AsyncClient, platform: Platform
) -> None:
    word = await enter(visitor)
    await visitor.post(
        "/organizations", data={"csrf": word, "organization": str(platform.organization)}
    )
    assert ">Acme</a>" in (await visitor.get("/")).text
    await visitor.post("/organizations", data={"csrf": word, "organization": "all"})
    assert "all organizations" in (await visitor.get("/")).text
    await visitor.post("/organizations", data={"csrf": word, "organization": str(uuid4())})
    assert "all organizations" in (await visitor.get("/")).text


async def test_every_answer_forbids_what_a_page_does_not_need(visitor: httpx.AsyncClient) -> None:
    await enter(visitor)
    for path, status in (("/", 200), ("/organizations?cursor=x", 422)):
        answer = await visitor.get(path)
        assert answer.status_code == status
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


async def test_after_signing_in_one_stays_here(visitor: httpx.AsyncClient) -> None:
    for wanted, place in (
        ("", "/"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/deliveries?status=dead", "/deliveries?status=dead"),
        ("/a\r\nSet-Cookie: x", "/a%0ASet-Cookie:%20x"),
    ):
        answer = await visitor.post("/sign-in", data={"key": ADMIN_KEY, "next": wanted})
        assert answer.headers["location"] == place, wanted


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_a_person_signs_in_and_what_is_live_stays_live(rig: Rig, chromium: Browser) -> None:
    async with stage(rig, chromium, settled=False) as made:
        await made.sign_in()
        await made.webhook("CRM", "/crm")
        await made.commit()
        await made.page.locator(".figure strong", has_text="1").first.wait_for()
        assert (made.complaints, made.elsewhere) == ([], [])


async def test_the_menu_leads_to_what_the_key_may_open(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    for scopes, beyond in (
        (("read",), set()),
        (("read", "replay"), {"/replay"}),
        (("read", "admin"), {"/keys", "/audit"}),
    ):
        await enter(visitor, await api.key_of(platform.organization, *scopes))
        menu = (await visitor.get("/")).text.partition('<nav class="side"')[2].partition("</nav")[0]
        led = set(re.findall('href="([^"]*)"', menu))
        assert led & {"/replay", "/keys", "/audit"} == beyond
        for path in led:
            assert (await visitor.get(path)).status_code == 200, (scopes, path)


@pytest.mark.long
@pytest.mark.browser
@needs_chromium
async def test_a_link_is_opened_once_in_a_browser_and_signing_out_ends_it(
    rig: Rig, chromium: Browser
) -> None:
    async with stage(rig, chromium, settled=False) as made:
        page, link = made.page, await make_link(made.api.server_ctx.pool)
        await made.go(f"/sign-in/link?token={link}")
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(f"{made.url}/")
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url(f"{made.url}/sign-in")
        await made.go("/deliveries?status=dead")
        await expect(page).to_have_url(f"{made.url}/sign-in?next=%2Fdeliveries%3Fstatus%3Ddead")
        await made.go(f"/sign-in/link?token={link}")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("was used already")
        await page.get_by_label("API key").fill(ADMIN_KEY)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(f"{made.url}/")
        assert (made.complaints, made.elsewhere) == ([], [])
