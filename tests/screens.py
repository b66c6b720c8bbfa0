"""Every screen of the dashboard, as an address on the stage."""

from __future__ import annotations

from urllib.parse import quote

from tests.stage import Stage

FIRST = ("/", "/webhooks", "/links", "/goals", "/deliveries", "/held", "/failures", "/replay")
HOUSE = ("/organizations", "/secrets", "/keys", "/audit", "/system")


async def screens(made: Stage) -> dict[str, str]:
    """Name → path. Needs a settled stage, and a visitor who looks at one organization."""
    platform = made.rig.platform
    webhook = made.webhooks["CRM"]
    deliveries = await platform.rows(
        "select distinct on (status) status, id from rowhook.outbox order by status, id"
    )
    lists = {path.strip("/") or "overview": path for path in (*FIRST, *HOUSE)}
    return {
        **lists,
        "deliveries filtered": "/deliveries?status=dead&status=held",
        "deliveries nothing": "/deliveries?commit_id=nobody",
        "webhook": f"/webhooks/{webhook}",
        "webhook new": "/webhooks/new?preset=slack",
        "webhook edit": f"/webhooks/{made.webhooks['Billing']}/edit",
        "webhook test": f"/webhooks/{webhook}/test",
        "webhook revisions": f"/webhooks/{webhook}/revisions",
        "held of one webhook": f"/held/{made.webhooks['Billing']}",
        "goal": f"/goals/{quote(platform.goal, safe='')}",
        **{f"delivery {one['status']}": f"/deliveries/{one['id']}" for one in deliveries},
    }
