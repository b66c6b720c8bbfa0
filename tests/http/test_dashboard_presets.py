"""The presets: each can be saved, and renders a body that its receiver accepts."""

from __future__ import annotations

import msgspec
import pytest

from rowhook.dashboard.editor_form import draft_of, fields_of
from rowhook.dashboard.presets import PRESETS
from rowhook.services import previews, secrets, webhooks
from rowhook.services.sample_data import Sample
from tests.support.service_rules import check
from tests.support.worker_rig import Rig

pytestmark = pytest.mark.anyio
SECRETS = {"salesforce-host": "acme.my.salesforce.com"}


async def test_each_preset_is_saved_and_rendered_for_jobs_and_commits(rig: Rig) -> None:
    for name, preset in PRESETS.items():
        for secret, _ in preset.secrets:
            value = SECRETS.get(secret, "https://hooks.example.com/x")
            await secrets.put_secret(rig.ctx, rig.platform.organization, secret, value)
        draft = draft_of(fields_of(preset.configuration) | {"name": "x"})
        assert draft.faults == ()
        configuration = draft.document
        if configuration.url == "https://":
            configuration = msgspec.structs.replace(configuration, url="https://hooks.example.com/")
        webhook = await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
        samples = [Sample(), *([] if name == "pagerduty" else [Sample(goal_id=rig.platform.goal)])]
        for sample in samples:
            preview = await previews.preview_webhook(rig.ctx, webhook.id, sample)
            assert (name, preview.outcome, preview.error) == (name, "rendered", None)
            assert preview.request is not None
            assert preview.request.body is not None
            check(name, preview.request.body)


async def test_names_are_escaped_for_slack(rig: Rig) -> None:
    await rig.platform.run("update rowhook.agent set name = '<!channel> & co'")
    configuration = msgspec.structs.replace(
        PRESETS["slack"].configuration, url="https://hooks.example.com/"
    )
    webhook = await webhooks.create_webhook(rig.ctx, rig.platform.organization, configuration)
    sample = Sample(agent_id=str(rig.platform.agent))
    preview = await previews.preview_webhook(rig.ctx, webhook.id, sample)
    assert preview.request is not None
    assert "of &lt;!channel&gt; &amp; co: succeeded" in str(preview.request.body)
