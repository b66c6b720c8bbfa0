"""Every route of the dashboard, opened by one tenant with the ids and names of another."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
import psycopg
import pytest

from rowhook.server_sent_events import MEDIA_TYPE
from tests.support.calls import ADMIN_KEY, Api
from tests.support.dashboard_routes import dashboard_routes
from tests.support.screens import SINCE
from tests.support.tenants import Tenant, tenant

pytestmark = pytest.mark.anyio
# In the names, texts and data of the other tenant.
MARK = "Hidden"
# Finds the names, and is not the mark itself: pages repeat the search text.
SEARCH = "Hidde"
_FIRST_EVENT_S = 2.0
Fields = Mapping[str, str]
_NONE: Fields = MappingProxyType({})


class Target(NamedTuple):
    """The values of a route's path, and its query or form, which name objects of a tenant."""

    path: Fields = _NONE
    fields: Fields = _NONE


def targets(other: Tenant, alert: str) -> dict[str, Target]:
    """A target for each route of the dashboard, except those without a session."""
    webhook, goal, delivery = str(other.webhook), other.platform.goal, str(other.dead)
    of_webhook = {"webhook_id": webhook, "since": SINCE}
    in_path = Target({"webhook_id": webhook})
    draft = {"name": "x", "url": "https://example.com/", "body": "default", "revision": "1"}
    sample = {"sample": f"goal:{goal}", "sample_data": '{"a": 1}'}
    pair = f"goal {webhook} {goal}"
    return {
        "GET /organizations": Target(fields={"search": SEARCH}),
        "POST /organizations": Target(fields={"organization": str(other.organization)}),
        "GET /": Target(),
        "GET /live/overview": Target(),
        "GET /failures": Target(fields=of_webhook),
        "GET /webhooks": Target(fields={"search": SEARCH}),
        "POST /webhooks/state": Target(fields={"id": webhook, "to": "active"}),
        "GET /webhooks/{webhook_id}": in_path,
        "GET /live/webhooks/{webhook_id}": in_path,
        "POST /webhooks/{webhook_id}/pause": in_path,
        "POST /webhooks/{webhook_id}/resume": in_path,
        "POST /webhooks/{webhook_id}/rotate-secret": in_path._replace(fields={"overlap_s": "0"}),
        "POST /webhooks/{webhook_id}/delete": in_path._replace(fields={"unlink": "all"}),
        "GET /webhooks/new": Target(fields={"organization": str(other.organization)}),
        "POST /webhooks/new": Target(
            fields=draft | {"organization": str(other.organization), "external_id": "mine"}
        ),
        "GET /webhooks/{webhook_id}/edit": in_path,
        "POST /webhooks/{webhook_id}/edit": in_path._replace(fields=draft),
        "POST /webhooks/preview": Target(fields=draft | sample | {"webhook_id": webhook}),
        "POST /webhooks/url-secret": Target(fields=draft | {"webhook_id": webhook}),
        "GET /webhooks/{webhook_id}/test": in_path,
        "POST /webhooks/{webhook_id}/test": in_path._replace(fields=sample),
        "GET /webhooks/{webhook_id}/revisions": in_path,
        "POST /webhooks/{webhook_id}/restore": in_path._replace(fields={"revision": "1"}),
        "GET /links": Target(fields={"kind": "goal", "search": goal, "webhook_id": webhook}),
        "POST /links": Target(fields={"kind": "goal", "id": goal, "webhook_id": webhook}),
        "POST /links/unlink": Target(fields={"pair": pair}),
        "GET /goals": Target(fields={"goal_id": goal}),
        "POST /goals": Target(fields={"goal_id": goal, "data": "{}"}),
        "GET /goals/{goal_id}": Target({"goal_id": goal}),
        "GET /deliveries": Target(fields={"webhook_id": webhook, "open": delivery}),
        "GET /live/deliveries": Target(fields={"webhook_id": webhook}),
        "POST /deliveries/retry": Target(fields={"id": delivery}),
        "POST /deliveries/cancel": Target(fields={"id": str(other.waiting)}),
        "GET /deliveries/{delivery_id}": Target({"delivery_id": delivery}),
        "GET /deliveries/{delivery_id}/pane": Target({"delivery_id": delivery}),
        "GET /live/deliveries/{delivery_id}": Target({"delivery_id": str(other.waiting)}),
        "POST /deliveries/{delivery_id}/retry": Target({"delivery_id": delivery}),
        "POST /deliveries/{delivery_id}/cancel": Target({"delivery_id": str(other.waiting)}),
        "GET /held": Target(),
        "GET /held/{webhook_id}": in_path,
        "POST /held/{webhook_id}/preview": in_path,
        "POST /held/{webhook_id}/save": in_path._replace(fields=draft),
        "POST /held/{webhook_id}/release": in_path,
        "GET /held/{webhook_id}/released": in_path._replace(fields={"of": "4", "before": "0"}),
        "GET /live/held/{webhook_id}": in_path._replace(fields={"of": "4", "before": "0"}),
        "GET /replay": Target(fields=of_webhook),
        "POST /replay": Target(fields=of_webhook | {"status": "dead"}),
        "GET /replay/count": Target(fields=of_webhook | {"status": "dead"}),
        "GET /replay/progress": Target(fields=of_webhook | {"of": "4", "before": "0"}),
        "GET /live/replay": Target(fields=of_webhook | {"of": "4", "before": "0"}),
        "GET /alerts": Target(),
        "POST /alerts": Target(fields={"organization_id": str(other.organization)}),
        "POST /alerts/thresholds": Target(
            fields={"organization_id": str(other.organization), "held": "1"}
        ),
        "POST /alerts/{alert_id}/test": Target({"alert_id": alert}),
        "POST /alerts/{alert_id}/state": Target({"alert_id": alert}, {"to": "paused"}),
        "POST /alerts/{alert_id}/delete": Target({"alert_id": alert}),
        "GET /keys": Target(),
        "POST /keys": Target(
            fields={"name": "x", "scopes": "read", "organization_id": str(other.organization)}
        ),
        "POST /keys/delete": Target(fields={"key_id": str(other.key_id)}),
        "GET /secrets": Target(fields={"edit": other.secret}),
        "POST /secrets": Target(fields={"secret_id": other.secret, "value": "x"}),
        "POST /secrets/delete": Target(fields={"secret_id": other.secret}),
        "GET /quotas": Target(fields={"organization_id": str(other.organization)}),
        "POST /quotas": Target(
            fields={"organization_id": str(other.organization), "webhooks": "1"}
        ),
        "GET /system": Target(),
        "GET /adopt": Target(),
        "POST /adopt": Target(fields={"waiting": "cancel"}),
        "GET /audit": Target(fields={"subject": webhook}),
        "GET /search": Target(fields={"q": SEARCH}),
        "POST /sign-out": Target(),
    }


