"""Portal links and the sessions that they open, and attacks on both."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.support.calls import Api, faults, running_api
from tests.support.certificates import trust
from tests.support.sample_platform import Platform, other_platform

pytestmark = pytest.mark.anyio
APP = "https://app.example.com"
PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture
async def portals(dsn: str) -> AsyncIterator[Api]:
    """An API whose portals may be framed."""
    async with running_api(dsn, portal_origins=(APP,)) as api:
        yield api


@pytest.fixture
async def visitor(portals: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without JavaScript."""
    async with httpx.AsyncClient(verify=trust(), base_url=portals.url) as client:
        yield client


async def create_link(api: Api, key: str | None = None, **draft: Any) -> dict[str, Any]:
    response = await api.call("POST", "/portal-links", draft, key=key)
    assert response.status_code == 201, response.text
    link: dict[str, Any] = response.json()
    return link


def token_of(link: dict[str, Any]) -> str:
    token: str = parse_qs(urlsplit(link["url"]).query)["token"][0]
    return token


async def open_link(
    visitor: httpx.AsyncClient, link: dict[str, Any], **headers: str
) -> httpx.Response:
    return await visitor.post("/portal", data={"link": token_of(link)}, headers=headers)


async def open_portal(visitor: httpx.AsyncClient, api: Api, **draft: Any) -> str:
    """Opens a new link and returns the overview of its session."""
    opened = await open_link(visitor, await create_link(api, **draft))
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    overview = await visitor.get("/")
    assert overview.status_code == 200, overview.text
    return overview.text


def csrf_of(html: str) -> str:
    match = re.search(r'name="csrf" value="(\w+)"', html)
    assert match is not None
    return match[1]


def hrefs(html: str) -> set[str]:
    """The pages of this site that a page links to."""
    return {href.split("#")[0] for href in re.findall(r'<a [^>]*href="(/[^"]*)"', html)} - {""}


