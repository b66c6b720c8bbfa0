"""`rowhook cancel`: stops deliveries that wait or are being sent."""

from __future__ import annotations

import rich_click as click

from rowhook.cli.opened import with_context
from rowhook.cli.options import as_json
from rowhook.cli.retry import count, require_all, some
from rowhook.cli.table import print_json, show
from rowhook.operations import ServiceContext
from rowhook.operations import deliveries as operations


@click.command()
@some
@as_json
@with_context
async def cancel(registry: ServiceContext, deliveries: tuple[int, ...], *, as_json: bool) -> None:
    """Stop deliveries that wait or are being sent. `rowhook retry` sends them after all."""
    wanted = list(dict.fromkeys(deliveries))
    found = await operations.cancel(registry, wanted)
    if as_json:
        print_json(found)
    else:
        show(f"{count(found.deliveries)} cancelled.")
    why = "only what is pending, held or being sent can be cancelled"
    await require_all(registry, wanted, found.deliveries, status="cancelled", why=why)
