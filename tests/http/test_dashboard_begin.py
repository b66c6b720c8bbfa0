"""A database in which nothing is: what the first page says is enough for a first delivery."""

from __future__ import annotations

import html
import re

import httpx
import psycopg
import pytest

from tests.support.calls import ADMIN_KEY, Api

pytestmark = pytest.mark.anyio


async def steps(visitor: httpx.AsyncClient) -> list[str]:
    """The statements of the overview's "Get started"."""
    page = (await visitor.get("/")).text
    found = re.search(r'<section class="card" id="get-started">.*?</section>', page, re.DOTALL)
    assert found is not None
    return [
        html.unescape(one) for one in re.findall(r"<pre.*?><code>(.*?)</code>", found[0], re.DOTALL)
    ]


async def test_what_it_says_leads_to_the_first_delivery(
    api: Api, db: psycopg.AsyncConnection
) -> None:
    async with httpx.AsyncClient(base_url=api.url) as visitor:
        await visitor.post("/sign-in", data={"key": ADMIN_KEY})
        to_choose = await visitor.get("/webhooks/new")
        assert to_choose.headers["location"] == "/organizations?next=/webhooks/new"
        assert "insert into rowhook.organization" in (await visitor.get("/organizations")).text

        rows, first = await steps(visitor)
        await db.execute(rows.encode())
        assert await steps(visitor) == [first]
        assert "Acme" in (await visitor.get("/webhooks/new")).text

        (owner,) = (await api.call("GET", "/organizations")).json()["items"]
        made = await api.webhook(owner["id"])
        linked = await api.call("PUT", f"/webhooks/{made['id']}/goals/goal_1")
        assert linked.status_code == 204
        await db.execute(first.encode())
        (delivery,) = (await api.call("GET", "/deliveries")).json()["items"]
        assert delivery["webhook_id"] == made["id"]


async def test_an_organization_with_a_goal_is_told_of_its_own(
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
    (beta,) = [one["id"] for one in owners if one["name"] == "Beta"]
    key = await api.key_of(beta, "read")
    async with httpx.AsyncClient(base_url=api.url) as visitor:
        await visitor.post("/sign-in", data={"key": key})
        (first,) = await steps(visitor)
        assert "'it''s'" in first
        await db.execute(first.encode())
