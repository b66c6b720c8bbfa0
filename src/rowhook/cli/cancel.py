"""`rowhook cancel`: stops deliveries that are waiting or being sent."""

from __future__ import annotations

import rich_click as click

from rowhook.cli.opened import with_context
from rowhook.cli.options import as_json
from rowhook.cli.retry import count, delivery_ids, require_all
from rowhook.cli.table import print_json, show
from rowhook.operations import ServiceContext
from rowhook.operations import deliveries as operations


@click.command()
@delivery_ids
@as_json
@with_context
async def cancel(ctx: ServiceContext, deliveries: tuple[int, ...], *, as_json: bool) -> None:
    """Cancel deliveries that are pending, held or being sent. `rowhook retry` resends them."""
    ids = list(dict.fromkeys(deliveries))
    result = await operations.cancel(ctx, ids)
    if as_json:
        print_json(result)
    else:
        show(f"{count(result.deliveries)} cancelled.")
    rule = "Only pending, held and sending deliveries can be cancelled."
    await require_all(ctx, ids, result.deliveries, status="cancelled", rule=rule)
