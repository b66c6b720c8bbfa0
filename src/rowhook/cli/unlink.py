"""`rowhook unlink`: removes the link between a webhook and an agent or a goal."""

from __future__ import annotations

from uuid import UUID

import rich_click as click

from rowhook import operations
from rowhook.cli.link import link_arguments, require_existing, require_one
from rowhook.cli.opened import with_context
from rowhook.cli.table import show
from rowhook.operations import ServiceContext


@click.command()
@link_arguments
@with_context
async def unlink(ctx: ServiceContext, webhook: UUID, agent: str | None, goal: str | None) -> None:
    """Unlink an agent or a goal from a webhook. Waiting deliveries are still sent."""
    require_one(agent, goal)
    await require_existing(ctx, webhook, goal)
    was_linked = False
    if agent is not None:
        was_linked = await operations.unlink_agent(ctx, webhook, agent)
    if goal is not None:
        was_linked = await operations.unlink_goal(ctx, webhook, goal)
    show("Unlinked." if was_linked else "There was no link.")
