"""`rowhook replay`: sends again what a webhook missed in a span of time."""

from __future__ import annotations

import sys
from datetime import datetime
from uuid import UUID

import rich_click as click

from rowhook.cli.opened import with_context
from rowhook.cli.options import as_json, time
from rowhook.cli.refusal import Stopped
from rowhook.cli.retry import count
from rowhook.cli.table import exact, plain, print_json, show
from rowhook.operations import ServiceContext, webhook_of
from rowhook.operations import deliveries as operations

_STATUSES = ("dead", "cancelled", "skipped", "held", "delivered")
_MISSED = ("dead", "cancelled", "skipped")


@click.command()
@click.argument("webhook", type=click.UUID)
@click.option("--since", type=time, required=True, help="Made in the last 2h, or since a time.")
@click.option("--until", type=time, help="Made before; without it: until now.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice(_STATUSES),
    multiple=True,
    default=_MISSED,
    show_default=True,
    help="May be repeated.",
)
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="At most N a second.")
@click.option("--dry-run", is_flag=True, help="Only say how many.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@with_context
async def replay(
    registry: ServiceContext,
    webhook: UUID,
    since: datetime,
    until: datetime | None,
    statuses: tuple[str, ...],
    *,
    rate: float | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Send again what a webhook missed. Says how many, and asks on a terminal."""
    target = await webhook_of(registry, webhook)
    found = await operations.replay(
        registry, webhook, since, until=until, statuses=statuses, dry_run=True
    )
    meant = f"{count(found.deliveries)} to {target.name}, {'/'.join(statuses)}, made since"
    meant = plain(f"{meant} {exact(since)}")
    if not dry_run and found.deliveries:
        _ask(meant, yes=yes)
        found = await operations.replay(
            registry, webhook, since, until=until, statuses=statuses, rate=rate
        )
    if as_json:
        print_json(found)
    elif dry_run or not found.deliveries:
        show(f"{meant}. Nothing was sent.")
    else:
        show(f"{count(found.deliveries)} sent again{f', {rate:g} a second' if rate else ''}.")


def _ask(meant: str, *, yes: bool) -> None:
    if yes or not sys.stdin.isatty():
        return
    if not click.confirm(f"{meant}. Send again?", err=True):
        raise Stopped("nothing was sent")
