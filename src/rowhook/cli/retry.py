"""`rowhook retry`: sends deliveries again, now."""

from __future__ import annotations

import rich_click as click

from rowhook.cli.opened import with_context
from rowhook.cli.options import Command, as_json
from rowhook.cli.refusal import Stopped
from rowhook.cli.table import print_json, show
from rowhook.operations import NotFound, ServiceContext
from rowhook.operations import deliveries as operations


def some(command: Command) -> Command:
    """The ids of deliveries."""
    ids = click.argument(
        "deliveries", type=click.IntRange(1, 2**63 - 1), nargs=-1, required=True, metavar="ID…"
    )
    return ids(command)


def count(number: int) -> str:
    """`1 delivery`, `2 deliveries`."""
    return "1 delivery" if number == 1 else f"{number} deliveries"


async def require_all(
    registry: ServiceContext, deliveries: list[int], done: int, *, status: str, why: str
) -> None:
    """Where fewer were `done` than asked for: raises Stopped with each that has another status."""
    if done == len(deliveries):
        return
    states = [await _state(registry, one) for one in deliveries]
    others = [said for found, said in states if found != status]
    if others:
        raise Stopped(f"{count(len(others))} left alone: {why}", *others)


async def _state(registry: ServiceContext, delivery: int) -> tuple[str, str]:
    try:
        found = await operations.delivery_of(registry, delivery)
    except NotFound as missing:
        return "", str(missing)
    return found.status, f"delivery {delivery} is {found.status}"


@click.command()
@some
@as_json
@with_context
async def retry(registry: ServiceContext, deliveries: tuple[int, ...], *, as_json: bool) -> None:
    """Send deliveries again now, with a fresh schedule and the same Idempotency-Key."""
    wanted = list(dict.fromkeys(deliveries))
    found = await operations.retry(registry, wanted)
    if as_json:
        print_json(found)
    else:
        show(f"{count(found.deliveries)} sent again as soon as a worker is free.")
    why = "what is being sent right now cannot be sent again"
    await require_all(registry, wanted, found.deliveries, status="pending", why=why)
