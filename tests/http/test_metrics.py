"""`/metrics`: deliveries, backlog, workers, requests and the connection pool."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rowhook.db.connection_pool import Pool
from tests.support.calls import Api
from tests.support.sample_platform import Platform
from tests.support.servers import every_server

pytestmark = [pytest.mark.anyio, every_server]
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


# Each makes a webhook wait for its receiver. The first delivery has the lowest id.
_OPEN_CIRCUIT = (
    "insert into rowhook.lane_state (webhook_id, circuit, failures, failing_since, probe_at)"
    " select id, 'open', 10, now(), now() + interval '1 hour' from rowhook.webhook"
)
_FULL_LANE = (
    "update rowhook.outbox set status = 'sending', ready = false, next_attempt_at = null,"
    " leased_until = now() + interval '1 hour'"
    " where id = (select min(id) from rowhook.outbox)"
)
_EMPTY_BUCKET = (
    "insert into rowhook.lane_state (webhook_id, tokens, refilled_at)"
    " select id, 0, now() from rowhook.webhook"
)
_RETRY_AT_THE_HEAD = (
    "update rowhook.outbox set ready = false, next_attempt_at = now() + interval '1 hour'"
    " where id = (select min(id) from rowhook.outbox)"
)


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({}, _OPEN_CIRCUIT),
        ({"max_in_flight": 1}, _FULL_LANE),
        ({"rate_per_s": 0.001}, _EMPTY_BUCKET),
        ({"ordered": True}, _RETRY_AT_THE_HEAD),
    ],
    ids=["open circuit", "full lane", "rate", "order"],
)
async def test_deliveries_that_wait_for_their_receiver_do_not_make_the_backlog_older(
    api: Api, platform: Platform, fields: dict[str, Any], change: str
) -> None:
    await platform.webhook_of_goal(**fields)
    for _ in range(2):
        await platform.commit()
    await platform.run("alter table rowhook.outbox disable trigger user")
    await platform.run("update rowhook.outbox set next_attempt_at = now() - interval '1 minute'")
    await platform.run(change)
    samples = await scrape(api)
    assert sample(samples, "rowhook_backlog", kind="http") >= 1
    assert sample(samples, "rowhook_oldest_due_seconds", kind="http") == 0
    assert sample(samples, "rowhook_organization_oldest_due_seconds", rank="1") == 0


async def test_an_open_circuit_whose_probe_is_late_makes_the_backlog_older(
    api: Api, platform: Platform
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    await platform.run("alter table rowhook.outbox disable trigger user")
    await platform.run("update rowhook.outbox set next_attempt_at = now() - interval '1 minute'")
    await platform.run(
        "insert into rowhook.lane_state (webhook_id, circuit, failures, failing_since, probe_at)"
        " select id, 'open', 10, now(), now() - interval '30 seconds' from rowhook.webhook"
    )
    samples = await scrape(api)
    assert sample(samples, "rowhook_oldest_due_seconds", kind="http") >= 60


# Only a worker can end these: the head of the order is due, or its worker has stopped.
_UNMARKED_HEAD = "update rowhook.outbox set ready = false where ready"
_LOST_HEAD = (
    "update rowhook.outbox set status = 'sending', ready = false, next_attempt_at = null,"
    " leased_until = now() - interval '1 minute'"
    " where id = (select min(id) from rowhook.outbox)"
)
_UNSWEPT_HEAD = "insert into rowhook.chore (webhook_id) select id from rowhook.webhook"


@pytest.mark.parametrize(
    "change",
    [_UNMARKED_HEAD, _LOST_HEAD, _UNSWEPT_HEAD],
    ids=["not marked", "lost", "changed webhook"],
)
async def test_an_ordered_webhook_that_waits_for_a_worker_makes_the_backlog_older(
    api: Api, platform: Platform, change: LiteralString
) -> None:
    await platform.webhook_of_goal(ordered=True)
    for _ in range(2):
        await platform.commit()
    await platform.run("alter table rowhook.outbox disable trigger user")
    await platform.run("update rowhook.outbox set next_attempt_at = now() - interval '1 minute'")
    await platform.run(change)
    samples = await scrape(api)
    assert sample(samples, "rowhook_oldest_due_seconds", kind="http") >= 60


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


async def test_the_backlog_is_split_by_the_rank_of_organizations(
    api: Api, platform: Platform
) -> None:
    for count in range(1, 8):
        await waiting_deliveries(platform, count)
    samples = await scrape(api)
    ranks = ("1", "2", "3", "4", "5", "other")
    due = [sample(samples, "rowhook_organization_backlog", rank=rank) for rank in ranks]
    assert due == [7, 6, 5, 4, 3, 3]
    oldest = [
        sample(samples, "rowhook_organization_oldest_due_seconds", rank=rank) for rank in ranks
    ]
    assert min(oldest) >= 60


async def waiting_deliveries(platform: Platform, count: int) -> None:
    """Inserts deliveries of a new organization that have been due for a minute."""
    organization, webhook = uuid4(), uuid4()
    await platform.run("insert into rowhook.organization (id, name) values (%s, 'x')", organization)
    await platform.run(
        "insert into rowhook.webhook (id, organization_id, name, url) values (%s, %s, 'x', 'x')",
        webhook,
        organization,
    )
    await platform.run(
        "insert into rowhook.outbox (event_id, webhook_id, organization_id, next_attempt_at)"
        " select n, %s, %s, now() - interval '1 minute' from generate_series(1, %s) as n",
        webhook,
        organization,
        count,
    )


async def test_webhooks_and_circuits_are_counted_by_state(api: Api, platform: Platform) -> None:
    webhooks = [await platform.webhook_of_goal() for _ in range(3)]
    await platform.value("select rowhook.set_state(%s, 'paused')", webhooks[0])
    for webhook, circuit in zip(webhooks[1:], ("open", "half_open"), strict=True):
        await platform.run(
            "insert into rowhook.lane_state"
            " (webhook_id, circuit, failures, failing_since, probe_at)"
            " values (%s, %s, 10, now() - interval '1 hour', now())",
            webhook,
            circuit,
        )
    samples = await scrape(api)
    states = {
        state: sample(samples, "rowhook_webhooks", state=state)
        for state in ("active", "paused", "disabled")
    }
    assert states == {"active": 2, "paused": 1, "disabled": 0}
    assert sample(samples, "rowhook_circuits_open") == 1
    assert sample(samples, "rowhook_circuits_half_open") == 1
    assert sample(samples, "rowhook_circuit_failing_seconds") >= 3600


async def test_capture_gaps_and_errors_are_counted(api: Api, platform: Platform) -> None:
    await platform.webhook_of_goal()
    await platform.run("alter table rowhook.commit disable trigger user")
    await platform.commit()
    await platform.run(
        "insert into rowhook.capture_error (source, source_ids, sqlstate, message, healed_at)"
        " values ('commit', '{a}', '22012', 'x', null), ('commit', '{b}', '22012', 'x', now())"
    )
    samples = await scrape(api)
    assert sample(samples, "rowhook_capture_gaps") == 1
    assert sample(samples, "rowhook_capture_errors_open") == 1
    assert sample(samples, "rowhook_capture_errors_total") == 2


async def test_retention_partitions_and_vacuum_are_measured(
    api: Api, platform: Platform, db: psycopg.AsyncConnection, pool: Pool
) -> None:
    await platform.run(
        "update rowhook.retention set last_finished_at = to_timestamp(1000), removed = 7"
        " where kind = 'events'"
    )
    await platform.run("update rowhook.retention set keep = null where kind = 'audit'")
    await platform.value("select rowhook.make_partitions()")
    async with db.transaction():
        await db.execute("select pg_current_xact_id()")
        async with pool.connection() as other:
            for _ in range(3):
                await other.execute("select pg_current_xact_id()")
        samples = await scrape(api)
    name = "rowhook_retention_last_success_timestamp_seconds"
    assert sample(samples, name, kind="events") == 1000
    assert sample(samples, name, kind="delivered") == 0
    assert sample(samples, "rowhook_retention_removed_rows", kind="events") == 7
    assert sample(samples, "rowhook_retention_keep_seconds", kind="delivered") == 30 * 86400
    assert sample(samples, "rowhook_retention_keep_seconds", kind="audit") == float("inf")
    assert sample(samples, "rowhook_partitions_ahead") == 7
    assert sample(samples, "rowhook_oldest_xmin_transactions") >= 3
    assert sample(samples, "rowhook_oldest_transaction_seconds") > 0


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
    functions = ("metrics", "queue_metrics", "upkeep_metrics")
    before = [await blocks_read(platform, function) for function in functions]
    await platform.run("alter table rowhook.outbox disable trigger user")
    await platform.run(
        "insert into rowhook.outbox (event_id, webhook_id, organization_id, status, ready,"
        " next_attempt_at, finished_at) select n, %s, %s, 'delivered', false, null, now()"
        " from generate_series(1, 50000) as n",
        webhook,
        platform.organization,
    )
    for function, blocks in zip(functions, before, strict=True):
        assert await blocks_read(platform, function) < blocks + 100, function


async def blocks_read(platform: Platform, function: str) -> int:
    """Returns how many blocks a call of this function reads when its plans are cached."""
    statement = f"explain (analyze, buffers, format json) select * from rowhook.{function}()"
    for _ in range(2):
        plan = (await platform.value(statement))[0]["Plan"]
    blocks: int = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return blocks


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
