"""The presets: each can be saved, and renders a body that its receiver accepts."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import msgspec
import pytest

from rowhook.dashboard.editor_form import draft_of, fields_of
from rowhook.dashboard.presets import PRESETS
from rowhook.services import previews, secrets, webhooks
from rowhook.services.sample_data import Sample
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
DISCORD_MAX_CHARACTERS = 2000
DEDUP_KEY_MAX_CHARACTERS = 255


async def test_each_preset_is_saved_and_rendered_for_jobs_and_commits(rig: Rig) -> None:
    for name, preset in PRESETS.items():
        for secret, _ in preset.secrets:
            value = "https://hooks.example.com/x" if secret.endswith("url") else "key-0123456789"
            await secrets.put_secret(rig.ctx, rig.platform.organization, secret, value)
        draft = draft_of(fields_of(preset.configuration) | {"name": "x"})
        assert draft.faults == ()
        configuration = draft.document
        if configuration.url == "https://":
            configuration = msgspec.structs.replace(configuration, url="https://hooks.example.com/")
        webhook = await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
        for sample in (Sample(), Sample(goal_id=rig.platform.goal)):
            preview = await previews.preview_webhook(rig.ctx, webhook.id, sample)
            assert (name, preview.outcome, preview.error) == (name, "rendered", None)
            assert preview.request is not None
            assert preview.request.body is not None
            SHAPES[name](json.loads(preview.request.body))


async def test_names_are_escaped_for_slack(rig: Rig) -> None:
    await rig.platform.run("update rowhook.agent set name = '<!channel> & co'")
    configuration = msgspec.structs.replace(
        PRESETS["slack"].configuration, url="https://hooks.example.com/"
    )
    webhook = await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
    sample = Sample(agent_id=str(rig.platform.agent))
    preview = await previews.preview_webhook(rig.ctx, webhook.id, sample)
    assert preview.request is not None
    assert "of &lt;!channel&gt; &amp; co succeeded" in str(preview.request.body)


def is_slack(body: Any) -> None:
    assert list(body) == ["text"]
    assert body["text"]


def is_teams(body: Any) -> None:
    (attachment,) = body["attachments"]
    assert body["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["type"] == "AdaptiveCard"
    assert all(
        block["type"] == "TextBlock" and block["text"] for block in attachment["content"]["body"]
    )


def is_discord(body: Any) -> None:
    assert 0 < len(body["content"]) <= DISCORD_MAX_CHARACTERS
    assert body["allowed_mentions"] == {"parse": []}


def is_pagerduty(body: Any) -> None:
    assert body["routing_key"] == "[secret:pagerduty-key]"
    assert body["event_action"] == "trigger"
    assert 0 < len(body["dedup_key"]) <= DEDUP_KEY_MAX_CHARACTERS
    assert body["payload"]["severity"] in {"critical", "error", "warning", "info"}
    assert body["payload"]["summary"]
    assert body["payload"]["source"]
    assert datetime.fromisoformat(body["payload"]["timestamp"]).tzinfo is not None


def is_json(body: Any) -> None:
    assert body["type"] == "webhook.test"
    assert (body["commit_id"] is None) == (body["goal"]["id"] is None)


# The requirements of each receiver according to its documentation.
SHAPES = {
    "slack": is_slack,
    "teams": is_teams,
    "discord": is_discord,
    "pagerduty": is_pagerduty,
    "json": is_json,
}
