"""`rowhook link`: from now on what an agent or a goal completes goes to a webhook."""

from __future__ import annotations

from uuid import UUID

import rich_click as click

from rowhook import operations, postgres
from rowhook.cli.opened import with_context
from rowhook.cli.options import Command
from rowhook.cli.table import show
from rowhook.operations import NotFound, ServiceContext


def one_end(command: Command) -> Command:
    """The webhook, and the agent or the goal at the other end of the link."""
    command = click.option("--goal", metavar="ID", help="This goal's commits.")(command)
    command = click.option(
        "--agent", metavar="ID", help="This agent's finished jobs: its id, yours or Rowhook's."
    )(command)
    return click.argument("webhook", type=click.UUID)(command)


def require_one(agent: str | None, goal: str | None) -> None:
    """Raises UsageError unless exactly one of them is given."""
    if (agent is None) == (goal is None):
        raise click.UsageError("say one of --agent ID and --goal ID", click.get_current_context())


async def require_known(registry: ServiceContext, webhook: UUID, goal: str | None) -> None:
    """Raises NotFound for the one that does not exist."""
    missing = await postgres.unknown(registry.pool, webhook=webhook, goal=goal)
    if missing is not None:
        raise NotFound(f"{missing} {webhook if missing == 'webhook' else goal} does not exist")


@click.command()
@one_end
@with_context
async def link(registry: ServiceContext, webhook: UUID, agent: str | None, goal: str | None) -> None:
    """Send what an agent or a goal completes from now on to a webhook. Never sends history."""
    require_one(agent, goal)
    await require_known(registry, webhook, goal)
    if agent is not None:
        await operations.link_agent(registry, webhook, agent)
        show(f"The finished jobs of agent {agent} go to webhook {webhook} from now on.")
    if goal is not None:
        await operations.link_goal(registry, webhook, goal)
        show(f"The commits of goal {goal} go to webhook {webhook} from now on.")
    show("Try it:", f"  rowhook test {webhook}")
