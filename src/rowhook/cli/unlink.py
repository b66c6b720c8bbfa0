"""`rowhook unlink`: what an agent or a goal completes goes to a webhook no more."""

from __future__ import annotations

from uuid import UUID

import rich_click as click

from rowhook import operations
from rowhook.cli.link import one_end, require_known, require_one
from rowhook.cli.opened import with_context
from rowhook.cli.table import show
from rowhook.operations import ServiceContext


@click.command()
@one_end
@with_context
async def unlink(registry: ServiceContext, webhook: UUID, agent: str | None, goal: str | None) -> None:
    """Send a webhook nothing more of an agent or a goal. What waits already is still sent."""
    require_one(agent, goal)
    await require_known(registry, webhook, goal)
    cut = False
    if agent is not None:
        cut = await operations.unlink_agent(registry, webhook, agent)
    if goal is not None:
        cut = await operations.unlink_goal(registry, webhook, goal)
    show("Unlinked." if cut else "It was not linked.")
