"""Deliveries over REST: filters, paging during inserts, retry, cancellation, replay."""

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
from tests.support.sample_platform import Platform, other_platform

pytestmark = pytest.mark.anyio
DEAD = {"status_code": 503, "error": "The receiver responded with status 503."}
OUTCOMES: tuple[tuple[str, dict[str, Any]], ...] = (
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
    response = await api.call("GET", "/deliveries", params=filters, key=key)
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["items"]]


async def deliveries_in_each_status(platform: Platform, pool: Pool) -> dict[str, int]:
    """Creates a delivery in each of five statuses and returns their ids by status."""
    await platform.webhook_of_goal(retry_schedule_s=[0], name="CRM")
    for _ in range(5):
        await platform.commit()
    claims = await platform.claim(pool)
    for claim, (outcome, fields) in zip(claims, OUTCOMES, strict=False):
        await platform.record(pool, claim, outcome, **fields)
    await engine.cancel(pool, [claims[3].outbox_id])
    return {row["status"]: int(row["id"]) for row in await platform.deliveries()}


async def test_a_delivery_shows_its_event_webhook_and_outcome(
    api: Api, platform: Platform, pool: Pool
) -> None:
    by_status = await deliveries_in_each_status(platform, pool)
    assert set(by_status) == {"delivered", "dead", "held", "cancelled", "sending"}
    (dead,) = (await api.call("GET", "/deliveries", params={"status": "dead"})).json()["items"]
    assert (dead["id"], dead["webhook_name"], dead["event_type"]) == (
        by_status["dead"],
        "CRM",
        "goal.committed",
    )
    assert (dead["attempts"], dead["last_status_code"], dead["latency_ms"]) == (1, 503, None)
    assert dead["key"] == dead["commit_id"]
    assert dead["created_at"].endswith("Z")
    (delivered,) = (await api.call("GET", "/deliveries", params={"status": "delivered"})).json()[
        "items"
    ]
    assert delivered["latency_ms"] > 0


async def test_every_filter_narrows_the_list(api: Api, platform: Platform, pool: Pool) -> None:
    by_status = await deliveries_in_each_status(platform, pool)
    webhook = await platform.webhook_of_agent()
    job = await platform.job("failed")
    newest = max(by_status.values()) + 1
    rows = {row["id"]: row for row in await platform.deliveries()}
    commit = await platform.value(
        "select e.commit_id from rowhook.event e join rowhook.outbox o on o.event_id = e.id"
        " where o.id = %s",
        by_status["dead"],
    )
    middle = rows[newest]["created_at"].isoformat().replace("+00:00", "Z")
    for filters, expected in (
        ({}, sorted(rows, reverse=True)),
        ({"status": ["dead", "held", "dead"]}, [by_status["held"], by_status["dead"]]),
        ({"webhook_id": webhook}, [newest]),
        ({"job_id": job}, [newest]),
        ({"commit_id": commit}, [by_status["dead"]]),
        ({"commit_id": commit, "status": "held"}, []),
        ({"commit_id": commit, "webhook_id": webhook}, []),
        ({"commit_id": "\0"}, []),
        ({"event_type": "job.failed"}, [newest]),
        ({"event_type": "job.failed", "webhook_id": webhook}, [newest]),
        ({"status_code": 503}, [by_status["dead"]]),
        ({"since": middle}, [newest]),
        ({"until": middle}, sorted(by_status.values(), reverse=True)),
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
async def test_an_invalid_filter_is_refused_with_its_pointer(
    empty_api: Api, filters: dict[str, Any], status: int, pointer: str
) -> None:
    response = await empty_api.call("GET", "/deliveries", params=filters)
    assert response.status_code == status
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


async def test_pages_list_every_delivery_once_while_new_ones_arrive(
    api: Api, platform: Platform
) -> None:
    await platform.webhook_of_goal()
    for _ in range(7):
        await platform.commit()
    # Some have the same time and are ordered by id.
    await platform.run(
        "update rowhook.outbox set token = nextval('rowhook.token'),"
        " created_at = '2026-01-01T00:00:00Z' where id %% 3 > 0"
    )
    expected = [
        row["id"]
        for row in await platform.rows(
            "select id from rowhook.outbox order by created_at desc, id desc"
        )
    ]
    listed: list[int] = []
    cursor: str | None = None
    while not listed or cursor:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await api.call("GET", "/deliveries", params=params)).json()
        listed += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        await platform.commit()
    assert listed == expected


