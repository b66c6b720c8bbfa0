"""Addresses in the pages of the dashboard."""

from __future__ import annotations

import html
import re

import httpx
import pytest

from tests.support.calls import ADMIN_KEY, Api
from tests.support.certificates import trust

pytestmark = pytest.mark.anyio

PAGES = ("/", "/webhooks", "/deliveries", "/held", "/failures", "/system", "/organizations")


async def test_every_link_of_the_main_pages_opens_a_page(api: Api) -> None:
    statuses: dict[str, int] = {}
    async with httpx.AsyncClient(verify=trust(), base_url=api.url) as visitor:
        await visitor.post("/sign-in", data={"key": ADMIN_KEY})
        for page in PAGES:
            text = (await visitor.get(page)).text
            # An ampersand that is escaped twice makes a parameter named "amp;…".
            assert "&amp;amp;" not in text, page
            for address in set(re.findall(r'href="(/[^"#]*)"', text)):
                if not address.startswith("/static/") and address not in statuses:
                    response = await visitor.get(html.unescape(address), follow_redirects=True)
                    statuses[address] = response.status_code
    assert "/deliveries?status=pending&amp;status=sending" in statuses
    assert {address: status for address, status in statuses.items() if status != 200} == {}
