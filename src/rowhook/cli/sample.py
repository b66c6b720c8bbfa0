"""Options for the sample event of a preview or a test request."""

from __future__ import annotations

from typing import BinaryIO

import msgspec
import rich_click as click
from msgspec import UNSET, Raw, UnsetType

from rowhook.cli.options import Command
from rowhook.operations import Sample
from rowhook.operations.intake import verbatim


def sample_options(command: Command) -> Command:
    """Adds the webhook argument and the options for its sample event."""
    for option in (
        click.option(
            "--context", metavar="JSON", help="Context of the session, or metadata of the job."
        ),
        click.option("--data-file", type=click.File("rb"), help="File with the data."),
        click.option("--data", metavar="JSON", help="Data of the commit, or output of the job."),
        click.option("--goal", metavar="ID", help="Use a commit of this goal."),
        click.option("--agent", metavar="ID", help="Use a job of this agent."),
        click.option("--event", type=int, metavar="ID", help="Use this captured event."),
        click.argument("webhook", type=click.UUID),
    ):
        command = option(command)
    return command


def sample_of(
    event: int | None,
    agent: str | None,
    goal: str | None,
    data: str | None,
    data_file: BinaryIO | None,
    context: str | None,
) -> Sample:
    """Builds the sample from the options. Raises UsageError, BadParameter."""
    for first, second, names in (
        (event, agent, "--event or --agent"),
        (event, goal, "--event or --goal"),
        (agent, goal, "--agent or --goal"),
        (data, data_file, "--data or --data-file"),
    ):
        if first is not None and second is not None:
            raise click.UsageError(f"Use {names}, not both.", click.get_current_context())
    text = data_file.read() if data_file is not None else data
    return Sample(
        event_id=event,
        agent_id=agent,
        goal_id=goal,
        data=_json(text, "--data"),
        context=_json(context, "--context"),
    )


def _json(text: str | bytes | None, name: str) -> Raw | UnsetType:
    if text is None:
        return UNSET
    try:
        return verbatim(text.encode() if isinstance(text, str) else text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"Invalid JSON: {error}.", param_hint=name) from error
