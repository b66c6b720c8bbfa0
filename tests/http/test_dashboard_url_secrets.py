"""A URL that is a credential becomes a secret in the editor, with the save or at once."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from rowhook.dashboard.credential_urls import credential_in
from rowhook.dashboard.editor_form import fields_of
from rowhook.render.configuration import Configuration
from rowhook.services import secrets, webhooks
from rowhook.services.webhook_documents import configuration_of
from tests.browser.test_dashboard_sign_in import sign_in, visitor
from tests.support.calls import Api
from tests.support.worker_rig import Rig

__all__ = ["visitor"]
SLACK = "https://hooks.slack.com/services/T0000/B0000/XXXXXXXXXXXXXXXXXXXXXXXX"
MARKED = "contains a credential"


@pytest.mark.parametrize(
    ("url", "service", "host", "secret_id"),
    [
        (SLACK, "Slack", "hooks.slack.com", "slack-url"),
        ("https://discord.com/api/webhooks/1/aB-c", "Discord", "discord.com", "discord-url"),
        ("https://x.webhook.office.com/webhookb2/1", "Teams", "x.webhook.office.com", "teams-url"),
        (
            "https://prod-1.westeurope.logic.azure.com:443/workflows/1/triggers/x?sp=a&sig=b",
            "Teams",
            "prod-1.westeurope.logic.azure.com",
            "teams-url",
        ),
        (
            "https://chat.googleapis.com/v1/spaces/A/messages?key=k&token=t",
            "Google Chat",
            "chat.googleapis.com",
            "google-chat-url",
        ),
        ("https://hook.eu2.make.com/abc", "Make", "hook.eu2.make.com", "make-url"),
        (
            "https://n8n.acme.example/webhook/0f0f0f0f-1111-2222-3333-444444444444",
            "n8n",
            "n8n.acme.example",
            "n8n-url",
        ),
        ("https://a.example/in?api_key=12345678", None, "a.example", "a-example-url"),
        ("https://u:p@a.example/", None, "a.example", "a-example-url"),
        ("https://[::1]/in?token=12345678", None, "[::1]", "1-url"),
        (f"https://a.example/{'aB3' * 12}", None, "a.example", "a-example-url"),
    ],
)
def test_urls_with_a_credential_are_recognized(
    url: str, service: str | None, host: str, secret_id: str
) -> None:
    assert credential_in(url) == (service, host, secret_id)


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com/customers/{{data.id}}",
        "{{secret:slack-url}}",
        "https://api.example.com/v1/3f2b8c1e-0a4d-4c0e-9b1a-5d6e7f809a1b",
        "https://api.example.com/a-long-but-readable-name-of-a-customer-list",
        "https://hooks.slack.com/",
        "https://a.example/?token=1",
        "https://[::1",
        "https://",
        "",
    ],
)
def test_other_urls_are_not(url: str) -> None:
    assert credential_in(url) is None


async def form_of(visitor: httpx.AsyncClient, url: str = SLACK, **fields: Any) -> dict[str, Any]:
    form = fields_of(Configuration(name="Chat", url=url, body_template='{"a": 1}'))
    del form["ordered"]
    return form | {"csrf": await sign_in(visitor)} | fields


@pytest.mark.anyio
async def test_a_save_asks_once_and_then_stores_the_url(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    owner = str(rig.platform.organization)
    form = await form_of(visitor, organization=owner)
    question = await visitor.post("/webhooks/new", data=form)
    assert (question.status_code, MARKED in question.text) == (422, True)
    assert 'name="store_url" value="1" checked' in question.text
    assert (await webhooks.list_webhooks(rig.ctx)).items == []
    answers = {"credential_seen": "1", "store_url": "1", "url_secret_id": "slack-url"}
    faulty = await visitor.post("/webhooks/new", data=form | answers | {"timeout_s": "99"})
    assert faulty.status_code == 422
    assert await secrets.secret_hosts(rig.ctx, rig.platform.organization, "slack-url") == (
        False,
        None,
    )
    assert "Webhook created" in (await visitor.post("/webhooks/new", data=form | answers)).text
    (saved,) = (await webhooks.list_webhooks(rig.ctx)).items
    assert saved.url == "{{secret:slack-url}}"
    assert await secrets.secret_hosts(rig.ctx, rig.platform.organization, "slack-url") == (
        True,
        ["hooks.slack.com"],
    )
    again = await visitor.post("/webhooks/new", data=form | answers)
    assert "A secret with the id slack-url exists. Choose another id." in again.text
    offered = (await visitor.post("/webhooks/preview", data=form)).text
    assert 'value="slack-url-2"' in offered


@pytest.mark.anyio
async def test_a_url_is_saved_as_it_is_if_the_box_is_cleared(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    form = await form_of(visitor, organization=str(rig.platform.organization))
    kept = await visitor.post("/webhooks/new", data=form | {"credential_seen": "1"})
    assert "Webhook created" in kept.text
    (saved,) = (await webhooks.list_webhooks(rig.ctx)).items
    assert saved.url == SLACK
    edit = (await visitor.get(f"/webhooks/{saved.id}/edit")).text
    assert (MARKED in edit, 'name="store_url" value="1" checked' in edit) == (True, False)
    unchanged = fields_of(configuration_of(saved)) | {"csrf": form["csrf"], "revision": "1"}
    del unchanged["ordered"]
    answer = await visitor.post(f"/webhooks/{saved.id}/edit", data=unchanged)
    assert answer.status_code == 303


@pytest.mark.anyio
async def test_one_click_stores_the_url_and_keeps_the_form(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    form = await form_of(visitor, organization=str(rig.platform.organization), description="mine")
    page = html.unescape((await visitor.post("/webhooks/url-secret", data=form)).text)
    assert "The URL is stored as {{secret:slack-url}}." in page
    assert re.search(r'<textarea id="url"[^>]*>\n\{\{secret:slack-url\}\}</textarea>', page)
    assert ("mine</textarea>" in page, SLACK in page) == (True, False)


@pytest.mark.anyio
async def test_a_key_without_the_scope_is_warned_and_stores_nothing(
    visitor: httpx.AsyncClient, api: Api, rig: Rig
) -> None:
    form = await form_of(visitor)
    key = await api.key_of(rig.platform.organization, "read", "write")
    form["csrf"] = await sign_in(visitor, key)
    response = await visitor.post("/webhooks/new", data=form)
    assert (response.status_code, 'name="store_url"' in response.text) == (422, False)
    assert (await visitor.post("/webhooks/url-secret", data=form)).status_code == 403
    answers = {"credential_seen": "1", "store_url": "1"}
    refused = await visitor.post("/webhooks/new", data=form | answers)
    assert "requires an API key with the scope secrets" in refused.text
    assert (
        "Webhook created"
        in (await visitor.post("/webhooks/new", data=form | {"credential_seen": "1"})).text
    )


@pytest.mark.anyio
@pytest.mark.usefixtures("rig")
async def test_all_faults_are_reported_at_once_and_the_first_field_has_the_focus(
    visitor: httpx.AsyncClient,
) -> None:
    form = await form_of(
        visitor,
        "https://a.example/",
        body_template="{{",
        condition="1 +",
        timeout_s="99",
        retry_schedule_s="soon",
        metadata="{",
        headers="x",
        schema='{"type": "objekt"}',
    )
    page = (await visitor.post("/webhooks/new", data=form)).text
    assert "Choose the organization of the webhook." in page
    marked = re.findall(r'id="(\w+)"[^>]*aria-invalid="true"( autofocus)?', page)
    assert marked == [
        ("organization", " autofocus"),
        *((name, "") for name in ("body_template", "headers", "schema", "condition")),
        *((name, "") for name in ("retry_schedule_s", "timeout_s", "metadata")),
    ]
    assert not re.search(r"<details( class=\"card\")?><summary>(Headers|<h2>)", page)


@pytest.mark.anyio
async def test_presets_are_a_gallery_and_samples_come_from_the_links(
    visitor: httpx.AsyncClient, rig: Rig
) -> None:
    webhook = await rig.webhook()
    await rig.platform.commit('{"name": "Ada"}')
    await sign_in(visitor)
    page = (await visitor.get("/webhooks/new")).text
    assert page.count('<li class="card"><a href="/webhooks/new?preset=') == 12
    page = (await visitor.get(f"/webhooks/{webhook.id}/edit")).text
    groups = re.findall(r'<optgroup label="([^"]+)">\s*<option value="(\w+)', page)
    assert groups[0][0].startswith("Linked goal ")
    assert (groups[0][1], groups[-1][0]) == ("event", "Generated samples")
    generated = page.split('label="Generated samples"')[1]
    assert re.search(r'<option value="(\w+)', generated)
