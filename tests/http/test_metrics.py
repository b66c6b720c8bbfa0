"""`/metrics`: deliveries, backlog, workers, requests and the connection pool."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.calls import Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scrape(api: Api) -> Samples:
    response = await api.client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def sample(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


async def overdue_s(platform: Platform) -> float:
    """Returns for how long the oldest due delivery has been due."""
    seconds: float = await platform.value(
        "select extract(epoch from clock_timestamp() - min(next_attempt_at))::float8"
        " from rowhook.outbox where next_attempt_at < now()"
    )
    return seconds


async def test_deliveries_that_are_not_finished_are_counted_by_status(
    api: Api, platform: Platform, db: psycopg.AsyncConnection
) -> None:
    await platform.webhook_of_goal()
    for _ in range(4):
        await platform.commit()
    await platform.run("alter table rowhook.outbox disable trigger user")
    await platform.run(
        "update rowhook.outbox set status = 'held', ready = false, next_attempt_at = null"
        " where id = (select min(id) from rowhook.outbox)"
    )
    await platform.run(
        "update rowhook.outbox set ready = false, next_attempt_at = now() + interval '1 hour'"
        " where id = (select max(id) from rowhook.outbox)"
    )
    await platform.run(
        "update rowhook.outbox set next_attempt_at = now() - interval '1 minute' where ready"
    )
    await db.execute("select rowhook.heartbeat(%s, 'here', 1, 0)", (uuid4(),))
    lower_bound = await overdue_s(platform)
    samples = await scrape(api)
    assert sample(samples, "rowhook_database_up") == 1
    assert sample(samples, "rowhook_deliveries", status="pending") == 3
    assert sample(samples, "rowhook_deliveries", status="held") == 1
    assert sample(samples, "rowhook_deliveries", status="sending") == 0
    assert sample(samples, "rowhook_backlog", kind="http") == 2
    assert (
        lower_bound
        <= sample(samples, "rowhook_oldest_due_seconds", kind="http")
        <= await overdue_s(platform)
    )
    assert sample(samples, "rowhook_workers") == 1
    assert sample(samples, "rowhook_capture_errors_open") == 0


async def test_a_due_delivery_counts_before_a_worker_marks_it_ready(
    api: Api, platform: Platform
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    await platform.run("alter table rowhook.outbox disable trigger user")
    await platform.run(
        "update rowhook.outbox set ready = false, next_attempt_at = now() - interval '1 minute'"
    )
    lower_bound = await overdue_s(platform)
    samples = await scrape(api)
    assert sample(samples, "rowhook_backlog", kind="http") == 1
    assert (
        lower_bound
        <= sample(samples, "rowhook_oldest_due_seconds", kind="http")
        <= await overdue_s(platform)
    )


async def test_the_backlog_is_counted_by_kind(api: Api, platform: Platform) -> None:
    for fields in ({}, {"kind": "frontend", "url": None}, {"kind": "frontend", "url": None}):
        await platform.webhook_of_goal(**fields)
    await platform.commit()
    await platform.run("alter table rowhook.outbox disable trigger user")
    await platform.run("update rowhook.outbox set next_attempt_at = now() - interval '1 minute'")
    await platform.run(
        "update rowhook.outbox set ready = false where id = (select max(id) from rowhook.outbox)"
    )
    samples = await scrape(api)
    assert sample(samples, "rowhook_backlog", kind="http") == 1
    assert sample(samples, "rowhook_backlog", kind="frontend") == 2
    assert sample(samples, "rowhook_oldest_due_seconds", kind="frontend") >= 60
    previous = await platform.rows("select due, oldest_due_s >= 60 as old from rowhook.gauges()")
    assert previous == [{"due": 3, "old": True}]


async def test_deliveries_of_a_paused_webhook_are_not_backlog(api: Api, platform: Platform) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.commit()
    await platform.value("select rowhook.set_state(%s, 'paused')", webhook)
    samples = await scrape(api)
    assert sample(samples, "rowhook_deliveries", status="pending") == 1
    assert (
        sample(samples, "rowhook_backlog", kind="http")
        == sample(samples, "rowhook_oldest_due_seconds", kind="http")
        == 0
    )


@pytest.mark.new_database
async def test_gauges_do_not_scan_finished_deliveries(platform: Platform) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.run("alter table rowhook.outbox disable trigger user")
    await platform.run(
        "insert into rowhook.outbox (event_id, webhook_id, organization_id, status, ready,"
        " next_attempt_at, finished_at) select n, %s, %s, 'delivered', false, null, now()"
        " from generate_series(1, 50000) as n",
        webhook,
        platform.organization,
    )
    await platform.value("select rowhook.metrics()")
    plan = await platform.value(
        "explain (analyze, buffers, format json) select * from rowhook.metrics()"
    )
    buffers = plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
    assert buffers < 200


async def test_requests_are_counted_by_route_and_never_by_path(
    api: Api, platform: Platform
) -> None:
    webhook = await api.webhook(platform.organization)
    await api.call("GET", f"/webhooks/{webhook['id']}", params={"limit": "canary"})
    await api.call("GET", "/canary")
    await api.client.request("CANARY", "/livez")
    response = await api.client.get("/metrics")
    assert "canary" not in response.text.lower()
    for hidden in (webhook["id"], webhook["organization_id"], "Acme"):
        assert hidden not in response.text
    samples = await scrape(api)
    route = "/v1/webhooks/{webhook_id}"
    request_count = sample(
        samples, "rowhook_api_requests_total", method="GET", route=route, status="400"
    )
    assert (
        request_count
        == sample(samples, "rowhook_api_request_seconds_count", method="GET", route=route)
        == 1
    )
    assert (
        sample(samples, "rowhook_api_requests_total", method="GET", route="none", status="404") == 1
    )
    assert (
        sample(samples, "rowhook_api_requests_total", method="other", route="none", status="405")
        == 1
    )


async def test_the_connection_pool_is_measured(api: Api) -> None:
    samples = await scrape(api)
    assert 1 <= sample(samples, "rowhook_database_pool_size") <= 4
    assert sample(samples, "rowhook_database_requests_waiting") == 0
    assert sample(samples, "rowhook_database_requests_num_total") >= 1
