"""`rowhook preview` and `rowhook test`: render or send one request of a webhook."""

from __future__ import annotations

import re
from typing import Any, BinaryIO
from uuid import UUID

import msgspec
import rich_click as click
from msgspec import UNSET, Raw, UnsetType

from rowhook.cli.operator_session import with_keyring
from rowhook.cli.options import Command, as_json, webhook_argument
from rowhook.cli.output import print_json, program, show, show_request, show_response, show_timings
from rowhook.services import json_reader
from rowhook.services.context import KeyringContext
from rowhook.services.json_reader import ReadResult, verbatim
from rowhook.services.previews import Trial, preview_webhook, test_webhook
from rowhook.services.sample_data import Sample
from rowhook.services.webhook_documents import WebhookDraft

_COLON = re.compile(r"[:=]")
_DELIVERED = "delivered"
_FORBIDDEN = "target_forbidden"


def draft_of(file: BinaryIO | None, options: dict[str, Any]) -> ReadResult[WebhookDraft]:
    """Reads a webhook draft, with the faults of its fields. Raises UsageError, InvalidDocument."""
    if file is not None:
        if options:
            raise click.UsageError("--file holds the whole webhook. Leave out the other options.")
        return json_reader.read_with_faults(file.read(), WebhookDraft)
    if not options:
        raise click.UsageError("Pass --name and --url, or --file.")
    if "headers" in options:
        options["headers"] = dict(map(_header, options["headers"]))
    if "schema_file" in options:
        options["schema"] = _schema(options.pop("schema_file"))
    return json_reader.read_with_faults(msgspec.json.encode(options), WebhookDraft)


def _header(text: str) -> tuple[str, str]:
    name, *value = _COLON.split(text, maxsplit=1)
    if not value:
        raise click.BadParameter("Use 'Name: value'.", param_hint="--header")
    return name.strip(), value[0].strip()


def _schema(file: BinaryIO) -> Any:
    try:
        return msgspec.json.decode(file.read())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"Invalid JSON: {error}.", param_hint="--schema-file") from error


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
        webhook_argument,
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


@click.command()
@sample_options
@as_json
@with_keyring
async def preview(ctx: KeyringContext, webhook: UUID, *, as_json: bool, **options: Any) -> int:
    """Render and validate the request of a webhook without sending it. Exit 1 if it is invalid."""
    result = await preview_webhook(ctx, webhook, sample_of(**options))
    if as_json:
        print_json(result)
        return 0 if result.valid else 1
    if result.request is not None:
        show_request(result.request)
        show("")
    if result.valid:
        show("Valid. Nothing was sent. To send it:", f"  {program()} test {webhook}")
        return 0
    show(f"Invalid ({result.outcome}): {result.error}")
    return 1


@click.command()
@sample_options
@as_json
@with_keyring
async def test(ctx: KeyringContext, webhook: UUID, *, as_json: bool, **options: Any) -> int:
    """Send a test request to a webhook and print the response. Exit 1 if it failed."""
    result = await test_webhook(ctx, webhook, sample_of(**options))
    if as_json:
        print_json(result)
    else:
        _show(result)
    return 0 if result.outcome == _DELIVERED else 1


def _show(result: Trial) -> None:
    if result.request is not None:
        show_request(result.request)
        show("")
    response = result.response
    if response is not None:
        show_response(response.status, response.headers, response.body)
        show("")
    show(f"{result.outcome}: {result.error}" if result.error else str(result.outcome))
    if result.outcome == _FORBIDDEN:
        show("ROWHOOK_ALLOW_NETWORKS allows more targets, see: rowhook config --help")
    show_timings(result.timings)
