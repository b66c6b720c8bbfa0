"""`external_id` of webhooks: unique within the organization, and no part of a revision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.calls import Api
from tests.support.command_line import CommandLine
from tests.support.sample_platform import DEFAULTS, Platform

pytestmark = pytest.mark.anyio


async def other_organization(platform: Platform) -> UUID:
    organization: UUID = await platform.value(
        "insert into rowhook.organization (name) values ('Other') returning id"
    )
    return organization


async def listed(api: Api, external_id: str, **options: Any) -> list[str]:
    answer = await api.call("GET", "/webhooks", params={"external_id": external_id}, **options)
    return [webhook["id"] for webhook in answer.json()["items"]]


async def test_a_webhook_is_found_by_its_external_id_in_its_organization_only(
    api: Api, platform: Platform
) -> None:
    webhook = await api.webhook(platform.organization, external_id="crm")
    await api.webhook(platform.organization)
    other = await api.webhook(await other_organization(platform), external_id="crm")
    assert (webhook["external_id"], webhook["revision"]) == ("crm", 1)
    assert await listed(api, "crm") == [other["id"], webhook["id"]]
    key = await api.key_of(platform.organization)
    assert await listed(api, "crm", key=key) == [webhook["id"]]
    assert await listed(api, "cr", key=key) == []


async def test_an_external_id_in_use_is_refused_with_the_webhook_that_has_it(
    api: Api, platform: Platform
) -> None:
    first = await api.webhook(platform.organization, external_id="crm")
    second = await api.webhook(platform.organization)
    draft = {"organization_id": str(platform.organization), "name": "a", "url": "https://a.example"}
    for answer in (
        await api.call("POST", "/webhooks", draft | {"external_id": "crm"}),
        await api.call("PATCH", f"/webhooks/{second['id']}", {"external_id": "crm"}),
    ):
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {
                "pointer": "/external_id",
                "message": f"Webhook CRM ({first['id']}) has this external id."
                " Change that webhook, or use another id.",
            }
        ]
    released = await api.call("PATCH", f"/webhooks/{first['id']}", {"external_id": None})
    assert released.json()["external_id"] is None
    taken = await api.call("PATCH", f"/webhooks/{second['id']}", {"external_id": "crm"})
    assert taken.json()["external_id"] == "crm"


@pytest.mark.parametrize("external_id", ["", "a\nb", "x" * 256])
async def test_an_external_id_is_1_to_255_printable_characters(
    api: Api, platform: Platform, external_id: str
) -> None:
    webhook = await api.webhook(platform.organization)
    answer = await api.call("PATCH", f"/webhooks/{webhook['id']}", {"external_id": external_id})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/external_id"]


async def test_an_external_id_is_not_part_of_a_revision(api: Api, platform: Platform) -> None:
    webhook = await api.webhook(platform.organization, timeout_s=5)
    path = f"/webhooks/{webhook['id']}"
    named = await api.call("PATCH", path, {"external_id": "crm"})
    assert named.json()["revision"] == 1
    await api.call("PATCH", path, {"timeout_s": 6})
    restored = (await api.call("POST", f"{path}/revisions/1/restore")).json()
    assert (restored["timeout_s"], restored["external_id"]) == (5, "crm")
    revisions = (await api.call("GET", f"{path}/revisions")).json()["items"]
    assert [revision["revision"] for revision in revisions] == [3, 2, 1]
    assert not any("external_id" in revision["configuration"] for revision in revisions)
    audit = (await api.call("GET", "/audit", params={"subject": webhook["id"]})).json()["items"]
    assert "crm" in {(row["after"] or {}).get("external_id") for row in audit}


async def test_a_save_of_the_previous_release_keeps_the_external_id(platform: Platform) -> None:
    webhook = await platform.webhook(external_id="crm")
    await platform.value(
        "select rowhook.change_webhook(%s::json, %s, %s, '{}', 1)",
        json.dumps(DEFAULTS | {"name": "renamed"}),
        platform.organization,
        webhook,
    )
    rows = await platform.rows("select name, external_id from rowhook.webhook")
    assert rows == [{"name": "renamed", "external_id": "crm"}]


async def test_the_command_line_creates_and_finds_a_webhook_by_external_id(
    platform: Platform, folder: Path, dsn: str
) -> None:
    hands = CommandLine(folder=folder, dsn=dsn)
    await platform.webhook()
    create = ("webhooks", "create", "--name", "CRM", "--url", "https://crm.example.com/")
    created = await hands.json(*create, "--external-id", "crm")
    page = await hands.json("webhooks", "list", "--external-id", "crm")
    assert [webhook["id"] for webhook in page["items"]] == [created["id"]]
    taken = await hands.type(*create, "--external-id", "crm")
    taken.refused(1, "/external_id: Webhook CRM", created["id"])
