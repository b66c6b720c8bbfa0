"""Secrets in the dashboard: allowed hosts are kept when a value is replaced."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from rowhook.services import secrets
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import Api
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
pytestmark = pytest.mark.anyio


async def allowed_hosts(rig: Rig) -> dict[str, list[str] | None]:
    listed = await secrets.list_secrets(rig.ctx, rig.platform.organization)
    return {secret.id: secret.allowed_hosts for secret in listed.items}


def form_values(html: str) -> dict[str, str]:
    """Returns the values that the form for a secret would submit."""
    form = html[html.index('id="secret"') :]
    fields = re.findall(r'<input[^>]* name="(\w+)"[^>]*>', form)
    values = (re.search(rf'name="{name}"[^>]* value="([^"]*)"', form) for name in fields)
    return {name: unescape(value[1]) for name, value in zip(fields, values, strict=True) if value}


async def test_replacing_a_value_keeps_its_allowed_hosts(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    csrf = await sign_in(visitor, await api.key_of(rig.platform.organization))
    await secrets.put_secret(rig.ctx, rig.platform.organization, "crm", "a", ["a.example"])
    form = form_values((await visitor.get("/secrets?edit=crm")).text)
    assert (form["secret_id"], form["allowed_hosts"]) == ("crm", "a.example")
    response = await visitor.post("/secrets", data=form | {"csrf": csrf, "value": "b"})
    assert response.headers["location"] == "/secrets?done=saved"
    assert await allowed_hosts(rig) == {"crm": ["a.example"]}


async def test_a_new_secret_cannot_overwrite_an_existing_one(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    csrf = await sign_in(visitor, await api.key_of(rig.platform.organization))
    await secrets.put_secret(rig.ctx, rig.platform.organization, "crm", "a", ["a.example"])
    response = await visitor.post("/secrets", data={"csrf": csrf, "secret_id": "crm", "value": "b"})
    assert response.status_code == 422
    assert "A secret with this id exists." in response.text
    assert await allowed_hosts(rig) == {"crm": ["a.example"]}
    assert "replaces" not in form_values((await visitor.get("/secrets?edit=other")).text)


async def test_replacing_a_value_keeps_an_empty_list_of_hosts(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    csrf = await sign_in(visitor, await api.key_of(rig.platform.organization))
    await secrets.put_secret(rig.ctx, rig.platform.organization, "crm", "a", [])
    page = (await visitor.get("/secrets?edit=crm")).text
    assert 'name="to_no_host" checked' in page
    form = form_values(page) | {"csrf": csrf, "value": "b"}
    await visitor.post("/secrets", data=form | {"to_no_host": "on"})
    assert await allowed_hosts(rig) == {"crm": []}
    await visitor.post("/secrets", data=form)
    assert await allowed_hosts(rig) == {"crm": None}
