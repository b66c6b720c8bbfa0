"""The dashboard's search for pages, names and ids, and the organizations that lists name."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import Api
from tests.support.sample_platform import Platform, other_platform
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


async def targets(visitor: httpx.AsyncClient, text: str) -> list[str]:
    """Returns the links of the matches, as the search dialog gets them."""
    response = await visitor.get("/search", params={"q": text}, headers={"HX-Request": "true"})
    assert response.status_code == 200, response.text
    assert "<header" not in response.text
    return [unescape(link) for link in re.findall(r'class="match" href="([^"]+)"', response.text)]


async def commit_in(platform: Platform, session: str) -> str:
    """Commits in a new session, and returns the id of the commit."""
    await platform.run(
        "insert into rowhook.session (id, organization_id) values (%s, %s)",
        session,
        platform.organization,
    )
    return await platform.commit(session=session)


async def test_ids_of_every_kind_lead_to_their_pages(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    platform = rig.platform
    await sign_in(visitor, await api.key_of(platform.organization))
    webhook = await platform.webhook_of_goal(name="Customers")
    await platform.value("select rowhook.link_agent(%s, %s)", webhook, platform.agent)
    commit = await commit_in(platform, "session-1")
    job = await platform.job("succeeded")
    of_commit, of_job = await platform.rows(
        "select o.id, o.event_id from rowhook.outbox o join rowhook.event e on e.id = o.event_id"
        " order by e.job_id nulls first"
    )
    assert await targets(visitor, str(webhook)) == [f"/webhooks/{webhook}"]
    assert await targets(visitor, str(webhook)[:8]) == [f"/webhooks/{webhook}"]
    assert await targets(visitor, commit) == [f"/deliveries?commit_id={commit}"]
    assert await targets(visitor, str(job)) == [f"/deliveries?job_id={job}"]
    assert await targets(visitor, "session-1") == [f"/deliveries?commit_id={commit}"]
    assert f"/goals/{platform.goal}" in await targets(visitor, platform.goal)
    agent = f"/links?kind=agent&search={platform.agent}"
    assert await targets(visitor, str(platform.agent)) == [agent]
    assert f"/deliveries/{of_job['id']}" in await targets(visitor, str(of_job["id"]))
    by_event = await targets(visitor, str(of_commit["event_id"]))
    assert f"/deliveries?commit_id={commit}" in by_event


async def test_names_and_pages_are_found_by_a_part_in_any_case(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    names = ["New customers", "customers", "Customers of Berlin", "100 %"]
    ids = [(await api.webhook(platform.organization, name=name))["id"] for name in names]
    await sign_in(visitor, await api.key_of(platform.organization, "read"))
    ranked = [f"/webhooks/{ids[place]}" for place in (1, 2, 0)]
    assert await targets(visitor, "CUSTOMERS") == ranked
    assert await targets(visitor, "%") == [f"/webhooks/{ids[3]}"]
    assert await targets(visitor, "deliv") == ["/deliveries"]
    assert await targets(visitor, "API keys") == []
    for nothing in ("\0", "x" * 1000, "9" * 30, "nobody"):
        assert await targets(visitor, nothing) == []


async def test_objects_of_another_organization_are_not_found(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    webhook = await rig.platform.webhook_of_goal(name="Hidden")
    commit = await commit_in(rig.platform, "session-1")
    delivery = await rig.platform.value("select id from rowhook.outbox")
    other = await other_platform(rig.platform)
    await sign_in(visitor, await api.key_of(other.organization))
    for text in (
        "Hidden",
        str(webhook),
        commit,
        "session-1",
        rig.platform.goal,
        str(rig.platform.agent),
        str(rig.platform.organization),
    ):
        assert await targets(visitor, text) == [], text
    assert f"/deliveries/{delivery}" not in await targets(visitor, str(delivery))


async def test_an_operator_finds_organizations_and_sees_their_names_in_lists(
    visitor: httpx.AsyncClient, api: Api, platform: Platform
) -> None:
    other = await other_platform(platform)
    await platform.run(
        "update rowhook.organization set name = 'Globex', external_id = 'org/7' where id = %s",
        other.organization,
    )
    await api.webhook(platform.organization, name="one")
    await api.webhook(other.organization, name="two")
    csrf = await sign_in(visitor)
    results = (await visitor.get("/search?q=globex")).text
    assert f'name="organization" value="{other.organization}"' in results
    for path in ("/webhooks", "/links", "/goals", "/audit"):
        page = (await visitor.get(path)).text
        assert '<span title="org/7">Globex</span>' in page, path
    for path in ("/organizations?search=GLOB", "/organizations?search=org/7"):
        page = (await visitor.get(path)).text
        assert (str(other.organization) in page, str(platform.organization) in page) == (
            True,
            False,
        )
    await visitor.post("/organizations", data={"csrf": csrf, "organization": other.organization})
    limited = (await visitor.get("/webhooks")).text
    assert ("two" in limited, ">one<" in limited, "<th>Organization" in limited) == (
        True,
        False,
        False,
    )


async def test_the_navigation_counts_webhooks_and_waiting_deliveries(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    await sign_in(visitor, await api.key_of(rig.platform.organization))
    await rig.platform.webhook_of_goal(name="one")
    await rig.platform.webhook_of_goal(name="two")
    await rig.platform.commit()
    await rig.platform.run("update rowhook.outbox set status = 'cancelled' where id = 1")
    page = (await visitor.get("/webhooks")).text
    counts = re.findall(
        r'href="(/\w*)"[^>]*>.*?<span>[\w ]+</span> <span class="count[ \w]*">(.*?)<', page
    )
    assert counts == [("/webhooks", "2"), ("/deliveries", "1")]
