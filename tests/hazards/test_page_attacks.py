"""Every position of platform texts in the dashboard, with texts that attack pages."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser

from tests.hazards.attacked_dashboard import (
    Attack,
    Form,
    attack_forms,
    attack_pages,
    create_attacks,
    list_pages,
    portal_draft,
    portal_pages,
)
from tests.hazards.page_attacks import PAYLOADS
from tests.hazards.page_inspection import OBSERVER, Inspection, inspect_pages
from tests.support.browser import needs_chromium
from tests.support.dashboard_routes import dashboard_routes
from tests.support.dashboard_session import DashboardSession, open_dashboard
from tests.support.scoreboard import score
from tests.support.worker_rig import Rig

pytestmark = [pytest.mark.anyio, pytest.mark.hazards, needs_chromium]


@pytest.mark.parametrize(
    ("planted", "with_pages"),
    [
        pytest.param(16, 1, marks=pytest.mark.long),
        pytest.param(len(PAYLOADS), len(PAYLOADS), marks=pytest.mark.battery),
    ],
)
async def test_no_text_is_ever_executed(
    rig: Rig, chromium: Browser, planted: int, with_pages: int
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as opened:
        filled = await create_attacks(opened, PAYLOADS[:planted])
        rows = await rig.platform.rows(
            "select webhook_id, max(id) as id from rowhook.outbox group by 1"
        )
        deliveries = {row["webhook_id"]: row["id"] for row in rows}
        await opened.page.context.add_init_script(OBSERVER)
        await opened.sign_in()
        await opened.choose_organization()
        # The lists contain all of them; a part also has pages of its own.
        own = filled[:with_pages]
        paths = [
            *list_pages(filled[0]),
            *(path for attack in own for path in attack_pages(attack, deliveries)),
        ]
        assert _unvisited(paths) == set()
        inspection = await inspect_pages(
            opened, paths, [form for attack in own for form in attack_forms(attack)]
        )
        for attack in own:
            inspection.add(await _inspect_portal(opened, attack))
        broken = [
            complaint
            for complaint in opened.console_errors
            if "Failed to load resource" not in complaint
        ]
    assert (inspection.planted, broken) == ([], [])
    ran = f"{len(inspection.hits)} executions, {len(inspection.reports)} reports"
    score(
        f"{planted} attack texts, {len(own)} of them on separate pages: on"
        f" {inspection.addresses} addresses and"
        f" {inspection.answers} form responses, and {inspection.updates} later updates",
        required="0 executions, 0 policy reports, 0 requests to other machines",
        measured=f"{ran}, {len(opened.external_requests)} external requests",
        holds=not (inspection.hits or inspection.reports or opened.external_requests),
    )


def _unvisited(paths: list[str]) -> set[str]:
    """The pages of the dashboard that none of the addresses opens."""
    pages = {
        path
        for path, handler in dashboard_routes()
        if "GET" in handler.http_methods and not handler.opt.get("is_stream")
    }
    visited = [urlsplit(path).path for path in paths]
    return {
        page
        for page in pages
        if not any(re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", page), path) for path in visited)
    }


async def _inspect_portal(opened: DashboardSession, attack: Attack) -> Inspection:
    """Opens a portal with the attack in its brand, and its pages until it is signed out."""
    draft = portal_draft(attack, opened.rig.platform.organization)
    link = (await opened.api.call("POST", "/portal-links", draft)).json()["url"]
    inspection = await inspect_pages(opened, [link.removeprefix(opened.url)], [])
    await opened.page.goto(link)
    await opened.page.get_by_role("button", name="Open").click()
    await opened.page.wait_for_url(f"{opened.url}/")
    inspection.add(await inspect_pages(opened, portal_pages(attack), []))
    await opened.open("/")
    inspection.add(await inspect_pages(opened, [], [Form("/sign-out", [], (200,))]))
    await opened.open("/")
    return inspection