def _routes() -> set[str]:
    """The method and the path of each route that needs a session."""
    return {
        f"{method} {path}"
        for path, handler in dashboard_routes()
        for method in handler.http_methods - {"OPTIONS"}
        if not handler.opt.get("public")
    }


async def _named(api: Api, db: psycopg.AsyncConnection) -> tuple[Tenant, str]:
    """A tenant with the mark in its names and data, and the id of its alert."""
    other = await tenant(api, db)
    owner = other.organization
    for table in ("organization", "agent", "goal"):
        column = "id" if table == "organization" else "organization_id"
        await db.execute(
            f"update rowhook.{table} set name = %s where {column} = %s".encode(),
            (f"{MARK} {table}", owner),
        )
    for webhook in (other.webhook, other.unlinked_webhook):
        text = {"name": f"{MARK} webhook", "description": MARK, "metadata": {"a": MARK}}
        assert (await api.call("PATCH", f"/webhooks/{webhook}", text)).status_code == 200
    await other.platform.commit(f'{{"note": "{MARK}"}}')
    alert = await api.webhook(owner, name=f"{MARK} alert", event_types=["webhook.failing"])
    return other, str(alert["id"])


async def _fetch(client: httpx.AsyncClient, route: str, target: Target, csrf: str) -> str:
    """The text of a response; of a stream, its first event."""
    method, _, template = route.partition(" ")
    path, text = template.format(**target.path), ""
    if method == "GET":
        options: dict[str, Any] = {"params": target.fields}
    else:
        options = {"content": urlencode({"csrf": csrf, **target.fields})}
        options["headers"] = {"Content-Type": "application/x-www-form-urlencoded"}
    async with client.stream(method, path, **options) as response:
        assert response.status_code < 500, (route, response.status_code)
        if MEDIA_TYPE not in response.headers.get("content-type", ""):
            return (await response.aread()).decode()
        # A stream without visible rows sends no event.
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_EVENT_S):
                async for line in response.aiter_lines():
                    text += line
                    if "data:" in text and not line:
                        break
    return text


