"""`rowhook.validate_commit`: what SQL can tell of a commit before it is made."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.http.test_contract_validate import linked
from tests.support.calls import Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
PRESENT = "paths present; schema not checked in SQL"


async def told(
    platform: Platform, data: str | None, context: Any = None
) -> set[tuple[str | None, str]]:
    rows = await platform.rows(
        "select * from rowhook.validate_commit(%s, %s, %s)",
        platform.goal,
        data,
        json.dumps(context or {}),
    )
    return {(row["pointer"], row["message"]) for row in rows}


async def test_each_path_that_a_template_requires_is_looked_for(
    api: Api, platform: Platform
) -> None:
    template = '{"a": "{{data.a}}", "b": {{data.b.c | default(1)}}, "w": "{{context.who}}"}'
    await linked(api, platform, body_template=template, url="https://x.example.com/{{data.l[0]}}")
    assert await told(platform, '{"b": {}, "l": []}') == {
        ("/a", "data.a is missing"),
        ("/l/0", "data.l.0 is missing"),
        ("", "context.who is missing"),
    }
    assert await told(platform, '{"a": null, "l": [1]}', {"who": 1}) == {(None, PRESENT)}
    assert ("/a", "data.a is missing") in await told(platform, None)


async def test_a_change_of_the_webhook_changes_what_is_looked_for(
    api: Api, platform: Platform
) -> None:
    webhook = await linked(api, platform, body_template='"{{data.a}}"')
    await api.call("PATCH", f"/webhooks/{webhook}", {"body_template": '"{{data.b}}"'})
    assert await told(platform, '{"a": 1}') == {("/b", "data.b is missing")}
    await api.call("POST", f"/webhooks/{webhook}/revisions/1/restore")
    assert await told(platform, '{"a": 1}') == {(None, PRESENT)}


async def test_only_what_a_commit_fires_is_asked(api: Api, platform: Platform) -> None:
    await linked(api, platform, event_types=["job.failed"], body_template='"{{data.a}}"')
    assert await told(platform, "{}") == set()
    webhook = await linked(api, platform, body_template='"{{data.a}}"')
    await platform.run("update rowhook.webhook set state = 'disabled' where id = %s", webhook)
    assert await told(platform, "{}") == {
        (None, "webhook is disabled; the delivery would be skipped")
    }


async def test_data_that_postgresql_cannot_read_is_no_fault(api: Api, platform: Platform) -> None:
    await linked(api, platform, body_template='"{{data.a}}"')
    assert await told(platform, '{"a": "\\u0000", "b": "\\ud800"}') == {(None, PRESENT)}


async def test_an_operator_may_ask(
    api: Api, platform: Platform, db: psycopg.AsyncConnection
) -> None:
    await linked(api, platform, body_template='"{{data.a}}"')
    async with db.transaction():
        await db.execute("set local role rowhook_operator")
        assert await told(platform, "{}") == {("/a", "data.a is missing")}
