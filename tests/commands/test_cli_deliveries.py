"""Deliveries at the command line: looked at, sent again, stopped, replayed."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from rowhook.db.connection_pool import Pool
from tests.support.command_line import CommandLine
from tests.support.world import Platform

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


async def tried(platform: Platform, pool: Pool, outcome: str, **fields: Any) -> None:
    """One try of what is due."""
    for claim in await platform.claim(pool):
        assert await platform.record(pool, claim, outcome, request=REQUEST, **fields)


async def dead(platform: Platform, pool: Pool) -> tuple[UUID, int, str]:
    """A webhook with a dead delivery: its id, the delivery's, and the commit's."""
    webhook = await platform.webhook_of_goal(name="CRM", retry_schedule_s=[0])
    commit = await platform.commit()
    await tried(
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


async def statuses(platform: Platform) -> list[str]:
    return [row["status"] for row in await platform.deliveries()]


async def test_an_engineer_finds_what_failed_and_why_without_master_keys(
    hands: CommandLine, platform: Platform, pool: Pool
) -> None:
    assert "No deliveries yet" in await hands.ok("deliveries", ROWHOOK_MASTER_KEYS="")
    _, delivery, commit = await dead(platform, pool)
    listed = await hands.ok("deliveries", ROWHOOK_MASTER_KEYS="")
    for word in ("dead", "503", "goal.committed", commit, "CRM", "the answer was 503"):
        assert word in listed
    shown = await hands.ok("deliveries", "show", str(delivery), ROWHOOK_MASTER_KEYS="")
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
        assert line in shown
    document = await hands.json("deliveries", "show", str(delivery))
    assert document["tries"][0]["request"] == REQUEST
    (await hands.type("deliveries", "show", "99")).refused(1, "Delivery 99 does not exist")


async def test_deliveries_are_filtered(hands: CommandLine, platform: Platform, pool: Pool) -> None:
    webhook, delivery, commit = await dead(platform, pool)
    for wanted in (
        ("--status", "dead"),
        ("--webhook", str(webhook)),
        ("--commit", commit),
        ("--event-type", "goal.committed"),
        ("--status-code", "503"),
        ("--since", "2h"),
        ("--organization", str(platform.organization)),
    ):
        (found,) = (await hands.json("deliveries", *wanted))["items"]
        assert found["id"] == delivery
    for other in (
        ("--status", "held", "--status", "sending"),
        ("--webhook", str(uuid4())),
        ("--job", str(uuid4())),
        ("--status-code", "500"),
        ("--until", "2020-01-01T00:00:00Z"),
    ):
        assert "No matching deliveries" in await hands.ok("deliveries", "list", *other)


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("yesterday", "Invalid time"),
        ("2026-05-23T12:00:00", "has no time zone"),
        ("9999999w", "Invalid time"),
    ],
)
async def test_a_time_that_is_none_exits_2(hands: CommandLine, time: str, said: str) -> None:
    (await hands.type("deliveries", "--since", time, COLUMNS="300")).refused(2, said)


async def test_deliveries_are_sent_again_and_cancelled_and_what_was_not_is_named(
    hands: CommandLine, platform: Platform, pool: Pool
) -> None:
    _, delivery, _ = await dead(platform, pool)
    one = str(delivery)
    (await hands.type("cancel", one)).refused(1, f"Delivery {one} is dead")
    assert "1 delivery queued" in await hands.ok("retry", one)
    assert await statuses(platform) == ["pending"]
    told = await hands.type("retry", one, "98", "99")
    told.refused(1, "2 deliveries not changed", "Delivery 98 does not exist")
    assert f"Delivery {one} is" not in told.err
    assert await hands.json("cancel", one) == {"deliveries": 1}
    assert await statuses(platform) == ["cancelled"]
    (await hands.type("retry")).refused(2, "Missing argument")
    (await hands.type("retry", "one")).refused(2, "not a valid integer range")


async def test_a_replay_counts_first_and_asks_on_a_terminal(
    hands: CommandLine, platform: Platform, pool: Pool
) -> None:
    webhook, _, _ = await dead(platform, pool)
    replay = ("replay", str(webhook), "--since", "1h")
    assert await hands.json(*replay, "--dry-run") == {"deliveries": 1}
    told = await hands.answer("n", *replay)
    assert told.code == 1
    assert "1 delivery to CRM, dead/cancelled/skipped" in told.out
    assert "Nothing was sent" in told.out
    assert await statuses(platform) == ["dead"]
    told = await hands.answer("y", *replay)
    assert told.code == 0
    assert await statuses(platform) == ["pending"]
    assert "Nothing was sent" in await hands.ok(*replay, "--yes")


async def test_a_replay_takes_statuses_and_a_rate_and_refuses_what_is_not_there(
    hands: CommandLine, platform: Platform, pool: Pool
) -> None:
    webhook, _, _ = await dead(platform, pool)
    replay = ("replay", str(webhook), "--since", "1h")
    assert "0 deliveries" in await hands.ok(*replay, "--status", "delivered", "--dry-run")
    told = await hands.type(*replay, "--until", "2020-01-01T00:00:00Z")
    told.refused(1, "/until: Must be later than since")
    (await hands.type("replay", str(uuid4()), "--since", "1h")).refused(1, "does not exist")
    (await hands.type(*replay, "--status", "pending")).refused(2, "is not one of")
    assert "5 per second" in await hands.ok(*replay, "--rate", "5")
    assert await statuses(platform) == ["pending"]