async def test_an_operator_lists_the_newest_deliveries_of_all_organizations(
    api: Api, platform: Platform
) -> None:
    for _ in range(3):
        other = await other_platform(platform)
        await other.webhook_of_goal()
        await other.commit()
        await other.commit()
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
    delivery = (await api.call("GET", f"/deliveries/{claim.outbox_id}")).json()
    assert (delivery["status"], delivery["attempts"]) == ("delivered", 2)
    assert [(attempt["number"], attempt["status_code"]) for attempt in delivery["tries"]] == [
        (1, 500),
        (2, 200),
    ]
    assert delivery["occurred_at"] < delivery["captured_at"] < delivery["created_at"]
    assert delivery["tries"][1] == {
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


async def test_a_dead_delivery_is_retried_and_returned_in_its_new_state(
    api: Api, platform: Platform, pool: Pool
) -> None:
    delivery = (await deliveries_in_each_status(platform, pool))["dead"]
    response = await api.call("POST", f"/deliveries/{delivery}/retry")
    assert response.status_code == 200
    assert (response.json()["status"], response.json()["finished_at"]) == ("pending", None)
    (claim,) = await platform.claim(pool)
    assert claim.outbox_id == delivery


async def test_a_sending_delivery_cannot_be_retried_and_can_be_cancelled(
    api: Api, platform: Platform, pool: Pool
) -> None:
    path = f"/deliveries/{(await deliveries_in_each_status(platform, pool))['sending']}"
    retried = await api.call("POST", f"{path}/retry")
    assert retried.status_code == 409
    assert "is being sent. Wait for the result, or cancel it" in retried.json()["detail"]
    cancelled = await api.call("POST", f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")


@pytest.mark.parametrize("status", ["delivered", "dead", "cancelled"])
async def test_a_finished_delivery_cannot_be_cancelled(
    api: Api, platform: Platform, pool: Pool, status: str
) -> None:
    delivery = (await deliveries_in_each_status(platform, pool))[status]
    response = await api.call("POST", f"/deliveries/{delivery}/cancel")
    assert response.status_code == 409
    assert f"is {status}. Only pending, held and sending" in response.json()["detail"]


async def test_a_replay_is_counted_by_a_dry_run_and_then_sent(
    api: Api, platform: Platform, pool: Pool
) -> None:
    by_status = await deliveries_in_each_status(platform, pool)
    webhook = str((await platform.deliveries())[0]["webhook_id"])
    body = {"webhook_id": webhook, "since": "2020-01-01T00:00:00Z"}
    dry_run = await api.call("POST", "/deliveries/replay", body | {"dry_run": True})
    assert (dry_run.status_code, dry_run.json()) == (200, {"deliveries": 2})
    narrow = body | {"statuses": ["held"], "until": "2020-01-02T00:00:00Z"}
    assert (await api.call("POST", "/deliveries/replay", narrow)).json() == {"deliveries": 0}
    assert await ids(api, status="pending") == []
    replayed = await api.call("POST", "/deliveries/replay", body)
    assert replayed.json() == {"deliveries": 2}
    assert await ids(api, status="pending") == [by_status["cancelled"], by_status["dead"]]


async def test_two_replays_at_once_send_each_delivery_once(
    api: Api, platform: Platform, pool: Pool
) -> None:
    await deliveries_in_each_status(platform, pool)
    webhook = str((await platform.deliveries())[0]["webhook_id"])
    body = {"webhook_id": webhook, "since": "2020-01-01T00:00:00Z", "rate": 0.001}
    responses = await asyncio.gather(
        *(api.call("POST", "/deliveries/replay", body) for _ in range(4))
    )
    assert sorted(response.json()["deliveries"] for response in responses) == [0, 0, 0, 2]


async def test_an_invalid_replay_is_refused_with_every_fault(api: Api, platform: Platform) -> None:
    webhook = str(await platform.webhook())
    since = "2026-05-23T12:00:00Z"
    for fields, pointers in (
        ({}, {"/since"}),
        ({"since": since[:-1], "rate": 0, "surprise": 1}, {"/since", "/rate", "/surprise"}),
        ({"since": since, "statuses": ["sending"]}, {"/statuses/0"}),
        ({"since": since, "statuses": []}, {"/statuses"}),
        ({"since": since, "until": since}, {"/until"}),
    ):
        body = {"webhook_id": webhook} | fields
        response = await api.call("POST", "/deliveries/replay", body)
        assert response.status_code == 422
        assert {error["pointer"] for error in response.json()["errors"]} == pointers


async def test_another_organization_s_deliveries_do_not_exist(
    api: Api, platform: Platform, pool: Pool
) -> None:
    by_status = await deliveries_in_each_status(platform, pool)
    webhook = str((await platform.deliveries())[0]["webhook_id"])
    key = await api.key_of((await other_platform(platform)).organization)
    for filters in ({}, {"webhook_id": webhook}, {"commit_id": "x"}, {"status": "dead"}):
        assert await ids(api, key, **filters) == []
    path = f"/deliveries/{by_status['dead']}"
    for method, rest in (("GET", ""), ("POST", "/retry"), ("POST", "/cancel")):
        assert (await api.call(method, path + rest, key=key)).status_code == 404
    body = {"webhook_id": webhook, "since": "2020-01-01T00:00:00Z"}
    for extra in ({}, {"rate": 5}, {"dry_run": True}):
        response = await api.call("POST", "/deliveries/replay", body | extra, key=key)
        assert response.status_code == 404
    theirs = {"organization_id": platform.organization}
    assert (await api.call("GET", "/deliveries", params=theirs, key=key)).status_code == 404
    assert {row["status"]: row["id"] for row in await platform.deliveries()} == by_status


async def test_row_level_security_hides_deliveries_from_every_function(
    api: Api, platform: Platform, pool: Pool
) -> None:
    by_status = await deliveries_in_each_status(platform, pool)
    webhook = UUID(str((await platform.deliveries())[0]["webhook_id"]))
    since = (await platform.deliveries())[0]["created_at"]
    stranger = (await other_platform(platform)).organization
    tenant_pool = TenantPool(
        pool=api.server_ctx.pool, organization=stranger, actor="another organization"
    )
    for filters in (
        DeliveryFilter(),
        DeliveryFilter(webhook=webhook),
        DeliveryFilter(organization=platform.organization),
    ):
        assert await list_queries.delivery_page(tenant_pool, filters, None, 10) == []
    assert await list_queries.delivery_of(tenant_pool, by_status["dead"]) is None
    assert await engine.retry(tenant_pool, list(by_status.values())) == 0
    assert await engine.cancel(tenant_pool, list(by_status.values())) == 0
    replay = engine.replay(tenant_pool, webhook, since, None, ["dead"], dry_run=False, rate=None)
    assert await replay == 0
    at_rate = "select rowhook.resend_at_rate(%s, 5)"
    assert await statements.value(tenant_pool, at_rate, list(by_status.values())) == []
    assert {row["status"]: row["id"] for row in await platform.deliveries()} == by_status


async def test_a_key_reads_retries_and_replays_deliveries_of_its_organization(
    api: Api, platform: Platform, pool: Pool
) -> None:
    by_status = await deliveries_in_each_status(platform, pool)
    key = await api.key_of(platform.organization, "read", "replay")
    assert await ids(api, key) == sorted(by_status.values(), reverse=True)
    webhook = str((await platform.deliveries())[0]["webhook_id"])
    body = {"webhook_id": webhook, "since": "2020-01-01T00:00:00Z", "rate": 5}
    replayed = await api.call("POST", "/deliveries/replay", body, key=key)
    assert (replayed.status_code, replayed.json()) == (200, {"deliveries": 2})
    reader = await api.key_of(platform.organization, "read")
    path = f"/deliveries/{by_status['dead']}"
    assert (await api.call("POST", f"{path}/retry", key=reader)).status_code == 403


async def test_the_history_of_a_deleted_webhook_is_listed_and_cannot_be_replayed(
    api: Api, platform: Platform, pool: Pool
) -> None:
    by_status = await deliveries_in_each_status(platform, pool)
    webhook = (await platform.deliveries())[0]["webhook_id"]
    await platform.run("delete from rowhook.link")
    assert await webhook_queries.delete_webhook(pool, webhook)
    assert set(await ids(api, webhook_id=webhook)) == set(by_status.values())
    delivery = (await api.call("GET", f"/deliveries/{by_status['dead']}")).json()
    assert (delivery["webhook_name"], len(delivery["tries"])) == ("CRM", 1)
    body = {"webhook_id": str(webhook), "since": "2020-01-01T00:00:00Z"}
    assert (await api.call("POST", "/deliveries/replay", body)).status_code == 404


@pytest.mark.parametrize("number", ["0", "99", str(2**63), "9" * 40])
async def test_an_unknown_delivery_is_not_found(api: Api, number: str) -> None:
    for method, rest in (("GET", ""), ("POST", "/retry"), ("POST", "/cancel")):
        assert (await api.call(method, f"/deliveries/{number}{rest}")).status_code == 404


async def test_the_audit_lists_successful_delivery_actions_only(
    api: Api, platform: Platform, pool: Pool
) -> None:
    by_status = await deliveries_in_each_status(platform, pool)
    for status, verb in (
        ("sending", "retry"),
        ("dead", "cancel"),
        ("dead", "retry"),
        ("sending", "cancel"),
    ):
        await api.call("POST", f"/deliveries/{by_status[status]}/{verb}")
    webhook = str((await platform.deliveries())[0]["webhook_id"])
    body = {"webhook_id": webhook, "since": "2020-01-01T00:00:00Z", "rate": 5}
    await api.call("POST", "/deliveries/replay", body)
    entries = await platform.rows(
        "select action, subject, after from rowhook.audit"
        " where action like 'delivery.%%' and actor = 'key:ROWHOOK_ADMIN_KEY' order by id"
    )
    assert [(row["action"], row["subject"]) for row in entries] == [
        ("delivery.retried", str(by_status["dead"])),
        ("delivery.cancelled", str(by_status["sending"])),
        ("delivery.replayed", "2 deliveries"),
    ]
    assert (entries[2]["after"]["count"], entries[2]["after"]["asked"]["rate"]) == (2, 5)
    assert entries[2]["after"]["asked"]["webhook_id"] == webhook
