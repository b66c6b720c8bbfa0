"""Every place of the dashboard where foreign text stands, filled with texts that attack pages."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.hazards.attacked_dashboard import addresses, fill, forms, lists
from tests.hazards.page_attacks import PAYLOADS
from tests.hazards.page_inspection import OBSERVER, inspect_pages
from tests.support.browser import needs_chromium
from tests.support.scoreboard import score
from tests.support.stage import stage
from tests.support.worker_rig import Rig

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
    async with stage(rig, chromium, settled=False) as opened:
        filled = await fill(opened, PAYLOADS[:planted])
        rows = await rig.platform.rows(
            "select webhook_id, max(id) as id from rowhook.outbox group by 1"
        )
        deliveries = {row["webhook_id"]: row["id"] for row in rows}
        await opened.page.context.add_init_script(OBSERVER)
        await opened.sign_in()
        await opened.choose()
        # The lists hold all of them; each has pages of its own besides.
        own = filled[:with_pages]
        paths = [
            *lists(filled[0]),
            *(path for attack in own for path in addresses(attack, deliveries)),
        ]
        inspection = await inspect_pages(
            opened, paths, [form for attack in own for form in forms(attack)]
        )
        broken = [
            complaint
            for complaint in opened.complaints
            if "Failed to load resource" not in complaint
        ]
    assert (inspection.planted, broken) == ([], [])
    ran = f"{len(inspection.hits)} executions, {len(inspection.reports)} reports"
    score(
        f"{planted} texts that attack pages, {len(own)} of them on pages of their own: on"
        f" {inspection.addresses} addresses and"
        f" {inspection.answers} answers to forms, and in {inspection.updates} later updates",
        asked="0 executions, 0 reports of the policy, nothing asked of another machine",
        measured=f"{ran}, {len(opened.elsewhere)} elsewhere",
        holds=not (inspection.hits or inspection.reports or opened.elsewhere),
    )
