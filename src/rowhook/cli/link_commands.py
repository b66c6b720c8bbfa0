"""`rowhook link` and `rowhook unlink`."""

from __future__ import annotations

from uuid import UUID

import rich_click as click

from rowhook.cli.next_steps import program
from rowhook.cli.operator_session import with_context
from rowhook.cli.options import Command, webhook_argument
from rowhook.cli.output import show
from rowhook.db import access_queries
from rowhook.services import links
from rowhook.services.context import NotFound, ServiceContext


def link_arguments(command: Command) -> Command:
    """Adds the webhook, and options for the agent or the goal of the link."""
    command = click.option("--goal", metavar="ID", help="Commits of this goal.")(command)
    command = click.option(
        "--agent",
        metavar="ID",
        help="Finished jobs of this agent. The id is the platform's or Rowhook's.",
    )(command)
    return webhook_argument(command)


def require_one(agent: str | None, goal: str | None) -> None:
    """Raises UsageError unless exactly one of the options was passed."""
    if (agent is None) == (goal is None):
        raise click.UsageError("Pass either --agent ID or --goal ID.", click.get_current_context())


async def require_existing(ctx: ServiceContext, webhook: UUID, goal: str | None) -> None:
    """Raises NotFound if the webhook or the goal does not exist."""
    missing = await access_queries.first_missing(ctx.pool, webhook=webhook, goal=goal)
    if missing is not None:
        value = webhook if missing == "webhook" else goal
        raise NotFound(f"{missing.capitalize()} {value} does not exist.")


@click.command()
@link_arguments
@with_context
async def link(ctx: ServiceContext, webhook: UUID, agent: str | None, goal: str | None) -> None:
    """Send the future jobs of an agent or commits of a goal to a webhook."""
    require_one(agent, goal)
    await require_existing(ctx, webhook, goal)
    if agent is not None:
        await links.link_agent(ctx, webhook, agent)
        show(f"Finished jobs of agent {agent} are now sent to webhook {webhook}.")
    if goal is not None:
        await links.link_goal(ctx, webhook, goal)
        show(f"Commits of goal {goal} are now sent to webhook {webhook}.")
    show("To send a test request:", f"  {program()} test {webhook}")


@click.command()
@link_arguments
@with_context
async def unlink(ctx: ServiceContext, webhook: UUID, agent: str | None, goal: str | None) -> None:
    """Unlink an agent or a goal from a webhook. Waiting deliveries are still sent."""
    require_one(agent, goal)
    await require_existing(ctx, webhook, goal)
    was_linked = False
    if agent is not None:
        was_linked = await links.unlink_agent(ctx, webhook, agent)
    if goal is not None:
        was_linked = await links.unlink_goal(ctx, webhook, goal)
    show("Unlinked." if was_linked else "There was no link.")
