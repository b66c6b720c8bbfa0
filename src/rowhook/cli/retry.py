"""`rowhook retry`: sends deliveries again at once."""

from __future__ import annotations

import rich_click as click

from rowhook.cli.opened import with_context
from rowhook.cli.options import Command, as_json
from rowhook.cli.refusal import CommandFailed
from rowhook.cli.table import print_json, show
from rowhook.operations import NotFound, ServiceContext
from rowhook.operations import deliveries as operations


def delivery_ids(command: Command) -> Command:
    """Adds an argument for one or more delivery ids."""
    ids = click.argument(
        "deliveries", type=click.IntRange(1, 2**63 - 1), nargs=-1, required=True, metavar="ID…"
    )
    return ids(command)


def count(number: int, adjective: str = "") -> str:
    """Formats a number of deliveries: `1 delivery`, `2 waiting deliveries`."""
    noun = "delivery" if number == 1 else "deliveries"
    return " ".join(word for word in (str(number), adjective, noun) if word)


async def require_all(
    ctx: ServiceContext, deliveries: list[int], changed: int, *, status: str, rule: str
) -> None:
    """Raises CommandFailed for the deliveries that do not have `status`, if any was not changed."""
    if changed == len(deliveries):
        return
    states = [await _state(ctx, delivery) for delivery in deliveries]
    unchanged = [line for current, line in states if current != status]
    if unchanged:
        raise CommandFailed(f"{count(len(unchanged))} not changed. {rule}", *unchanged)


async def _state(ctx: ServiceContext, delivery: int) -> tuple[str, str]:
    try:
        status = (await operations.delivery_of(ctx, delivery)).status
    except NotFound as error:
        return "", str(error)
    return status, f"Delivery {delivery} is {status}."


@click.command()
@delivery_ids
@as_json
@with_context
async def retry(ctx: ServiceContext, deliveries: tuple[int, ...], *, as_json: bool) -> None:
    """Send deliveries again at once, with a fresh schedule and the same Idempotency-Key."""
    ids = list(dict.fromkeys(deliveries))
    result = await operations.retry(ctx, ids)
    if as_json:
        print_json(result)
    else:
        show(f"{count(result.deliveries)} queued. A worker sends them as soon as it is free.")
    rule = "A delivery that is being sent cannot be retried."
    await require_all(ctx, ids, result.deliveries, status="pending", rule=rule)
