"""`rowhook replay`: sends the deliveries of a webhook in a time range again."""

from __future__ import annotations

import sys
from datetime import datetime
from uuid import UUID

import rich_click as click

from rowhook.cli.opened import with_context
from rowhook.cli.options import as_json, timestamp
from rowhook.cli.refusal import CommandFailed
from rowhook.cli.retry import count
from rowhook.cli.table import format_time, print_json, sanitize, show
from rowhook.operations import ServiceContext, webhook_of
from rowhook.operations import deliveries as operations

_STATUSES = ("dead", "cancelled", "skipped", "held", "delivered")
_MISSED = ("dead", "cancelled", "skipped")


@click.command()
@click.argument("webhook", type=click.UUID)
@click.option(
    "--since",
    type=timestamp,
    required=True,
    help="Created at or after this time, or in the last 2h.",
)
@click.option("--until", type=timestamp, help="Created before this time. Default: now.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice(_STATUSES),
    multiple=True,
    default=_MISSED,
    show_default=True,
    help="Deliveries with this status. May be repeated.",
)
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), help="Deliveries per second, at most."
)
@click.option("--dry-run", is_flag=True, help="Only count the deliveries.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@as_json
@with_context
async def replay(
    ctx: ServiceContext,
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
    """Send the deliveries of a webhook in a time range again.

    Prints how many, and asks for confirmation on a terminal.
    """
    target = await webhook_of(ctx, webhook)
    result = await operations.replay(
        ctx, webhook, since, until=until, statuses=statuses, dry_run=True
    )
    selection = f"{count(result.deliveries)} to {target.name}, {'/'.join(statuses)}, created since"
    selection = sanitize(f"{selection} {format_time(since)}")
    if not dry_run and result.deliveries:
        _confirm(selection, yes=yes)
        result = await operations.replay(
            ctx, webhook, since, until=until, statuses=statuses, rate=rate
        )
    if as_json:
        print_json(result)
    elif dry_run or not result.deliveries:
        show(f"{selection}. Nothing was sent.")
    else:
        show(f"{count(result.deliveries)} queued{f', {rate:g} per second' if rate else ''}.")


def _confirm(selection: str, *, yes: bool) -> None:
    if yes or not sys.stdin.isatty():
        return
    if not click.confirm(f"{selection}. Send again?", err=True):
        raise CommandFailed("Nothing was sent.")