async def _session(client: httpx.AsyncClient, path: str, **data: str) -> str:
    """Opens a session and returns its CSRF token."""
    assert (await client.post(path, data=data)).status_code == 303
    match = re.search(r'name="csrf" value="(\w+)"', (await client.get("/")).text)
    assert match is not None
    return match[1]


@pytest.fixture
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client that keeps cookies, like a browser without JavaScript."""
    async with httpx.AsyncClient(base_url=api.url, timeout=60) as opened:
        yield opened


async def _rows(db: psycopg.AsyncConnection, owner: object) -> dict[str, str]:
    """A digest of each table of a tenant that forms write to."""
    digests = {}
    for table in (
        *("webhook", "link", "secret", "outbox", "api_key"),
        *("alert_threshold", "organization_quota", "audit"),
    ):
        query = (
            "select md5(string_agg(r::text, chr(10) order by r::text))"
            f" from rowhook.{table} r where organization_id = %s"
        )
        row = await (await db.execute(query.encode(), (owner,))).fetchone()
        assert row is not None
        digests[table] = row[0]
    return digests


async def _own_pages(client: httpx.AsyncClient, targets: dict[str, Target], key: str) -> set[str]:
    """The pages that show the mark to its owner."""
    csrf = await _session(client, "/sign-in", key=key)
    return {
        route
        for route, target in targets.items()
        if route.startswith("GET") and MARK in await _fetch(client, route, target, csrf)
    }


@pytest.mark.parametrize("visitor", ["key", "portal"])
async def test_no_route_shows_or_changes_rows_of_another_tenant(
    api: Api, db: psycopg.AsyncConnection, client: httpx.AsyncClient, visitor: str
) -> None:
    (other, alert), own = await _named(api, db), await tenant(api, db)
    table = targets(other, alert)
    assert set(table) == _routes(), "each route needs a target"
    # The targets are those of pages that show the mark to its owner.
    pages = await _own_pages(client, table, await api.key_of(other.organization))
    assert len(pages) >= 20, pages
    client.cookies.clear()
    if visitor == "key":
        csrf = await _session(client, "/sign-in", key=await api.key_of(own.organization))
    else:
        scopes = ["read", "write", "secrets", "replay"]
        draft = {"organization_id": str(own.organization), "scopes": scopes}
        link = (await api.call("POST", "/portal-links", draft)).json()["url"]
        csrf = await _session(client, "/portal", link=link.partition("token=")[2])
    before = await _rows(db, other.organization)
    responses = {route: await _fetch(client, route, table[route], csrf) for route in table}
    assert [route for route, text in responses.items() if MARK in text] == []
    assert await _rows(db, other.organization) == before


async def test_an_operator_of_all_organizations_sees_the_owner_of_each_row(
    api: Api, db: psycopg.AsyncConnection, client: httpx.AsyncClient
) -> None:
    other, _ = await _named(api, db)
    await tenant(api, db)
    name, lists = f"{MARK} organization", ("/", "/webhooks", "/deliveries", "/failures", "/links")
    csrf = await _session(client, "/sign-in", key=ADMIN_KEY)
    for path in lists:
        assert name in (await client.get(path)).text.partition("<main")[2], path
    await client.post(
        "/organizations", data={"csrf": csrf, "organization": str(other.organization)}
    )
    for path in lists:
        assert name not in (await client.get(path)).text.partition("<main")[2], path
