"""`rowhook migrate`: brings the database to this version, or says what that would do."""

from __future__ import annotations

import sys

import rich_click as click

from rowhook import migrate as migration
from rowhook.cli import entrance
from rowhook.cli.options import run_async, with_settings
from rowhook.settings import Settings


@click.command()
@click.option("--plan", is_flag=True, help="Print what would be applied, change nothing.")
@with_settings
def migrate(settings: Settings, *, plan: bool) -> None:
    """Apply pending migrations, the functions, views and grants, then pgqueuer's own."""
    sys.exit(run_async(_migrate(settings, plan=plan)))


async def _migrate(settings: Settings, *, plan: bool) -> int:
    async with entrance.database(settings) as place:
        run = migration.plan if plan else migration.migrate
        steps = await run(place.direct)
    for step in steps:
        click.echo(f"{'would apply' if plan else 'applied'} {step}")
    if not steps:
        click.echo("nothing to do: the database is of this version")
    return 0
