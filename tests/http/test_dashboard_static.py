"""Static files of the dashboard, which visitors load without a session."""

from __future__ import annotations

import pytest

from rowhook.dashboard.pages import STATIC
from tests.support.calls import Api

pytestmark = pytest.mark.anyio


async def test_every_file_is_served(empty_api: Api) -> None:
    names = [str(file.relative_to(STATIC)) for file in STATIC.rglob("*") if file.is_file()]
    assert "vendor/inter.woff2" in names
    for name in names:
        assert (await empty_api.client.get(f"/static/{name}")).status_code == 200, name


@pytest.mark.parametrize(
    "name",
    [
        "nothing.css",
        "vendor",
        "vendor/",
        "%00",
        "icon.svg%00.css",
        "../pages.py",
        "%2e%2e/pages.py",
        "vendor/%2e%2e/%2e%2e/pages.py",
        "..%2fpages.py",
        "..%5cpages.py",
        "%2fetc%2fpasswd",
        "a" * 5000,
    ],
)
async def test_another_name_is_not_found_and_reveals_nothing_about_the_disk(
    empty_api: Api, name: str
) -> None:
    response = await empty_api.client.get(f"/static/{name}")
    assert response.status_code == 404, response.text
    assert str(STATIC.parent) not in response.text
    assert response.headers["content-type"] == "application/problem+json"
