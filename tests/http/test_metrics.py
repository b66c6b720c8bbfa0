"""`/metrics`: what waits, what is due, who works, how requests go; cheap, and without names."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.calls import Api
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(api: Api) -> Samples:
    answer = await api.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


async def overdue_s(platform: Platform) -> float:
    """How long the oldest due delivery has been due."""
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
    least = await overdue_s(platform)
    found = await scraped(api)
    assert of(found, "rowhook_database_up") == 1
    assert of(found, "rowhook_deliveries", status="pending") == 3
    assert of(found, "rowhook_deliveries", status="held") == 1
    assert of(found, "rowhook_deliveries", status="sending") == 0
    assert of(found, "rowhook_backlog") == 2
    assert least <= of(found, "rowhook_oldest_due_seconds") <= await overdue_s(platform)
    assert of(found, "rowhook_workers") == 1
    assert of(found, "rowhook_capture_errors_open") == 0


async def test_what_is_due_counts_though_no_worker_has_made_it_ready(
    api: Api, platform: Platform
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    await platform.run("alter table rowhook.outbox disable trigger user")
    await platform.run(
        "update rowhook.outbox set ready = false, next_attempt_at = now() - interval '1 minute'"
    )
    least = await overdue_s(platform)
    found = await scraped(api)
    assert of(found, "rowhook_backlog") == 1
    assert least <= of(found, "rowhook_oldest_due_seconds") <= await overdue_s(platform)


async def test_a_paused_webhook_is_no_backlog(api: Api, platform: Platform) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.commit()
    await platform.value("select rowhook.set_state(%s, 'paused')", webhook)
    found = await scraped(api)
    assert of(found, "rowhook_deliveries", status="pending") == 1
    assert of(found, "rowhook_backlog") == of(found, "rowhook_oldest_due_seconds") == 0


@pytest.mark.new_database
async def test_finished_deliveries_cost_nothing(platform: Platform) -> None:
    webhook = await platform.webhook_of_goal()
    await platform.run("alter table rowhook.outbox disable trigger user")
    await platform.run(
        "insert into rowhook.outbox (event_id, webhook_id, organization_id, status, ready,"
        " next_attempt_at, finished_at) select n, %s, %s, 'delivered', false, null, now()"
        " from generate_series(1, 50000) as n",
        webhook,
        platform.organization,
    )
    await platform.value("select rowhook.gauges()")
    plan = await platform.value(
        "explain (analyze, buffers, format json) select * from rowhook.gauges()"
    )
    read = plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
    assert read < 200


async def test_requests_are_counted_by_route_and_never_by_path(
    api: Api, platform: Platform
) -> None:
    made = await api.webhook(platform.organization)
    await api.call("GET", f"/webhooks/{made['id']}", params={"limit": "canary"})
    await api.call("GET", "/canary")
    await api.client.request("CANARY", "/livez")
    answer = await api.client.get("/metrics")
    assert "canary" not in answer.text.lower()
    for hidden in (made["id"], made["organization_id"], "Acme"):
        assert hidden not in answer.text
    found = await scraped(api)
    route = "/v1/webhooks/{webhook_id}"
    counted = of(found, "rowhook_api_requests_total", method="GET", route=route, status="200")
    assert counted == of(found, "rowhook_api_request_seconds_count", method="GET", route=route) == 1
    assert of(found, "rowhook_api_requests_total", method="GET", route="none", status="404") == 1
    assert of(found, "rowhook_api_requests_total", method="other", route="none", status="405") == 1


async def test_the_pool_is_measured(api: Api) -> None:
    found = await scraped(api)
    assert 1 <= of(found, "rowhook_database_pool_size") <= 4
    assert of(found, "rowhook_database_requests_waiting") == 0
    assert of(found, "rowhook_database_requests_num_total") >= 1
