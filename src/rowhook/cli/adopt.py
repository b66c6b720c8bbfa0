"""`rowhook adopt`: resumes deliveries from a restored, copied or moved database."""

from __future__ import annotations

import sys

import rich_click as click

from rowhook import operations
from rowhook.cli.opened import with_context
from rowhook.cli.options import as_json
from rowhook.cli.refusal import USAGE, CommandFailed
from rowhook.cli.retry import count
from rowhook.cli.table import print_json, show
from rowhook.operations import ServiceContext


@click.command()
@click.option(
    "--cancel-waiting", is_flag=True, help="Cancel pending, held and sending deliveries first."
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@as_json
@with_context
async def adopt(ctx: ServiceContext, *, cancel_waiting: bool, yes: bool, as_json: bool) -> None:
    """Resume deliveries from this database after a restore, copy, move or pg_upgrade.

    A copied database sends nothing until it is adopted. Prints why deliveries are suspended, and
    asks for confirmation on a terminal.
    """
    suspended = await operations.suspension(ctx)
    waiting = count(await operations.count_waiting(ctx), "waiting")
    reason = suspended.reason if suspended else "This database is already the active installation."
    if not yes:
        _confirm(f"{reason} {waiting} will be {'cancelled' if cancel_waiting else 'sent'}.")
    adopted = await operations.adopt(ctx, cancel_waiting=cancel_waiting)
    if as_json:
        print_json(adopted)
        return
    show(reason)
    cancelled = f" {count(adopted.cancelled)} cancelled." if cancel_waiting else ""
    show(f"Adopted. This database now sends deliveries.{cancelled}")


def _confirm(situation: str) -> None:
    if not sys.stdin.isatty():
        raise CommandFailed("Confirmation needs a terminal. Pass --yes.", situation, code=USAGE)
    if not click.confirm(f"{situation} Adopt this database?", err=True):
        raise CommandFailed("Nothing was changed.")
