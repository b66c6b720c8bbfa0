"""The presets: each is saved as it is, and makes what its receiver takes of jobs and commits."""

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
MOST_OF_DISCORD = 2000
MOST_OF_A_DEDUP_KEY = 255


async def test_each_preset_is_saved_and_rendered_for_jobs_and_commits(rig: Rig) -> None:
    for name, preset in PRESETS.items():
        for secret, _ in preset.secrets:
            value = "https://hooks.example.com/x" if secret.endswith("url") else "key-0123456789"
            await secrets.put_secret(rig.ctx, rig.platform.organization, secret, value)
        read = draft_of(fields_of(preset.configuration) | {"name": "x"})
        assert read.faults == ()
        given = read.document
        if given.url == "https://":
            given = msgspec.structs.replace(given, url="https://hooks.example.com/")
        made = await webhooks.create_webhook(rig.ctx, rig.platform.organization, given)
        for sample in (Sample(), Sample(goal_id=rig.platform.goal)):
            preview = await previews.preview_webhook(rig.ctx, made.id, sample)
            assert (name, preview.outcome, preview.error) == (name, "rendered", None)
            assert preview.request is not None
            assert preview.request.body is not None
            SHAPES[name](json.loads(preview.request.body))


async def test_a_name_calls_nobody_in_slack(rig: Rig) -> None:
    await rig.platform.run("update rowhook.agent set name = '<!channel> & co'")
    given = msgspec.structs.replace(
        PRESETS["slack"].configuration, url="https://hooks.example.com/"
    )
    made = await webhooks.create_webhook(rig.ctx, rig.platform.organization, given)
    sample = Sample(agent_id=str(rig.platform.agent))
    preview = await previews.preview_webhook(rig.ctx, made.id, sample)
    assert preview.request is not None
    assert "of &lt;!channel&gt; &amp; co succeeded" in str(preview.request.body)


def is_slack(body: Any) -> None:
    assert list(body) == ["text"]
    assert body["text"]


def is_teams(body: Any) -> None:
    (attached,) = body["attachments"]
    assert body["type"] == "message"
    assert attached["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attached["content"]["type"] == "AdaptiveCard"
    assert all(one["type"] == "TextBlock" and one["text"] for one in attached["content"]["body"])


def is_discord(body: Any) -> None:
    assert 0 < len(body["content"]) <= MOST_OF_DISCORD
    assert body["allowed_mentions"] == {"parse": []}


def is_pagerduty(body: Any) -> None:
    assert body["routing_key"] == "[secret:pagerduty-key]"
    assert body["event_action"] == "trigger"
    assert 0 < len(body["dedup_key"]) <= MOST_OF_A_DEDUP_KEY
    assert body["payload"]["severity"] in {"critical", "error", "warning", "info"}
    assert body["payload"]["summary"]
    assert body["payload"]["source"]
    assert datetime.fromisoformat(body["payload"]["timestamp"]).tzinfo is not None


def is_json(body: Any) -> None:
    assert body["type"] == "webhook.test"
    assert (body["commit_id"] is None) == (body["goal"]["id"] is None)


# What each receiver asks for, as its own documentation has it.
SHAPES = {
    "slack": is_slack,
    "teams": is_teams,
    "discord": is_discord,
    "pagerduty": is_pagerduty,
    "json": is_json,
}
