"""Every place of the dashboard where foreign text stands, filled with texts that attack pages."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.hazards.attacked import addresses, fill, forms, lists
from tests.hazards.looking import WATCH, look_at
from tests.hazards.page_attacks import PAYLOADS
from tests.support.browser import needs_chromium
from tests.support.dashboard_session import open_dashboard
from tests.support.rig import Rig
from tests.support.scoreboard import score

pytestmark = [pytest.mark.anyio, pytest.mark.hazards, needs_chromium]


@pytest.mark.parametrize(
    ("planted", "with_pages"),
    [
        pytest.param(16, 1, marks=pytest.mark.long),
        pytest.param(len(PAYLOADS), len(PAYLOADS), marks=pytest.mark.battery),
    ],
)
async def test_no_text_is_ever_run(
    rig: Rig, chromium: Browser, planted: int, with_pages: int
) -> None:
    async with open_dashboard(rig, chromium, with_data=False) as made:
        filled = await fill(made, PAYLOADS[:planted])
        found = await rig.platform.rows(
            "select webhook_id, max(id) as id from rowhook.outbox group by 1"
        )
        deliveries = {one["webhook_id"]: one["id"] for one in found}
        await made.page.context.add_init_script(WATCH)
        await made.sign_in()
        await made.choose_organization()
        # The lists hold all of them; each has pages of its own besides.
        own = filled[:with_pages]
        paths = [
            *lists(filled[0]),
            *(path for one in own for path in addresses(one, deliveries)),
        ]
        seen = await look_at(made, paths, [form for one in own for form in forms(one)])
        broken = [one for one in made.console_errors if "Failed to load resource" not in one]
    assert (seen.planted, broken) == ([], [])
    ran = f"{len(seen.hits)} executions, {len(seen.reports)} reports"
    score(
        f"{planted} texts that attack pages, {len(own)} of them on pages of their own: on"
        f" {seen.addresses} addresses and"
        f" {seen.answers} answers to forms, and in {seen.came} pieces that came later",
        asked="0 executions, 0 reports of the policy, nothing asked of another machine",
        measured=f"{ran}, {len(made.external_requests)} elsewhere",
        holds=not (seen.hits or seen.reports or made.external_requests),
    )
