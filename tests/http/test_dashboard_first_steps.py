"""The first steps that the dashboard displays for an empty database."""

from __future__ import annotations

import html
import re

import httpx
import psycopg
import pytest

from tests.support.calls import ADMIN_KEY, Api

pytestmark = pytest.mark.anyio


async def steps(visitor: httpx.AsyncClient) -> list[str]:
    """Returns the statements of the section "Get started"."""
    page = (await visitor.get("/")).text
    section = re.search(r'<section class="card" id="get-started">.*?</section>', page, re.DOTALL)
    assert section is not None
    return [
        html.unescape(block)
        for block in re.findall(r"<pre.*?><code>(.*?)</code>", section[0], re.DOTALL)
    ]


async def test_the_displayed_steps_lead_to_the_first_delivery(
    api: Api, db: psycopg.AsyncConnection
) -> None:
    async with httpx.AsyncClient(base_url=api.url) as visitor:
        await visitor.post("/sign-in", data={"key": ADMIN_KEY})
        redirect = await visitor.get("/webhooks/new")
        assert redirect.headers["location"] == "/organizations?next=/webhooks/new"
        assert "insert into rowhook.organization" in (await visitor.get("/organizations")).text

        rows, statement = await steps(visitor)
        await db.execute(rows.encode())
        assert await steps(visitor) == [statement]
        assert "Acme" in (await visitor.get("/webhooks/new")).text

        (owner,) = (await api.call("GET", "/organizations")).json()["items"]
        webhook = await api.webhook(owner["id"])
        response = await api.call("PUT", f"/webhooks/{webhook['id']}/goals/goal_1")
        assert response.status_code == 204
        await db.execute(statement.encode())
        (delivery,) = (await api.call("GET", "/deliveries")).json()["items"]
        assert delivery["webhook_id"] == webhook["id"]


async def test_the_displayed_steps_use_the_organization_s_own_goal(
    api: Api, db: psycopg.AsyncConnection
) -> None:
    for name, goal in (("Acme", "a_goal"), ("Beta", "it's")):
        await db.execute("insert into rowhook.organization (name) values (%s)", (name,))
        await db.execute(
            "insert into rowhook.goal (id, organization_id, name)"
            " select %s, id, 'goal' from rowhook.organization where name = %s",
            (goal, name),
        )
    owners = (await api.call("GET", "/organizations")).json()["items"]
    (beta,) = [owner["id"] for owner in owners if owner["name"] == "Beta"]
    key = await api.key_of(beta, "read")
    async with httpx.AsyncClient(base_url=api.url) as visitor:
        await visitor.post("/sign-in", data={"key": key})
        (statement,) = await steps(visitor)
        assert "'it''s'" in statement
        await db.execute(statement.encode())


async def test_the_displayed_first_rows_belong_to_the_session_s_organization(
    api: Api, db: psycopg.AsyncConnection
) -> None:
    for name in ("Acme", "Beta"):
        await db.execute("insert into rowhook.organization (name) values (%s)", (name,))
    owners = (await api.call("GET", "/organizations")).json()["items"]
    for owner in owners:
        key = await api.key_of(owner["id"], "read")
        async with httpx.AsyncClient(base_url=api.url) as visitor:
            await visitor.post("/sign-in", data={"key": key})
            page = (await visitor.get("/links?kind=agent")).text
            (statement,) = re.findall(r"<code>(insert into .*?)</code>", page, re.DOTALL)
            await db.execute(html.unescape(statement).encode())
            assert "My first agent" in (await visitor.get("/links?kind=agent")).text
