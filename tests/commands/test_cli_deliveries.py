"""Deliveries at the command line: lists, details, retry, cancel and replay."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from rowhook.db.connection_pool import Pool
from tests.support.command_line import CommandLine
from tests.support.sample_platform import Platform

pytestmark = pytest.mark.anyio
REQUEST = {
    "method": "POST",
    "url": "https://crm.example.com/[b]hook",
    "body": '{\n "n": 1}',
    "headers": [["content-type", "application/json"], ["x-key", "[secret:crm]"]],
}


@pytest.fixture
def hands(folder: Path, dsn: str) -> CommandLine:
    return CommandLine(folder=folder, dsn=dsn)


async def record_attempts(platform: Platform, pool: Pool, outcome: str, **fields: Any) -> None:
    """Records one attempt of each due delivery."""
    for claim in await platform.claim(pool):
        assert await platform.record(pool, claim, outcome, request=REQUEST, **fields)


async def dead_delivery(platform: Platform, pool: Pool) -> tuple[UUID, int, str]:
    """A webhook with a dead delivery: the ids of the webhook, the delivery and the commit."""
    webhook = await platform.webhook_of_goal(name="CRM", retry_schedule_s=[0])
    commit = await platform.commit()
    await record_attempts(
        platform,
        pool,
        "http_status",
        status_code=503,
        error="the answer was 503",
        response_headers=[["server", "nginx"]],
        response_body="oops\x1b[2J",
    )
    (row,) = await platform.deliveries()
    assert row["status"] == "dead"
    return webhook, row["id"], commit


async def test_a_forbidden_target_is_displayed_with_the_setting_that_allows_it(
    hands: CommandLine, platform: Platform, pool: Pool
) -> None:
    await platform.webhook_of_goal()
    await platform.commit()
    await record_attempts(platform, pool, "target_forbidden", error="not allowed")
    (row,) = await platform.deliveries()
    assert "set ROWHOOK_ALLOW_NETWORKS" in await hands.ok("deliveries", "show", str(row["id"]))


async def statuses(platform: Platform) -> list[str]:
    return [row["status"] for row in await platform.deliveries()]


async def test_failed_deliveries_are_displayed_without_master_keys(
    hands: CommandLine, platform: Platform, pool: Pool
) -> None:
    assert "No deliveries yet" in await hands.ok("deliveries", ROWHOOK_MASTER_KEYS="")
    _, delivery, commit = await dead_delivery(platform, pool)
    listed = await hands.ok("deliveries", ROWHOOK_MASTER_KEYS="")
    for text in ("dead", "503", "goal.committed", commit, "CRM", "the answer was 503"):
        assert text in listed
    output = await hands.ok("deliveries", "show", str(delivery), ROWHOOK_MASTER_KEYS="")
    for line in (
        "Attempt 1: http_status 503 after 1.5 ms",
        "> POST https://crm.example.com/[b]hook",
        "> x-key: [secret:crm]",
        '>  "n": 1}',
        "< 503",
        "< server: nginx",
        "< oops[2J",
        f"rowhook retry {delivery}",
    ):
        assert line in output
    document = await hands.json("deliveries", "show", str(delivery))
    assert document["tries"][0]["request"] == REQUEST
    (await hands.type("deliveries", "show", "99")).refused(1, "Delivery 99 does not exist")


async def test_deliveries_are_filtered(hands: CommandLine, platform: Platform, pool: Pool) -> None:
    webhook, delivery, commit = await dead_delivery(platform, pool)
    for filters in (
        ("--status", "dead"),
        ("--webhook", str(webhook)),
        ("--commit", commit),
        ("--event-type", "goal.committed"),
        ("--status-code", "503"),
        ("--since", "2h"),
        ("--organization", str(platform.organization)),
    ):
        (deliveries,) = (await hands.json("deliveries", *filters))["items"]
        assert deliveries["id"] == delivery
    for other in (
        ("--status", "held", "--status", "sending"),
        ("--webhook", str(uuid4())),
        ("--job", str(uuid4())),
        ("--status-code", "500"),
        ("--until", "2020-01-01T00:00:00Z"),
    ):
        assert "No matching deliveries" in await hands.ok("deliveries", "list", *other)


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ("yesterday", "Invalid time"),
        ("2026-05-23T12:00:00", "has no time zone"),
        ("9999999w", "Invalid time"),
    ],
)
async def test_an_invalid_time_exits_2(hands: CommandLine, time: str, message: str) -> None:
    (await hands.type("deliveries", "--since", time, COLUMNS="300")).refused(2, message)


async def test_deliveries_are_retried_and_cancelled_and_unchanged_ones_are_named(
    hands: CommandLine, platform: Platform, pool: Pool
) -> None:
    _, delivery, _ = await dead_delivery(platform, pool)
    delivery_id = str(delivery)
    (await hands.type("cancel", delivery_id)).refused(1, f"Delivery {delivery_id} is dead")
    assert "1 delivery queued" in await hands.ok("retry", delivery_id)
    assert await statuses(platform) == ["pending"]
    result = await hands.type("retry", delivery_id, "98", "99")
    result.refused(1, "2 deliveries not changed", "Delivery 98 does not exist")
    assert f"Delivery {delivery_id} is" not in result.err
    assert await hands.json("cancel", delivery_id) == {"deliveries": 1}
    assert await statuses(platform) == ["cancelled"]
    (await hands.type("retry")).refused(2, "Missing argument")
    (await hands.type("retry", "one")).refused(2, "not a valid integer range")


async def test_a_replay_counts_first_and_asks_for_confirmation_on_a_terminal(
    hands: CommandLine, platform: Platform, pool: Pool
) -> None:
    webhook, _, _ = await dead_delivery(platform, pool)
    replay = ("replay", str(webhook), "--since", "1h")
    assert await hands.json(*replay, "--dry-run") == {"deliveries": 1}
    result = await hands.answer("n", *replay)
    assert result.code == 1
    assert "1 delivery to CRM, dead/cancelled/skipped" in result.out
    assert "Nothing was sent" in result.out
    assert await statuses(platform) == ["dead"]
    result = await hands.answer("y", *replay)
    assert result.code == 0
    assert await statuses(platform) == ["pending"]
    assert "Nothing was sent" in await hands.ok(*replay, "--yes")


async def test_a_replay_accepts_statuses_and_a_rate_and_rejects_an_unknown_webhook(
    hands: CommandLine, platform: Platform, pool: Pool
) -> None:
    webhook, _, _ = await dead_delivery(platform, pool)
    replay = ("replay", str(webhook), "--since", "1h")
    assert "0 deliveries" in await hands.ok(*replay, "--status", "delivered", "--dry-run")
    result = await hands.type(*replay, "--until", "2020-01-01T00:00:00Z")
    result.refused(1, "/until: Must be later than since")
    (await hands.type("replay", str(uuid4()), "--since", "1h")).refused(1, "does not exist")
    (await hands.type(*replay, "--status", "pending")).refused(2, "is not one of")
    assert "5 per second" in await hands.ok(*replay, "--rate", "5")
    assert await statuses(platform) == ["pending"]
