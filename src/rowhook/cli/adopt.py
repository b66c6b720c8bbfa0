"""`rowhook adopt`: makes a copied or moved database the installation, so that deliveries go out."""

from __future__ import annotations

import sys

import rich_click as click

from rowhook import operations
from rowhook.cli.opened import with_context
from rowhook.cli.options import as_json
from rowhook.cli.refusal import USAGE, Stopped
from rowhook.cli.retry import count
from rowhook.cli.table import print_json, show
from rowhook.operations import ServiceContext


@click.command()
@click.option(
    "--cancel-waiting", is_flag=True, help="Cancel pending, held and sending deliveries first."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@with_context
async def adopt(registry: ServiceContext, *, cancel_waiting: bool, yes: bool, as_json: bool) -> None:
    """Send from this database, after a restore, a copy, a move or pg_upgrade.

    A copy sends nothing until then. Says why it is one, and asks on a terminal.
    """
    suspended = await operations.suspension(registry)
    waiting = count(await operations.count_waiting(registry))
    reason = suspended.reason if suspended else "This database is the installation already."
    fate = "cancelled" if cancel_waiting else "sent"
    if not yes:
        _ask(f"{reason} What waits here ({waiting}) will be {fate}.")
    adopted = await operations.adopt(registry, cancel_waiting=cancel_waiting)
    if as_json:
        print_json(adopted)
        return
    show(reason)
    cancelled = f"; {count(adopted.cancelled)} cancelled" if cancel_waiting else ""
    show(f"Adopted: deliveries go out from this database{cancelled}.")


def _ask(situation: str) -> None:
    if not sys.stdin.isatty():
        raise Stopped("There is no terminal to ask on: pass --yes to adopt.", situation, code=USAGE)
    if not click.confirm(f"{situation} Adopt this database?", err=True):
        raise Stopped("Nothing was changed.")
