"""Quotas of organizations, and the export and erasure of one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import pytest

from rowhook.db.connection_pool import Pool
from tests.support.calls import Api
from tests.support.command_line import CommandLine
from tests.support.sample_platform import Platform, other_platform

pytestmark = pytest.mark.anyio


def draft(platform: Platform, **fields: Any) -> dict[str, Any]:
    base = {"organization_id": str(platform.organization), "name": "a", "url": "https://a.example"}
    return base | fields


async def test_a_quota_of_webhooks_refuses_further_ones_and_names_the_limit(
    api: Api, platform: Platform
) -> None:
    path = f"/organizations/{platform.organization}"
    await api.webhook(platform.organization)
    patched = await api.call("PATCH", path, {"quota": {"webhooks": 2}})
    assert patched.status_code == 200, patched.text
    assert patched.json()["quota"] == {
        "webhooks": 2,
        "deliveries_per_s": None,
        "bytes_per_day": None,
    }
    assert patched.json()["usage"] == {
        "webhooks": 1,
        "bytes_today": None,
        "bytes_resume_at": None,
    }
    answers = await asyncio.gather(
        *(api.call("POST", "/webhooks", draft(platform)) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert "quota of 2 webhooks is used up: it has 2" in refused.json()["detail"]
    await api.call("PATCH", path, {"quota": {"webhooks": None}})
    assert (await api.call("POST", "/webhooks", draft(platform))).status_code == 201
    audit = (
        await api.call("GET", "/audit", params={"action": "organization.quota_changed"})
    ).json()
    assert [row["after"]["webhooks"] for row in audit["items"]] == [None, 2]


async def test_an_organization_sees_its_quota_and_cannot_change_it(
    api: Api, platform: Platform
) -> None:
    key = await api.key_of(platform.organization)
    path = f"/organizations/{platform.organization}"
    assert (await api.call("GET", path, key=key)).json()["name"] == "Acme"
    for method, tail, body in (
        ("PATCH", "", {"quota": {"webhooks": 9}}),
        ("GET", "/export", None),
        ("POST", "/erase", {"confirm": str(platform.organization)}),
    ):
        assert (await api.call(method, path + tail, body, key=key)).status_code == 403
    other = await platform.value(
        "insert into rowhook.organization (name) values ('Other') returning id"
    )
    assert (await api.call("GET", f"/organizations/{other}", key=key)).status_code == 404
    assert (await api.call("GET", "/organizations/nobody")).status_code == 404


async def test_thresholds_of_alerts_are_set_by_the_organization_and_audited(
    api: Api, platform: Platform
) -> None:
    path = f"/organizations/{platform.organization}/alert-thresholds"
    key = await api.key_of(platform.organization, "read", "write")
    defaults = {"held": 1, "backlog": 10000, "backlog_age_s": 900}
    assert (await api.call("GET", path, key=key)).json() == defaults
    changed = await api.call("PATCH", path, {"held": 5, "backlog_age_s": 60}, key=key)
    assert changed.json() == defaults | {"held": 5, "backlog_age_s": 60}
    # A call that changes nothing is not audited.
    assert (await api.call("PATCH", path, {"held": 5}, key=key)).status_code == 200
    assert (await api.call("PATCH", path, {"held": None}, key=key)).json()["held"] == 1
    assert (await api.call("GET", path, key=key)).json() == defaults | {"backlog_age_s": 60}
    audit = (await api.call("GET", "/audit", params={"action": "alert_threshold.changed"})).json()
    assert [row["after"]["held"] for row in audit["items"]] == [1, 5]
    for wrong in ({"held": 0}, {"backlog": 1.5}, {"backlog_age_s": 59}, {"other": 1}):
        assert (await api.call("PATCH", path, wrong, key=key)).status_code == 422
    reader = await api.key_of(platform.organization, "read")
    assert (await api.call("PATCH", path, {"held": 5}, key=reader)).status_code == 403


@pytest.mark.parametrize(
    "quota",
    [
        {"webhooks": -1},
        {"webhooks": 1.5},
        {"deliveries_per_s": 0},
        {"bytes_per_day": 0},
        {"bytes": 1},
    ],
)
async def test_an_invalid_quota_is_refused(
    api: Api, platform: Platform, quota: dict[str, Any]
) -> None:
    answer = await api.call("PATCH", f"/organizations/{platform.organization}", {"quota": quota})
    assert answer.status_code == 422


async def test_deliveries_over_the_rate_wait_and_none_is_lost(
    platform: Platform, pool: Pool
) -> None:
    await platform.value(
        """select rowhook.set_quotas(%s, '{"deliveries_per_s": 2}')""", platform.organization
    )
    webhooks = [await platform.webhook_of_goal(name=name) for name in "ab"]
    for _ in range(3):
        await platform.commit()
    first = await platform.claim(pool)
    assert len(first) == 1
    assert await platform.claim(pool) == []
    waiting = await platform.value("select count(*) from rowhook.outbox where status = 'pending'")
    assert waiting == 5
    claimed = len(first)
    while claimed < 6:
        await platform.run(
            "update rowhook.organization_quota set refilled_at = refilled_at - interval '1 s'"
        )
        claimed += len(await platform.claim(pool))
    rows = await platform.rows(
        "select webhook_id, count(*) from rowhook.outbox where status = 'sending' group by 1"
    )
    assert {row["webhook_id"]: row["count"] for row in rows} == dict.fromkeys(webhooks, 3)


async def test_the_rate_of_one_organization_does_not_limit_another(
    platform: Platform, pool: Pool
) -> None:
    await platform.value(
        """select rowhook.set_quotas(%s, '{"deliveries_per_s": 1}')""",
        await platform.value(
            "insert into rowhook.organization (name) values ('Other') returning id"
        ),
    )
    await platform.webhook_of_goal()
    for _ in range(5):
        await platform.commit()
    assert len(await platform.claim(pool)) == 5


async def set_bytes(platform: Platform, most: int | None) -> None:
    await platform.value(
        "select rowhook.set_quotas(%s, jsonb_build_object('bytes_per_day', %s::bigint))",
        platform.organization,
        most,
    )


async def test_deliveries_over_the_bytes_of_a_day_wait_for_the_next_and_none_is_lost(
    api: Api, platform: Platform, pool: Pool
) -> None:
    path = f"/organizations/{platform.organization}"
    await set_bytes(platform, 60)
    webhooks = [await platform.webhook_of_goal(name=name) for name in "ab"]
    data = '{"name": "Ada Lovelace"}'
    await platform.commit(data)
    assert len(await platform.claim(pool)) == len(webhooks)
    usage = (await api.call("GET", path)).json()["usage"]
    assert usage["bytes_today"] == len(webhooks) * len(data)
    assert usage["bytes_resume_at"] is None
    # A claim may take more than the rest: after it, nothing is left.
    await platform.commit(data)
    assert len(await platform.claim(pool)) in {1, 2}
    for _ in range(3):
        await platform.commit(data)
        assert await platform.claim(pool) == []
    usage = (await api.call("GET", path)).json()["usage"]
    assert usage["bytes_today"] >= 60
    assert usage["bytes_resume_at"].endswith("T00:00:00Z")
    await platform.run("update rowhook.organization_quota set bytes_used_on = bytes_used_on - 1")
    assert (await api.call("GET", path)).json()["usage"]["bytes_today"] == 0
    await set_bytes(platform, 100_000)
    while await platform.claim(pool):
        pass
    counts = await platform.rows("select status, count(*) from rowhook.outbox group by 1")
    assert [tuple(row.values()) for row in counts] == [("sending", 10)]


async def test_a_quota_of_bytes_counts_each_start_and_ends_when_it_is_removed(
    platform: Platform, pool: Pool
) -> None:
    await set_bytes(platform, 10)
    await platform.webhook_of_goal()
    for _ in range(2):
        await platform.commit('{"name": "Ada Lovelace"}')
        await platform.claim(pool)
    assert await platform.claim(pool) == []
    await set_bytes(platform, None)
    assert len(await platform.claim(pool)) == 1
    row = await platform.rows("select bytes_per_day, bytes_used from rowhook.organization_quota")
    assert row == [{"bytes_per_day": None, "bytes_used": 0}]


async def stage(api: Api, platform: Platform) -> UUID:
    """Gives the organization an object of each kind, and another one a webhook and a delivery."""
    await platform.webhook_of_goal()
    await platform.webhook_of_agent()
    await platform.commit('{"name": "Ada Lovelace"}')
    await platform.finish(await platform.job(output='{"name": "Ada Lovelace"}'))
    await api.key_of(platform.organization)
    await api.call(
        "PUT",
        "/secrets/token",
        {"value": "s3cret"},
        params={"organization_id": str(platform.organization)},
    )
    other = await other_platform(platform)
    await other.webhook_of_goal(name="other")
    await other.commit('{"name": "Grace Hopper"}')
    return other.organization


async def test_an_export_has_everything_of_one_organization_without_secrets(
    api: Api, platform: Platform
) -> None:
    await stage(api, platform)
    answer = await api.call("GET", f"/organizations/{platform.organization}/export")
    assert answer.status_code == 200
    entries = [json.loads(line) for line in answer.text.splitlines()]
    assert {entry["kind"] for entry in entries} == {
        "organization",
        "alert_thresholds",
        "webhook",
        "link",
        "secret",
        "api_key",
        "event",
        "delivery",
        "audit",
    }
    assert "Ada Lovelace" in answer.text
    for absent in ("Grace Hopper", "s3cret", "whsec_", "rhk_"):
        assert absent not in answer.text
    audit = (await api.call("GET", "/audit", params={"action": "organization.exported"})).json()
    assert [(row["organization_id"], row["actor"]) for row in audit["items"]] == [
        (str(platform.organization), "key:ROWHOOK_ADMIN_KEY")
    ]


TABLES: tuple[LiteralString, ...] = (
    "webhook",
    "webhook_revision",
    "link",
    "secret",
    "webhook_secret",
    "api_key",
    "event",
    "outbox",
    "callback",
    "request_frame",
    "portal_session",
    "attempt_delta",
    "attempt_minute",
    "attempt_quarter",
    "organization_minute",
    "organization_quarter",
    "organization_quota",
)


async def count_rows(platform: Platform, organization: UUID) -> dict[str, int]:
    return {
        table: await platform.value(
            f"select count(*) from rowhook.{table} where organization_id = %s", organization
        )
        for table in TABLES
    }


async def test_an_erasure_leaves_nothing_of_the_organization_and_all_of_others(
    api: Api, platform: Platform, pool: Pool
) -> None:
    other = await stage(api, platform)
    kept = await count_rows(platform, other)
    claims = await platform.claim(pool)
    path = f"/organizations/{platform.organization}/erase"
    refused = await api.call("POST", path, {"confirm": str(other)})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/confirm"
    erased = await api.call("POST", path, {"confirm": str(platform.organization)})
    assert erased.status_code == 200, erased.text
    assert erased.json() == {
        "links": 2,
        "webhooks": 2,
        "secrets": 1,
        "api_keys": 1,
        "events": 2,
        "deliveries": 2,
        "attempts": 0,
    }
    assert set((await count_rows(platform, platform.organization)).values()) == {0}
    assert await count_rows(platform, other) == kept
    # The results that a worker has in flight are not recorded.
    for claim in claims:
        await platform.record(pool, claim, "delivered", status_code=200)
    attempts = await platform.rows(
        "select o.organization_id from rowhook.attempt_row a"
        " left join rowhook.outbox o on o.id = a.outbox_id"
    )
    assert attempts == [{"organization_id": other}]
    audit = (
        await api.call("GET", "/audit", params={"organization_id": str(platform.organization)})
    ).json()
    assert [row["action"] for row in audit["items"]] == ["organization.erased"]
    # The platform's rows are kept, and heal does not capture them again.
    assert await platform.value("select count(*) from rowhook.commit") == 2
    await platform.value("select rowhook.heal(interval '1 day')")
    assert set((await count_rows(platform, platform.organization)).values()) == {0}
    again = await api.call("POST", path, {"confirm": str(platform.organization)})
    assert set(again.json().values()) == {0}


async def test_the_command_line_sets_quotas_exports_and_erases(
    platform: Platform, folder: Path, dsn: str
) -> None:
    hands = CommandLine(folder=folder, dsn=dsn)
    await platform.run(
        "update rowhook.organization set external_id = 'acme' where id = %s", platform.organization
    )
    await platform.webhook()
    output = await hands.ok("organizations", "quota", "acme", "--webhooks", "3")
    assert "1 of 3" in output
    assert "any" in await hands.ok("organizations", "quota", "acme", "--webhooks", "none")
    (await hands.type("organizations", "quota", "acme", "--webhooks", "x")).refused(2, "number")
    assert "acme" in await hands.ok("organizations")
    assert '"kind":"webhook"' in await hands.ok("organizations", "export", "acme")
    wrong = await hands.type("organizations", "erase", "acme", "--confirm", "acm")
    wrong.refused(1, "/confirm", "acme")
    assert "1 webhooks" in await hands.ok("organizations", "erase", "acme", "--confirm", "acme")
