"""What a preview or a test is made of: an event, an agent's job or a goal's commit, and data."""

from __future__ import annotations

from typing import BinaryIO

import msgspec
import rich_click as click
from msgspec import UNSET, Raw, UnsetType

from rowhook.cli.options import Command
from rowhook.operations import Sample
from rowhook.operations.intake import verbatim


def sampled(command: Command) -> Command:
    """The webhook and what to send it."""
    for option in (
        click.option("--context", metavar="JSON", help="The session's context or job's metadata."),
        click.option("--data-file", type=click.File("rb"), help="The data from a file."),
        click.option("--data", metavar="JSON", help="What was committed, or the job's output."),
        click.option("--goal", metavar="ID", help="As if this goal was committed to."),
        click.option("--agent", metavar="ID", help="As if this agent finished."),
        click.option("--event", type=int, metavar="ID", help="A captured event, digit for digit."),
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
    """The sample. Raises UsageError."""
    for one, other, names in (
        (event, agent, "--event or --agent"),
        (event, goal, "--event or --goal"),
        (agent, goal, "--agent or --goal"),
        (data, data_file, "--data or --data-file"),
    ):
        if one is not None and other is not None:
            raise click.UsageError(f"say {names}, not both", click.get_current_context())
    given = data_file.read() if data_file is not None else data
    return Sample(
        event_id=event,
        agent_id=agent,
        goal_id=goal,
        data=_json(given, "--data"),
        context=_json(context, "--context"),
    )


def _json(text: str | bytes | None, name: str) -> Raw | UnsetType:
    if text is None:
        return UNSET
    try:
        return verbatim(text.encode() if isinstance(text, str) else text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"it is not JSON: {error}", param_hint=name) from error
