"""Deliveries over REST: found by every filter, paged while rows come in, sent again, stopped."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from rowhook.db import engine, list_queries, statements, webhook_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.list_queries import DeliveryFilter
from rowhook.db.statements import TenantPool
from tests.support.calls import Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
DEAD = {"status_code": 503, "error": "The receiver responded with status 503."}
ENDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("delivered", {"status_code": 204}),
    ("http_status", DEAD),
    ("render_failed", {}),
)
REQUEST = {
    "method": "POST",
    "url": "https://crm.example.com/[secret:path]",
    "headers": [["X-Key", "[secret:crm]"]],
    "body": "{}",
}


async def ids(api: Api, key: str | None = None, **filters: Any) -> list[int]:
    answer = await api.call("GET", "/deliveries", params=filters, key=key)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


async def mixed(platform: Platform, pool: Pool) -> dict[str, int]:
    """A webhook with a delivery in each of five statuses; their ids."""
    await platform.webhook_of_goal(retry_schedule_s=[0], name="CRM")
    for _ in range(5):
        await platform.commit()
    claims = await platform.claim(pool)
    for claim, (outcome, fields) in zip(claims, ENDS, strict=False):
        await platform.record(pool, claim, outcome, **fields)
    await engine.cancel(pool, [claims[3].outbox_id])
    return {row["status"]: int(row["id"]) for row in await platform.deliveries()}


async def other_platform(platform: Platform) -> Platform:
    other = Platform(platform.db)
    await other.set_up()
    return other


async def test_a_delivery_shows_its_event_webhook_and_outcome(
    api: Api, platform: Platform, pool: Pool
) -> None:
    found = await mixed(platform, pool)
    assert set(found) == {"delivered", "dead", "held", "cancelled", "sending"}
    (one,) = (await api.call("GET", "/deliveries", params={"status": "dead"})).json()["items"]
    assert (one["id"], one["webhook_name"], one["event_type"]) == (
        found["dead"],
        "CRM",
        "goal.committed",
    )
    assert (one["attempts"], one["last_status_code"], one["latency_ms"]) == (1, 503, None)
    assert one["key"] == one["commit_id"]
    assert one["created_at"].endswith("Z")
    (good,) = (await api.call("GET", "/deliveries", params={"status": "delivered"})).json()["items"]
    assert good["latency_ms"] > 0


async def test_every_filter_narrows_the_list(api: Api, platform: Platform, pool: Pool) -> None:
    found = await mixed(platform, pool)
    webhook = await platform.webhook_of_agent()
    job = await platform.job("failed")
    newest = max(found.values()) + 1
    rows = {row["id"]: row for row in await platform.deliveries()}
    commit = await platform.value(
        "select e.commit_id from rowhook.event e join rowhook.outbox o on o.event_id = e.id"
        " where o.id = %s",
        found["dead"],
    )
    middle = rows[newest]["created_at"].isoformat().replace("+00:00", "Z")
    for filters, expected in (
        ({}, sorted(rows, reverse=True)),
        ({"status": ["dead", "held", "dead"]}, [found["held"], found["dead"]]),
        ({"webhook_id": webhook}, [newest]),
        ({"job_id": job}, [newest]),
        ({"commit_id": commit}, [found["dead"]]),
        ({"commit_id": commit, "status": "held"}, []),
        ({"commit_id": commit, "webhook_id": webhook}, []),
        ({"commit_id": "\0"}, []),
        ({"event_type": "job.failed"}, [newest]),
        ({"event_type": "job.failed", "webhook_id": webhook}, [newest]),
        ({"status_code": 503}, [found["dead"]]),
        ({"since": middle}, [newest]),
        ({"until": middle}, sorted(found.values(), reverse=True)),
        ({"since": middle, "until": middle}, []),
        ({"organization_id": platform.organization, "limit": 1}, [newest]),
    ):
        assert await ids(api, **filters) == expected, filters


@pytest.mark.parametrize(
    ("filters", "status", "pointer"),
    [
        ({"status": "lost"}, 400, "/status"),
        ({"limit": 201}, 400, "/limit"),
        ({"status_code": 99}, 400, "/status_code"),
        ({"webhook_id": "x"}, 400, "/webhook_id"),
        ({"since": "2026-05-23T12:00:00"}, 422, "/since"),
        ({"until": "1e9"}, 422, "/until"),
        ({"until": "yesterday"}, 422, "/until"),
        ({"cursor": "x"}, 422, "/cursor"),
        ({"cursor": "WyIyMDI2LTA1LTIzVDEyOjAwOjAwIiwxXQ"}, 422, "/cursor"),
        ({"cursor": "WyIyMDI2LTA1LTIzVDEyOjAwOjAwWiIsLTFd"}, 422, "/cursor"),
    ],
)
async def test_a_filter_that_cannot_be_read_is_refused_with_its_place(
    empty_api: Api, filters: dict[str, Any], status: int, pointer: str
) -> None:
    answer = await empty_api.call("GET", "/deliveries", params=filters)
    assert answer.status_code == status
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


async def test_pages_hold_every_delivery_once_while_new_ones_come_in(
    api: Api, platform: Platform
) -> None:
    await platform.webhook_of_goal()
    for _ in range(7):
        await platform.commit()
    # Some are of one moment: the id parts them.
    await platform.run(
        "update rowhook.outbox set token = nextval('rowhook.token'),"
        " created_at = '2026-01-01T00:00:00Z' where id %% 3 > 0"
    )
    there = [
        row["id"]
        for row in await platform.rows(
            "select id from rowhook.outbox order by created_at desc, id desc"
        )
    ]
    seen: list[int] = []
    cursor: str | None = None
    while not seen or cursor:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await api.call("GET", "/deliveries", params=params)).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        await platform.commit()
    assert seen == there


async def test_the_operator_s_list_is_the_newest_of_all_organizations(
    api: Api, platform: Platform
) -> None:
    for _ in range(3):
        one = await other_platform(platform)
        await one.webhook_of_goal()
        await one.commit()
        await one.commit()
    newest = sorted((row["id"] for row in await platform.deliveries()), reverse=True)
    assert await ids(api) == newest
    assert await ids(api, limit=3) == newest[:3]
    assert await ids(api, limit=1) == newest[:1]


async def test_a_delivery_is_read_with_its_attempts(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal(retry_schedule_s=[0, 0])
    await platform.commit()
    today = await platform.value(
        "select to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T12:00:00Z\"')"
    )
    for outcome, code in (("http_status", 500), ("delivered", 200)):
        (claim,) = await platform.claim(pool)
        await platform.record(
            pool,
            claim,
            outcome,
            status_code=code,
            request=REQUEST,
            started_at=today,
            response_headers=[["Server", "x"]],
            response_body="so it is",
            rendered_ms=0.5,
        )
    found = (await api.call("GET", f"/deliveries/{claim.outbox_id}")).json()
    assert (found["status"], found["attempts"]) == ("delivered", 2)
    assert [(one["number"], one["status_code"]) for one in found["tries"]] == [(1, 500), (2, 200)]
    assert found["occurred_at"] < found["captured_at"] < found["created_at"]
    assert found["tries"][1] == {
        "number": 2,
        "started_at": today,
        "duration_ms": 1.5,
        "rendered_ms": 0.5,
        "validated_ms": None,
        "outcome": "delivered",
        "status_code": 200,
        "error": None,
        "revision": 1,
        "request": REQUEST,
        "response_headers": [["Server", "x"]],
        "response_body": "so it is",
    }


async def test_a_dead_delivery_is_sent_again_and_answered_as_it_is_now(
    api: Api, platform: Platform, pool: Pool
) -> None:
    delivery = (await mixed(platform, pool))["dead"]
    answer = await api.call("POST", f"/deliveries/{delivery}/retry")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["finished_at"]) == ("pending", None)
    (claim,) = await platform.claim(pool)
    assert claim.outbox_id == delivery


async def test_what_is_being_sent_is_not_sent_twice_and_can_be_cancelled(
    api: Api, platform: Platform, pool: Pool
) -> None:
    path = f"/deliveries/{(await mixed(platform, pool))['sending']}"
    refused = await api.call("POST", f"{path}/retry")
    assert refused.status_code == 409
    assert "is being sent. Wait for the result, or cancel it" in refused.json()["detail"]
    stopped = await api.call("POST", f"{path}/cancel")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "cancelled")


@pytest.mark.parametrize("status", ["delivered", "dead", "cancelled"])
async def test_what_has_ended_cannot_be_cancelled(
    api: Api, platform: Platform, pool: Pool, status: str
) -> None:
    delivery = (await mixed(platform, pool))[status]
    refused = await api.call("POST", f"/deliveries/{delivery}/cancel")
    assert refused.status_code == 409
    assert f"is {status}. Only pending, held and sending" in refused.json()["detail"]


async def test_what_was_missed_is_counted_then_sent_again(
    api: Api, platform: Platform, pool: Pool
) -> None:
    found = await mixed(platform, pool)
    webhook = str((await platform.deliveries())[0]["webhook_id"])
    asked = {"webhook_id": webhook, "since": "2020-01-01T00:00:00Z"}
    counted = await api.call("POST", "/deliveries/replay", asked | {"dry_run": True})
    assert (counted.status_code, counted.json()) == (200, {"deliveries": 2})
    narrow = asked | {"statuses": ["held"], "until": "2020-01-02T00:00:00Z"}
    assert (await api.call("POST", "/deliveries/replay", narrow)).json() == {"deliveries": 0}
    assert await ids(api, status="pending") == []
    sent = await api.call("POST", "/deliveries/replay", asked)
    assert sent.json() == {"deliveries": 2}
    assert await ids(api, status="pending") == [found["cancelled"], found["dead"]]


async def test_two_replays_at_once_send_each_delivery_once(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await mixed(platform, pool)
    webhook = str((await platform.deliveries())[0]["webhook_id"])
    asked = {"webhook_id": webhook, "since": "2020-01-01T00:00:00Z", "rate": 0.001}
    answers = await asyncio.gather(
        *(api.call("POST", "/deliveries/replay", asked) for _ in range(4))
    )
    assert sorted(one.json()["deliveries"] for one in answers) == [0, 0, 0, 2]


async def test_a_replay_that_cannot_be_is_refused_with_every_fault(
    api: Api, platform: Platform
) -> None:
    webhook = str(await platform.webhook())
    since = "2026-05-23T12:00:00Z"
    for fields, pointers in (
        ({}, {"/since"}),
        ({"since": since[:-1], "rate": 0, "surprise": 1}, {"/since", "/rate", "/surprise"}),
        ({"since": since, "statuses": ["sending"]}, {"/statuses/0"}),
        ({"since": since, "statuses": []}, {"/statuses"}),
        ({"since": since, "until": since}, {"/until"}),
    ):
        asked = {"webhook_id": webhook} | fields
        answer = await api.call("POST", "/deliveries/replay", asked)
        assert answer.status_code == 422
        assert {one["pointer"] for one in answer.json()["errors"]} == pointers


async def test_another_organization_s_deliveries_do_not_exist(
    api: Api, platform: Platform, pool: Pool
) -> None:
    found = await mixed(platform, pool)
    webhook = str((await platform.deliveries())[0]["webhook_id"])
    key = await api.key_of((await other_platform(platform)).organization)
    for filters in ({}, {"webhook_id": webhook}, {"commit_id": "x"}, {"status": "dead"}):
        assert await ids(api, key, **filters) == []
    path = f"/deliveries/{found['dead']}"
    for method, rest in (("GET", ""), ("POST", "/retry"), ("POST", "/cancel")):
        assert (await api.call(method, path + rest, key=key)).status_code == 404
    asked = {"webhook_id": webhook, "since": "2020-01-01T00:00:00Z"}
    for extra in ({}, {"rate": 5}, {"dry_run": True}):
        answer = await api.call("POST", "/deliveries/replay", asked | extra, key=key)
        assert answer.status_code == 404
    theirs = {"organization_id": platform.organization}
    assert (await api.call("GET", "/deliveries", params=theirs, key=key)).status_code == 404
    assert {row["status"]: row["id"] for row in await platform.deliveries()} == found


async def test_row_level_security_alone_hides_them_from_every_function(
    api: Api, platform: Platform, pool: Pool
) -> None:
    found = await mixed(platform, pool)
    webhook = UUID(str((await platform.deliveries())[0]["webhook_id"]))
    since = (await platform.deliveries())[0]["created_at"]
    stranger = (await other_platform(platform)).organization
    entry = TenantPool(pool=api.server_ctx.pool, organization=stranger, actor="a stranger")
    for wanted in (
        DeliveryFilter(),
        DeliveryFilter(webhook=webhook),
        DeliveryFilter(organization=platform.organization),
    ):
        assert await list_queries.delivery_page(entry, wanted, None, 10) == []
    assert await list_queries.delivery_of(entry, found["dead"]) is None
    assert await engine.retry(entry, list(found.values())) == 0
    assert await engine.cancel(entry, list(found.values())) == 0
    replay = engine.replay(entry, webhook, since, None, ["dead"], dry_run=False, rate=None)
    assert await replay == 0
    at_rate = "select rowhook.resend_at_rate(%s, 5)"
    assert await statements.value(entry, at_rate, list(found.values())) == []
    assert {row["status"]: row["id"] for row in await platform.deliveries()} == found


async def test_an_organization_s_own_key_sees_and_steers_its_own(
    api: Api, platform: Platform, pool: Pool
) -> None:
    found = await mixed(platform, pool)
    key = await api.key_of(platform.organization, "read", "replay")
    assert await ids(api, key) == sorted(found.values(), reverse=True)
    webhook = str((await platform.deliveries())[0]["webhook_id"])
    asked = {"webhook_id": webhook, "since": "2020-01-01T00:00:00Z", "rate": 5}
    sent = await api.call("POST", "/deliveries/replay", asked, key=key)
    assert (sent.status_code, sent.json()) == (200, {"deliveries": 2})
    reader = await api.key_of(platform.organization, "read")
    path = f"/deliveries/{found['dead']}"
    assert (await api.call("POST", f"{path}/retry", key=reader)).status_code == 403


async def test_the_history_of_a_deleted_webhook_is_listed_and_cannot_be_replayed(
    api: Api, platform: Platform, pool: Pool
) -> None:
    found = await mixed(platform, pool)
    webhook = (await platform.deliveries())[0]["webhook_id"]
    await platform.run("delete from rowhook.link")
    assert await webhook_queries.delete_webhook(pool, webhook)
    assert set(await ids(api, webhook_id=webhook)) == set(found.values())
    shown = (await api.call("GET", f"/deliveries/{found['dead']}")).json()
    assert (shown["webhook_name"], len(shown["tries"])) == ("CRM", 1)
    asked = {"webhook_id": str(webhook), "since": "2020-01-01T00:00:00Z"}
    assert (await api.call("POST", "/deliveries/replay", asked)).status_code == 404


@pytest.mark.parametrize("number", ["0", "99", str(2**63), "9" * 40])
async def test_a_delivery_that_never_was_does_not_exist(api: Api, number: str) -> None:
    for method, rest in (("GET", ""), ("POST", "/retry"), ("POST", "/cancel")):
        assert (await api.call(method, f"/deliveries/{number}{rest}")).status_code == 404


async def test_what_was_steered_is_in_the_audit_and_what_was_refused_is_not(
    api: Api, platform: Platform, pool: Pool
) -> None:
    found = await mixed(platform, pool)
    for status, verb in (
        ("sending", "retry"),
        ("dead", "cancel"),
        ("dead", "retry"),
        ("sending", "cancel"),
    ):
        await api.call("POST", f"/deliveries/{found[status]}/{verb}")
    webhook = str((await platform.deliveries())[0]["webhook_id"])
    asked = {"webhook_id": webhook, "since": "2020-01-01T00:00:00Z", "rate": 5}
    await api.call("POST", "/deliveries/replay", asked)
    steered = await platform.rows(
        "select action, subject, after from rowhook.audit"
        " where action like 'delivery.%%' and actor = 'key:ROWHOOK_ADMIN_KEY' order by id"
    )
    assert [(one["action"], one["subject"]) for one in steered] == [
        ("delivery.retried", str(found["dead"])),
        ("delivery.cancelled", str(found["sending"])),
        ("delivery.replayed", "2 deliveries"),
    ]
    assert (steered[2]["after"]["count"], steered[2]["after"]["asked"]["rate"]) == (2, 5)
    assert steered[2]["after"]["asked"]["webhook_id"] == webhook
