"""The health view reads no deliveries that it does not report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.delivery_data import insert_deliveries
from tests.support.sample_platform import Platform

pytestmark = [pytest.mark.anyio, pytest.mark.new_database]


def rows_read(plan: dict[str, Any]) -> Iterator[float]:
    """Returns the rows of each scan of the outbox, over all its loops."""
    if plan.get("Relation Name") == "outbox":
        met = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        yield met * plan["Actual Loops"]
    for child in plan.get("Plans", []):
        yield from rows_read(child)


async def test_the_health_of_a_webhook_without_failures_reads_no_history(
    platform: Platform,
) -> None:
    await insert_deliveries(platform, await platform.webhook(), "delivered", 5_000)
    await platform.run("set session_replication_role = replica")
    await platform.run(
        "update rowhook.outbox set last_error = null, created_at = now() - interval '2 days',"
        " finished_at = now() - interval '2 days'"
    )
    await platform.run("vacuum analyze rowhook.outbox")
    explain = "explain (analyze, format json) select * from rowhook.webhook_health"
    ((rows,),) = [tuple(row.values()) for row in await platform.rows(explain)]
    assert sum(rows_read(rows[0]["Plan"])) < 100
    (health,) = await platform.rows("select * from rowhook.webhook_health")
    assert (health["last_error"], health["finished_24h"]) == (None, 0)


async def test_the_health_of_a_webhook_has_its_newest_error_and_no_skip_reason(
    platform: Platform,
) -> None:
    webhook = await platform.webhook()
    for number, status in enumerate(("dead", "cancelled", "skipped", "dead")):
        await platform.run("truncate rowhook.outbox")
        await insert_deliveries(platform, webhook, status, 1)
        await platform.run("set session_replication_role = replica")
        await platform.run("update rowhook.outbox set last_error = %s", str(number))
        (health,) = await platform.rows("select * from rowhook.webhook_health")
        assert health["last_error"] == (str(number) if status == "dead" else None)
