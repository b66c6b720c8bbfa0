"""Pages of the dashboard that say why a request was refused, and what to do."""

from __future__ import annotations

import httpx
import pytest

from tests.support.calls import ADMIN_KEY, Api
from tests.support.certificates import trust

pytestmark = pytest.mark.anyio


async def test_a_form_that_is_too_large_is_refused_with_the_limit(api: Api) -> None:
    async with httpx.AsyncClient(verify=trust(), base_url=api.url) as visitor:
        await visitor.post("/sign-in", data={"key": ADMIN_KEY})
        page = await visitor.post("/quotas", data={"webhooks": "1" * 1_100_000})
    assert page.status_code == 413
    assert "<h1>Too large</h1>" in page.text
    assert "The form is larger than 1 MiB. Go back and shorten it." in page.text
