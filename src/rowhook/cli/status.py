"""`rowhook status`: shows deliveries by status, webhook health and workers."""

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
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def status(settings: Settings, *, as_json: bool) -> None:
    """Show deliveries by status, the health of each webhook, and the workers."""
    sys.exit(run_async(_status(settings, as_json=as_json)))


async def _status(settings: Settings, *, as_json: bool) -> int:
    async with entrance.database(settings) as database:
        await check_ready(settings, database, reads_only=True)
        async with postgres.open_pool(database.dsn, size=1, pooler=database.pooler) as pool:
            suspended = await postgres.suspension(pool)
            sections = {
                "deliveries": await postgres.status(pool),
                "webhooks": await postgres.webhook_health(pool),
                "workers": await postgres.workers(pool),
            }
    if as_json:
        document = {"suspended": suspended and suspended._asdict(), **sections}
        click.echo(json.dumps(document, default=_encode, indent=2))
        return 0
    if suspended is not None:
        show(f"Deliveries are suspended. {suspended.reason} {suspended.advice}", "")
    for name, rows in sections.items():
        heading = name.capitalize()
        displayed = [_display_row(row) for row in rows]
        show(table(displayed, heading) if displayed else f"{heading}: none")
    return 0


def _display_row(row: dict[str, Any]) -> dict[str, Any]:
    """Drops internal columns and marks a capped count with a plus sign."""
    displayed = {name: value for name, value in row.items() if name not in _HIDDEN}
    if row.get("is_capped"):
        displayed["deliveries"] = f"{row['deliveries']:,}+"
    return displayed


def _encode(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else str(value)