async def test_a_link_is_returned_once_and_stored_as_a_hash(
    portals: Api, platform: Platform
) -> None:
    link = await create_link(portals, organization_id=str(platform.organization), expires_in_s=60)
    assert link["url"].startswith(f"{portals.url}/portal?token=")
    left = datetime.fromisoformat(link["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=0) < left <= timedelta(seconds=60)
    stored = await platform.value("select hash from rowhook.portal_session")
    assert stored == hashlib.sha256(token_of(link).encode()).digest()


async def test_a_link_signs_in_once(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    link = await create_link(portals, organization_id=str(platform.organization))
    for _ in range(2):
        # A mail program that previews the link does not use it up.
        assert "This link works once." in (await visitor.get(link["url"])).text
    answers = await asyncio.gather(*(open_link(visitor, link) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [303, *[401] * 7]
    again = await visitor.get(link["url"])
    assert (again.status_code, "was used already" in again.text) == (401, True)
    assert await platform.value("select count(*) from rowhook.portal_session") == 1


async def test_an_expired_or_unknown_link_is_refused(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    link = await create_link(portals, organization_id=str(platform.organization))
    await platform.run("update rowhook.portal_session set ends_at = now() - interval '1 second'")
    for url in (link["url"], "/portal?token=unknown", "/portal"):
        assert (await visitor.get(url)).status_code == 401
    assert (await open_link(visitor, link)).status_code == 401
    assert "set-cookie" not in (await visitor.post("/portal", data={})).headers


async def test_the_token_of_a_session_is_not_a_link_and_a_link_is_not_a_session(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    link = await create_link(portals, organization_id=str(platform.organization))
    visitor.cookies.set("rowhook_portal", token_of(link))
    assert (await visitor.get("/")).status_code == 401
    visitor.cookies.clear()
    await open_link(visitor, link)
    session = visitor.cookies["rowhook_portal"]
    assert session != token_of(link)
    assert (await visitor.post("/portal", data={"link": session})).status_code == 401


async def test_a_key_creates_links_for_its_own_organization_only(
    portals: Api, platform: Platform
) -> None:
    key = await portals.key_of(platform.organization)
    await create_link(portals, key)
    for owner in (str(uuid4()), "their-id"):
        # Before anything else is checked.
        draft = {"organization_id": owner, "scopes": ["admin"]}
        response = await portals.call("POST", "/portal-links", draft, key=key)
        assert response.status_code == 404
        assert (await portals.call("POST", "/portal-links", draft)).status_code == 404
    response = await portals.call("POST", "/portal-links", {})
    assert list(faults(response)) == ["/organization_id"]


async def test_a_link_cannot_exceed_the_scopes_of_its_key(portals: Api, platform: Platform) -> None:
    for scopes, requested, pointers in (
        (("read",), ["read"], None),
        (("write",), None, ["/scopes/0"]),
        (("read", "write"), ["read", "replay"], ["/scopes/1"]),
        (("read", "write"), ["write"], ["/scopes"]),
        (("read", "write"), [], ["/scopes"]),
        (("read", "write", "admin"), ["read", "admin"], ["/scopes/1"]),
        (("read", "write"), ["read", "all"], ["/scopes/1"]),
    ):
        key = await portals.key_of(platform.organization, *scopes)
        draft = {} if requested is None else {"scopes": requested}
        response = await portals.call("POST", "/portal-links", draft, key=key)
        if pointers is None:
            assert response.status_code == 403, scopes
        else:
            assert (response.status_code, list(faults(response))) == (422, pointers), scopes


@pytest.mark.parametrize(
    ("pointer", "draft"),
    [
        *(
            ("/return_url", {"return_url": url})
            for url in (
                "javascript:alert(1)",
                "//evil.example",
                "/local",
                "ftp://a.example",
                "data:text/html,x",
                "https://",
                "https://a.example@evil.example/",
                "https://user:pass@a.example/",
                "https://a.example\\@evil.example",
                'https://a.example/"onclick=',
                "https://a.example/\n",
                "https://ä.example/",
                "https://a.example/" + "a" * 2000,
            )
        ),
        *(
            ("/brand/logo", {"brand": {"logo": logo}})
            for logo in (
                "http://a.example/logo.png",
                "javascript:alert(1)",
                "data:text/html;base64,AAAA",
                "data:image/png,plain",
                "data:image/png;base64,A",
                "data:image/png;base64," + "A" * 65536,
                "https://a.example; script-src *",
                "https://a.example\"/onerror='x",
                "/logo.png",
            )
        ),
        *(
            (f"/brand/{name}", {"brand": {name: color}})
            for name in ("accent_color", "header_color")
            for color in ("red", "#12", "#12345", "#1234567", "#fff;}", "url(#a)", "", "#ggg")
        ),
        *(("/brand/name", {"brand": {"name": name}}) for name in ("", " ", "a\nb", "a\u202eb")),
        ("/brand/name", {"brand": {"name": "a" * 81}}),
        ("/brand", {"brand": {"script": "x"}}),
        ("/brand", {"brand": "red"}),
        ("/expires_in_s", {"expires_in_s": 29}),
        ("/expires_in_s", {"expires_in_s": 604801}),
        ("/expires_in_s", {"expires_in_s": "1h"}),
        ("/colour", {"colour": "#fff"}),
    ],
)
async def test_an_invalid_link_is_refused_with_a_pointer(
    portals: Api, platform: Platform, pointer: str, draft: dict[str, Any]
) -> None:
    draft = {"organization_id": str(platform.organization)} | draft
    response = await portals.call("POST", "/portal-links", draft)
    assert (response.status_code, list(faults(response))) == (422, [pointer]), response.text
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_brand_is_text_and_colors_and_nothing_runs(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    brand = {
        "name": "<script>alert(1)</script>\"'",
        "logo": "https://cdn.example:8443/logo.svg?a=1&b='x'",
        "accent_color": "#FC0",
        "header_color": "#101820",
    }
    html = await open_portal(
        visitor,
        portals,
        organization_id=str(platform.organization),
        brand=brand,
        return_url="https://app.example.com/back?x='&y=1",
    )
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert 'href="https://app.example.com/back?x=&#39;&amp;y=1" target="_top"' in html
    assert "--accent-ground: #ffcc00; --on-accent: #101216;" in html
    assert "--portal-header: #101820; --portal-on-header: #ffffff;" in html
    policy = (await visitor.get("/webhooks")).headers["content-security-policy"]
    assert "img-src 'self' data: https://cdn.example:8443;" in policy
    assert "unsafe" not in policy


async def test_a_portal_shows_one_organization_within_its_scopes(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    other = await other_platform(platform)
    webhook = await portals.webhook(platform.organization, name="Own")
    foreign = await portals.webhook(other.organization, name="Foreign")
    html = await open_portal(
        visitor, portals, organization_id=str(platform.organization), brand={"logo": PIXEL}
    )
    assert (await visitor.get(f"/webhooks/{foreign['id']}")).status_code == 404
    assert "Foreign" not in (await visitor.get("/webhooks")).text
    seen: set[str] = set()
    todo = hrefs(html) | {f"/webhooks/{webhook['id']}"}
    while todo:
        path = todo.pop()
        seen.add(path)
        page = await visitor.get(path)
        assert page.status_code == 200, path
        forms = set(re.findall(r'<form method="post"[^>]*action="([^"]*)"', page.text))
        assert forms <= {"/sign-out"} | {f"/goals/{platform.goal}"}, (path, forms)
        assert "formaction=" not in page.text, path
        todo |= {href for href in hrefs(page.text) if "?" not in href} - seen
    assert not {"/keys", "/audit", "/system", "/replay"} & seen
    for path, reason in (
        ("/keys", "lacks the scope admin"),
        ("/audit", "lacks the scope admin"),
        ("/replay", "lacks the scope replay"),
        ("/webhooks/new", "lacks the scope write"),
        ("/system", "not part of the portal"),
        ("/organizations", "requires an operator key"),
    ):
        refused = await visitor.get(path)
        assert (refused.status_code, reason in refused.text) == (403, True), path


async def test_the_session_ends_with_its_key(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    draft = {"name": "portal", "scopes": ["read", "write", "replay"]}
    draft["organization_id"] = str(platform.organization)
    created = (await portals.call("POST", "/api-keys", draft)).json()
    unopened = await create_link(portals, created["key"])
    opened = await open_link(
        visitor, await create_link(portals, created["key"], scopes=["read", "replay"])
    )
    assert opened.status_code == 303
    assert (await visitor.get("/replay")).status_code == 200
    await platform.run("update rowhook.api_key set scopes = '{read}' where name = 'portal'")
    assert (await visitor.get("/replay")).status_code == 403
    assert (await portals.call("DELETE", f"/api-keys/{created['id']}")).status_code == 204
    ended = await visitor.get("/")
    assert (ended.status_code, "The session has ended." in ended.text) == (401, True)
    assert (await open_link(visitor, unopened)).status_code == 401
    assert await platform.value("select count(*) from rowhook.portal_session") == 0


async def test_an_expired_key_ends_its_sessions(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    await open_portal(visitor, portals, key=await portals.key_of(platform.organization))
    await platform.run("update rowhook.api_key set expires_at = now()")
    assert (await visitor.get("/")).status_code == 401


async def test_signing_out_ends_the_session_and_shows_the_way_back(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    back = "https://app.example.com/settings"
    html = await open_portal(
        visitor, portals, organization_id=str(platform.organization), return_url=back
    )
    refused = await visitor.post("/sign-out", data={"csrf": "0" * 64})
    assert refused.status_code == 403
    session = visitor.cookies["rowhook_portal"]
    ended = await visitor.post("/sign-out", data={"csrf": csrf_of(html)})
    assert (ended.status_code, f'href="{back}"' in ended.text) == (200, True)
    assert '<nav class="side"' not in ended.text
    assert "rowhook_portal" not in visitor.cookies
    visitor.cookies.set("rowhook_portal", session)
    assert (await visitor.get("/")).status_code == 401


async def test_only_portal_pages_can_be_framed(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    link = await create_link(portals, organization_id=str(platform.organization))
    for path in ("/sign-in", "/nothing"):
        page = await visitor.get(path, headers={"accept": "text/html"})
        assert page.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    framed = [await visitor.get(link["url"])]
    await open_link(visitor, link)
    framed += [await visitor.get(path) for path in ("/", "/deliveries", "/keys", "/portal?token=x")]
    framed.append(await visitor.get("/nothing", headers={"accept": "text/html"}))
    visitor.cookies.clear()
    visitor.cookies.set("rowhook_portal", "ended")
    framed.append(await visitor.get("/"))
    for page in framed:
        assert f"frame-ancestors {APP}" in page.headers["content-security-policy"], page.url
        assert "x-frame-options" not in page.headers


async def test_a_framed_portal_gets_a_cookie_of_its_own_site(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    for headers, expected in (
        ({"sec-fetch-dest": "document"}, {"SameSite=lax"}),
        ({}, {"SameSite=lax"}),
        ({"sec-fetch-dest": "iframe"}, {"SameSite=none", "Secure", "Partitioned"}),
        ({"sec-fetch-dest": "iframe", "host": "hooks.example.com"}, {"SameSite=lax"}),
    ):
        link = await create_link(portals, organization_id=str(platform.organization))
        cookie = (await open_link(visitor, link, **headers)).headers["set-cookie"]
        attributes = {"SameSite=lax", "SameSite=none", "Secure", "Partitioned"}
        assert set(cookie.split("; ")) & attributes == expected, (headers, cookie)
        assert "HttpOnly" in cookie
        assert "Max-Age" not in cookie


async def test_a_form_of_another_site_cannot_open_or_use_a_portal(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    link = await create_link(portals, organization_id=str(platform.organization))
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": APP},
        {"origin": "null"},
    ):
        assert (await open_link(visitor, link, **headers)).status_code == 403
    await open_link(visitor, link)
    csrf = csrf_of((await visitor.get("/")).text)
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": APP}):
        answer = await visitor.post("/sign-out", data={"csrf": csrf}, headers=headers)
        assert answer.status_code == 403


async def test_a_key_session_returns_when_a_portal_ends(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    await visitor.post("/sign-in", data={"key": portals.key})
    html = await open_portal(visitor, portals, organization_id=str(platform.organization))
    assert "All organizations" not in html
    await visitor.post("/sign-out", data={"csrf": csrf_of(html)})
    assert "All organizations" in (await visitor.get("/")).text
    await open_portal(visitor, portals, organization_id=str(platform.organization))
    await visitor.post("/sign-in", data={"key": portals.key})
    assert "All organizations" in (await visitor.get("/")).text


async def test_links_and_sessions_are_audited_without_tokens(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    html = await open_portal(
        visitor, portals, organization_id=str(platform.organization), brand={"name": "Shop"}
    )
    await visitor.post("/sign-out", data={"csrf": csrf_of(html)})
    response = await portals.call("GET", "/audit")
    entries = {entry["action"]: entry for entry in response.json()["items"]}
    created = entries["portal_link.created"]
    assert created["actor"] == "key:ROWHOOK_ADMIN_KEY"
    assert created["after"]["scopes"] == ["read"]
    assert created["after"]["name"] == "Shop"
    actor = f"portal:{created['subject']}"
    assert entries["portal_session.opened"]["actor"] == actor
    assert entries["portal_session.ended"]["actor"] == actor


async def test_changes_of_a_customer_are_audited_under_the_portal(
    portals: Api, platform: Platform, visitor: httpx.AsyncClient
) -> None:
    webhook = await portals.webhook(platform.organization)
    html = await open_portal(
        visitor, portals, organization_id=str(platform.organization), scopes=["read", "write"]
    )
    paused = await visitor.post(f"/webhooks/{webhook['id']}/pause", data={"csrf": csrf_of(html)})
    assert paused.status_code == 303
    entry = (await portals.call("GET", "/audit")).json()["items"][0]
    link_id = await platform.value("select id from rowhook.portal_session")
    assert entry["actor"] == f"portal:{link_id}"


async def test_a_repeated_request_gets_the_same_link(portals: Api, platform: Platform) -> None:
    draft, headers = {"organization_id": str(platform.organization)}, {"Idempotency-Key": "page-1"}
    first, second = [
        await portals.call("POST", "/portal-links", draft, headers=headers) for _ in range(2)
    ]
    assert first.json() == second.json()


async def test_the_empty_pages_of_a_portal_name_no_command(
    visitor: httpx.AsyncClient, portals: Api, db: psycopg.AsyncConnection
) -> None:
    organization = uuid4()
    await db.execute("insert into rowhook.organization values (%s, 'Northwind')", (organization,))
    scopes = ["read", "write", "secrets", "replay"]
    await open_portal(visitor, portals, organization_id=str(organization), scopes=scopes)
    for path in sorted(hrefs((await visitor.get("/")).text)):
        main = (await visitor.get(path)).text.partition("<main")[2]
        page_text = re.sub(r'<details class="api-call">.*?</details>', "", main, flags=re.DOTALL)
        assert not re.search(r"insert into|rowhook |psql|from a shell", page_text), path
    assert "They are created in Northwind." in (await visitor.get("/goals")).text
