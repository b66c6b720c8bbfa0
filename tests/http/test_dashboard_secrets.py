"""Secrets in the dashboard: where one may be sent stays as it is when its value is replaced."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from rowhook.services import secrets
from tests.browser.test_dashboard_sign_in import enter, visitor
from tests.support.calls import Api
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


async def hosts(rig: Rig) -> dict[str, list[str] | None]:
    found = await secrets.list_secrets(rig.ctx, rig.platform.organization)
    return {one.id: one.allowed_hosts for one in found.items}


def filled(html: str) -> dict[str, str]:
    """What the form for a secret sends as it stands."""
    form = html[html.index('id="secret"') :]
    fields = re.findall(r'<input[^>]* name="(\w+)"[^>]*>', form)
    values = (re.search(rf'name="{name}"[^>]* value="([^"]*)"', form) for name in fields)
    return {name: unescape(value[1]) for name, value in zip(fields, values, strict=True) if value}


async def test_a_value_is_replaced_and_its_hosts_stay(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    key = await enter(visitor, await api.key_of(rig.platform.organization))
    await secrets.put_secret(rig.ctx, rig.platform.organization, "crm", "a", ["a.example"])
    form = filled((await visitor.get("/secrets?edit=crm")).text)
    assert (form["secret_id"], form["allowed_hosts"]) == ("crm", "a.example")
    answer = await visitor.post("/secrets", data=form | {"csrf": key, "value": "b"})
    assert answer.headers["location"] == "/secrets?done=saved"
    assert await hosts(rig) == {"crm": ["a.example"]}


async def test_a_new_secret_does_not_take_the_place_of_another(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    key = await enter(visitor, await api.key_of(rig.platform.organization))
    await secrets.put_secret(rig.ctx, rig.platform.organization, "crm", "a", ["a.example"])
    answer = await visitor.post("/secrets", data={"csrf": key, "secret_id": "crm", "value": "b"})
    assert answer.status_code == 422
    assert "A secret with this id exists." in answer.text
    assert await hosts(rig) == {"crm": ["a.example"]}
    assert "replaces" not in filled((await visitor.get("/secrets?edit=other")).text)


async def test_a_secret_for_no_host_is_not_opened_to_any_when_its_value_is_replaced(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    key = await enter(visitor, await api.key_of(rig.platform.organization))
    await secrets.put_secret(rig.ctx, rig.platform.organization, "crm", "a", [])
    shown = (await visitor.get("/secrets?edit=crm")).text
    assert 'name="to_no_host" checked' in shown
    form = filled(shown) | {"csrf": key, "value": "b"}
    await visitor.post("/secrets", data=form | {"to_no_host": "on"})
    assert await hosts(rig) == {"crm": []}
    await visitor.post("/secrets", data=form)
    assert await hosts(rig) == {"crm": None}
