"""The preview of the editor without JavaScript: headers, warnings, the API call."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from rowhook.dashboard.editor_form import fields_of
from rowhook.services.webhook_documents import configuration_of
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import Api
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
ROWHOOK_HEADERS = ("Idempotency-Key", "X-Roxels-Signature", "webhook-id", "webhook-signature")


async def preview_page(visitor: httpx.AsyncClient, rig: Rig, **fields: Any) -> str:
    """Returns the text of the preview page."""
    saved = await rig.webhook(headers={"X-A": "b"})
    form = fields_of(configuration_of(saved)) | {
        "csrf": await sign_in(visitor),
        "webhook_id": str(saved.id),
        "revision": "1",
    }
    del form["ordered"]
    page = await visitor.post("/webhooks/preview", data=form | fields)
    assert page.status_code == 200
    return html.unescape(page.text)


def is_added_by_rowhook(page: str) -> dict[str, bool]:
    """Returns for each header of the preview whether it is marked as added by Rowhook."""
    rows = re.findall(r"<tr><td class=\"tight\"><code>([^<]+)</code>(.*?)</tr>", page, re.DOTALL)
    return {name: "added by Rowhook" in rest for name, rest in rows}


@pytest.mark.anyio
async def test_a_header_set_by_rowhook_is_marked_and_the_configured_value_is_warned_about(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    headers = "X-A: b\nIdempotency-Key: mine\nX-ROXELS-Signature: mine\nUser-Agent: me/1"
    page = await preview_page(visitor, rig, headers=headers)
    added = is_added_by_rowhook(page)
    assert {name for name, is_added in added.items() if not is_added} == {"X-A", "User-Agent"}
    assert all(added[name] for name in ROWHOOK_HEADERS)
    assert "Idempotency-Key is set by Rowhook. The value configured here is not sent." in page


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fields", "names"),
    [
        (
            {"body": "template", "body_template": "{{data.a.b}}"},
            {"X-A", "User-Agent", *ROWHOOK_HEADERS},
        ),
        ({"schema": '{"type": "string"}'}, {"X-A", "User-Agent", *ROWHOOK_HEADERS}),
        ({"condition": "1 == 2"}, {*ROWHOOK_HEADERS}),
        ({"condition": "1 +"}, {*ROWHOOK_HEADERS}),
    ],
)
async def test_a_preview_displays_the_renderable_parts_of_an_invalid_webhook(
    visitor: httpx.AsyncClient, rig: Rig, fields: dict[str, str], names: set[str]
) -> None:
    page = await preview_page(visitor, rig, sample_data='{"a": 1}', **fields)
    assert "The delivery would be sent." not in page
    assert names <= set(is_added_by_rowhook(page))
    assert all(is_added_by_rowhook(page)[name] for name in ROWHOOK_HEADERS)
    assert ("curl -g -i -X POST" in page) == ("X-A" in names)
    assert "generated when sent" in page


@pytest.mark.anyio
async def test_the_preview_displays_a_working_api_call(
    visitor: httpx.AsyncClient, rig: Rig, api: Api
) -> None:
    typed = {"description": "it's new", "sample": "job", "sample_data": '{"a": 1.50}'}
    page = await preview_page(visitor, rig, **typed)
    command = page.split('id="save-call"><code>')[1].split("</code>")[0]
    assert "-X PATCH" in command
    call = command[command.rindex("curl -sS") :]
    assert call.endswith("/v1/preview")
    body = re.search(r"-d '(.*)' ", call, re.DOTALL)
    assert body is not None
    payload = body[1].replace("'\"'\"'", "'")
    assert '"a": 1.50' in payload
    response = await api.call("POST", "/preview", content=payload)
    assert (response.status_code, response.json()["valid"]) == (200, True)


@pytest.mark.anyio
async def test_the_organizations_page_displays_its_api_call(visitor: httpx.AsyncClient) -> None:
    await sign_in(visitor)
    assert "/v1/organizations" in (await visitor.get("/organizations")).text
