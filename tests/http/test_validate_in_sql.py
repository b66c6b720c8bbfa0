"""The SQL function `rowhook.validate_commit`."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.http.test_validate_endpoint import link_webhook
from tests.support.calls import Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
PRESENT = "paths present; schema not checked in SQL"


async def messages(
    platform: Platform, data: str | None, context: Any = None
) -> set[tuple[str | None, str]]:
    rows = await platform.rows(
        "select * from rowhook.validate_commit(%s, %s, %s)",
        platform.goal,
        data,
        json.dumps(context or {}),
    )
    return {(row["pointer"], row["message"]) for row in rows}


async def test_missing_paths_of_a_template_are_reported(api: Api, platform: Platform) -> None:
    template = '{"a": "{{data.a}}", "b": {{data.b.c | default(1)}}, "w": "{{context.who}}"}'
    await link_webhook(
        api, platform, body_template=template, url="https://x.example.com/{{data.l[0]}}"
    )
    assert await messages(platform, '{"b": {}, "l": []}') == {
        ("/a", "data.a is missing"),
        ("/l/0", "data.l.0 is missing"),
        ("", "context.who is missing"),
    }
    assert await messages(platform, '{"a": null, "l": [1]}', {"who": 1}) == {(None, PRESENT)}
    assert ("/a", "data.a is missing") in await messages(platform, None)


async def test_changing_the_webhook_changes_the_required_paths(
    api: Api, platform: Platform
) -> None:
    webhook = await link_webhook(api, platform, body_template='"{{data.a}}"')
    await api.call("PATCH", f"/webhooks/{webhook}", {"body_template": '"{{data.b}}"'})
    assert await messages(platform, '{"a": 1}') == {("/b", "data.b is missing")}
    await api.call("POST", f"/webhooks/{webhook}/revisions/1/restore")
    assert await messages(platform, '{"a": 1}') == {(None, PRESENT)}


async def test_only_webhooks_that_a_commit_triggers_are_checked(
    api: Api, platform: Platform
) -> None:
    await link_webhook(api, platform, event_types=["job.failed"], body_template='"{{data.a}}"')
    assert await messages(platform, "{}") == set()
    webhook = await link_webhook(api, platform, body_template='"{{data.a}}"')
    await platform.run("update rowhook.webhook set state = 'disabled' where id = %s", webhook)
    assert await messages(platform, "{}") == {
        (None, "webhook is disabled; the delivery would be skipped")
    }


async def test_data_that_jsonb_cannot_store_is_not_a_fault(api: Api, platform: Platform) -> None:
    await link_webhook(api, platform, body_template='"{{data.a}}"')
    assert await messages(platform, '{"a": "\\u0000", "b": "\\ud800"}') == {(None, PRESENT)}


async def test_the_operator_role_may_validate_commits(
    api: Api, platform: Platform, db: psycopg.AsyncConnection
) -> None:
    await link_webhook(api, platform, body_template='"{{data.a}}"')
    async with db.transaction():
        await db.execute("set local role rowhook_operator")
        assert await messages(platform, "{}") == {("/a", "data.a is missing")}
