"""`rowhook status`: what waits, what came of the rest, who works."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import rich_click as click
from rich.console import Console
from rich.table import Table

from rowhook import postgres
from rowhook.cli import entrance
from rowhook.cli.options import run_async, with_settings
from rowhook.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings
def status(settings: Settings, *, as_json: bool) -> None:
    """Deliveries by status, the health of each webhook, and the workers."""
    sys.exit(run_async(_status(settings, as_json=as_json)))


async def _status(settings: Settings, *, as_json: bool) -> int:
    async with entrance.database(settings) as place:
        await entrance.check_ready(place)
        async with postgres.open_pool(place.dsn, size=1, pooler=place.pooler) as pool:
            found = {
                "deliveries": await postgres.status(pool),
                "webhooks": await postgres.webhook_health(pool),
                "workers": await postgres.workers(pool),
            }
    if as_json:
        click.echo(json.dumps(found, default=_plain, indent=2))
        return 0
    console = Console()
    for title, rows in found.items():
        console.print(_table(title.capitalize(), rows))
    return 0


def _plain(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else str(value)


def _table(title: str, rows: list[dict[str, Any]]) -> Table | str:
    if not rows:
        return f"{title}: none"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    hidden = {"organization_id"}
    columns = [name for name in rows[0] if name not in hidden]
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(shown(row[name]) for name in columns))
    return table


def shown(value: Any) -> str:
    """A value as a person reads it: durations in one unit, nothing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, timedelta):
        return span(value.total_seconds())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def span(seconds: float) -> str:
    """`12 ms`, `3.4 s`, `5 min`, `2 h`, `3 d`."""
    sign = "-" if seconds < 0 else ""
    seconds = abs(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= 2 * size or (unit == "s" and seconds >= 1):
            return f"{sign}{seconds / size:.3g} {unit}"
    return f"{sign}{seconds * 1000:.3g} ms"
