"""`rowhook status`: what waits, what came of the rest, who works."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import rich_click as click

from rowhook import postgres
from rowhook.cli import entrance
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.readiness import check_ready
from rowhook.cli.table import show, table
from rowhook.settings import Settings

_HIDDEN = frozenset({"organization_id", "is_capped"})


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings
def status(settings: Settings, *, as_json: bool) -> None:
    """Deliveries by status, the health of each webhook, and the workers."""
    sys.exit(run_async(_status(settings, as_json=as_json)))


async def _status(settings: Settings, *, as_json: bool) -> int:
    async with entrance.database(settings) as place:
        await check_ready(settings, place, reads_only=True)
        async with postgres.open_pool(place.dsn, size=1, pooler=place.pooler) as pool:
            suspended = await postgres.suspension(pool)
            found = {
                "deliveries": await postgres.status(pool),
                "webhooks": await postgres.webhook_health(pool),
                "workers": await postgres.workers(pool),
            }
    if as_json:
        document = {"suspended": suspended and suspended._asdict(), **found}
        click.echo(json.dumps(document, default=_plain, indent=2))
        return 0
    if suspended is not None:
        show(f"Deliveries are suspended. {suspended.reason} {suspended.advice}", "")
    for title, rows in found.items():
        seen = [_seen(row) for row in rows]
        heading = title.capitalize()
        show(table(seen, heading) if seen else f"{heading}: none")
    return 0


def _seen(row: dict[str, Any]) -> dict[str, Any]:
    """A row as people read it; a count that was not ended says so."""
    seen = {name: value for name, value in row.items() if name not in _HIDDEN}
    if row.get("is_capped"):
        seen["deliveries"] = f"{row['deliveries']:,}+"
    return seen


def _plain(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else str(value)
