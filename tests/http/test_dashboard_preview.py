"""The preview in the editor, without a script: its headers, its warnings, its call."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from rowhook.dashboard.editor_form import fields_of
from rowhook.services.webhook_checks import configuration_of
from tests.browser.test_dashboard_sign_in import enter, visitor
from tests.support.calls import Api
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
OURS = ("Idempotency-Key", "X-Roxels-Signature", "webhook-id", "webhook-signature")


async def previewed(visitor: httpx.AsyncClient, rig: Rig, **fields: Any) -> str:
    """The preview's page, as text."""
    saved = await rig.webhook(headers={"X-A": "b"})
    form = fields_of(configuration_of(saved)) | {
        "csrf": await enter(visitor),
        "webhook_id": str(saved.id),
        "revision": "1",
    }
    del form["ordered"]
    page = await visitor.post("/webhooks/preview", data=form | fields)
    assert page.status_code == 200
    return html.unescape(page.text)


def marked(page: str) -> dict[str, bool]:
    """Whether each header of the preview is said to be added by Rowhook."""
    rows = re.findall(r"<tr><td class=\"tight\"><code>([^<]+)</code>(.*?)</tr>", page, re.DOTALL)
    return {name: "added by Rowhook" in rest for name, rest in rows}


@pytest.mark.anyio
async def test_a_header_that_is_ours_is_marked_though_it_is_named_too_and_that_is_told(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    named = "X-A: b\nIdempotency-Key: mine\nX-ROXELS-Signature: mine\nUser-Agent: me/1"
    page = await previewed(visitor, rig, headers=named)
    found = marked(page)
    assert {name for name, is_ours in found.items() if not is_ours} == {"X-A", "User-Agent"}
    assert all(found[name] for name in OURS)
    assert "Idempotency-Key is set by Rowhook. The value configured here is not sent." in page


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"body": "template", "body_template": "{{data.a.b}}"}, {"X-A", "User-Agent", *OURS}),
        ({"schema": '{"type": "string"}'}, {"X-A", "User-Agent", *OURS}),
        ({"condition": "1 == 2"}, {*OURS}),
        ({"condition": "1 +"}, {*OURS}),
    ],
)
async def test_what_can_be_shown_is_shown_where_nothing_would_be_sent(
    visitor: httpx.AsyncClient, rig: Rig, fields: dict[str, str], shown: set[str]
) -> None:
    page = await previewed(visitor, rig, sample_data='{"a": 1}', **fields)
    assert "The delivery would be sent." not in page
    assert shown <= set(marked(page))
    assert all(marked(page)[name] for name in OURS)
    assert ("curl -g -i -X POST" in page) == ("X-A" in shown)
    assert "generated when sent" in page


@pytest.mark.anyio
async def test_the_preview_is_told_as_a_call_that_can_be_made(
    visitor: httpx.AsyncClient, rig: Rig, api: Api
) -> None:
    typed = {"description": "it's new", "sample": "job", "sample_data": '{"a": 1.50}'}
    page = await previewed(visitor, rig, **typed)
    command = page.split('id="save-call"><code>')[1].split("</code>")[0]
    assert "-X PATCH" in command
    call = command[command.rindex("curl -sS") :]
    assert call.endswith("/v1/preview")
    body = re.search(r"-d '(.*)' ", call, re.DOTALL)
    assert body is not None
    asked = body[1].replace("'\"'\"'", "'")
    assert '"a": 1.50' in asked
    answer = await api.call("POST", "/preview", content=asked)
    assert (answer.status_code, answer.json()["valid"]) == (200, True)


@pytest.mark.anyio
async def test_the_organizations_are_told_as_a_call(visitor: httpx.AsyncClient) -> None:
    await enter(visitor)
    assert "/v1/organizations" in (await visitor.get("/organizations")).text
