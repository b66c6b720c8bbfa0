"""`rowhook export` and `rowhook apply`: the configuration of organizations as a file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

import msgspec
import rich_click as click

from rowhook import json_pointer
from rowhook.cli import yaml_document
from rowhook.cli.error_messages import USAGE, CommandFailed
from rowhook.cli.operator_session import organization_filter, with_keyring, with_reader
from rowhook.cli.options import as_json
from rowhook.cli.output import confirm, print_json, program, show
from rowhook.cli.yaml_document import Position, YamlRejected
from rowhook.db.webhook_queries import RevisionConflict
from rowhook.render.configuration import Fault
from rowhook.services import configuration_changes, configuration_file, configuration_plan
from rowhook.services.configuration_file import file_document, read_file
from rowhook.services.configuration_plan import Change, Step
from rowhook.services.context import KeyringContext, NotFound, Rejected, ServiceContext

_SIGNS = {"create": "+", "change": "~", "delete": "-", "keep": "="}
_TOPIC = "See docs/how-to/configuration-as-code.md."
_HEADER = "# Written by `rowhook export`. Values of secrets are not in it."


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of `rowhook apply`: the changes, and whether they were made."""

    applied: bool
    changes: list[Change]


@click.command()
@click.option("--organization", metavar="ID", help="Only this organization. Default: all.")
@as_json
@with_reader
async def export(ctx: ServiceContext, organization: str | None, *, as_json: bool) -> None:
    """Print webhooks, links and the names of secrets as YAML for `rowhook apply`.

    Values of secrets and signing secrets are not exported.
    """
    only = await organization_filter(ctx, organization)
    document = file_document(await configuration_file.export(ctx, only))
    if as_json:
        print_json(document)
    else:
        click.echo(f"{_HEADER}\n{yaml_document.dump(document)}", nl=False)


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option(
    "--plan", "--dry-run", "only_plan", is_flag=True, help="Show the changes and make none."
)
@click.option("--yes", is_flag=True, help="Make the changes without asking.")
@click.option(
    "--prune",
    is_flag=True,
    help="Delete the webhooks and links of the file's organizations that are not in the file.",
)
@as_json
@with_keyring
async def apply(
    ctx: KeyringContext, file: TextIO, *, only_plan: bool, yes: bool, prune: bool, as_json: bool
) -> None:
    """Apply the webhooks and links in FILE: all changes, or none.

    Shows the changes first and asks. - reads standard input.
    """
    if only_plan and yes:
        raise CommandFailed("Use either --plan or --yes.", code=USAGE)
    steps = await _planned(ctx, file, prune=prune)
    changes = [step.change for step in steps]
    pending = sum(change.action != "keep" for change in changes)
    if not as_json:
        show(*_plan_lines(changes))
    if not only_plan and pending:
        if not yes:
            confirm(f"Make {pending} change{'s' if pending > 1 else ''}?")
        await _apply(ctx, steps)
    is_applied = bool(not only_plan and pending)
    if as_json:
        print_json(Plan(applied=is_applied, changes=changes))
    elif is_applied:
        show("Applied.", *_advice(changes))


async def _planned(ctx: KeyringContext, file: TextIO, *, prune: bool) -> list[Step]:
    positions: dict[str, Position] = {}
    name = file.name
    try:
        document, positions = yaml_document.load(file.read())
        return await configuration_plan.plan(ctx, read_file(document), prune=prune)
    except UnicodeDecodeError as error:
        raise CommandFailed(f"{name}: Not UTF-8. Save the file as UTF-8.") from error
    except YamlRejected as error:
        raise CommandFailed(f"{_location(name, error.position)}: {error}", _TOPIC) from error
    except Rejected as error:
        count = f"{len(error.faults)} errors" if len(error.faults) > 1 else "1 error"
        lines = [_line(name, positions, fault) for fault in error.faults]
        raise CommandFailed(f"{name} has {count}. Nothing was changed.", *lines) from error


def _location(name: str, position: Position | None) -> str:
    return name if position is None else f"{name}:{position.line}:{position.column}"


def _line(name: str, positions: dict[str, Position], fault: Fault) -> str:
    steps = json_pointer.split(fault.pointer)
    while steps and json_pointer.join(steps) not in positions:
        steps.pop()
    location = _location(name, positions.get(json_pointer.join(steps)))
    return f"{location}: {fault.pointer or '/'}: {fault.message}"


async def _apply(ctx: KeyringContext, steps: Sequence[Step]) -> None:
    try:
        await configuration_changes.apply(ctx, steps)
    except (RevisionConflict, Rejected, NotFound) as error:
        # The plan had no fault, so this change conflicts with another one made since then.
        raise CommandFailed(
            f"The database was changed in the meantime: {error}",
            "Nothing was changed. Run the command again to see the new plan.",
        ) from error


def _advice(changes: Iterable[Change]) -> Iterator[str]:
    created = [
        change for change in changes if (change.action, change.object) == ("create", "webhook")
    ]
    if created:
        yield "New webhooks have signing secrets, which are not printed. To get one:"
        yield f"  {program()} webhooks rotate-secret WEBHOOK --overlap-s 0"


def _plan_lines(changes: Sequence[Change]) -> Iterator[str]:
    organization = None
    for change in changes:
        if change.organization != organization:
            organization = change.organization
            yield f"organization {organization}"
        yield _title(change)
        for item in change.fields:
            is_new = change.action == "create"
            yield from _field_lines(item.field, item.before, item.after, is_new=is_new)
        for warning in change.warnings:
            yield f"      warning: {warning.pointer}: {warning.message}"
    counts = {action: sum(change.action == action for change in changes) for action in _SIGNS}
    if not any(counts.values()):
        yield "No changes: the database matches the file."
        return
    kept = f" {counts['keep']} not in the file, kept." if counts["keep"] else ""
    yield (
        f"Plan: {counts['create']} to create, {counts['change']} to change,"
        f" {counts['delete']} to delete.{kept}"
    )


def _title(change: Change) -> str:
    note = " (not in the file; --prune deletes it)" if change.action == "keep" else ""
    sign = _SIGNS[change.action]
    if change.object == "webhook":
        return f"  {sign} webhook {change.webhook} ({change.name}){note}"
    if change.object == "alert_thresholds":
        return f"  {sign} thresholds of alerts"
    return f"  {sign} link {change.webhook} to {change.object} {change.id}{note}"


def _field_lines(name: str, before: Any, after: Any, *, is_new: bool) -> Iterator[str]:
    old, new = _value_lines(before), _value_lines(after)
    if len(old) < 2 and len(new) < 2:  # noqa: PLR2004  # values of one line
        change = new[0] if is_new else f"{old[0]} -> {new[0]}"
        yield f"      {name}: {change}"
        return
    yield f"      {name}:"
    # Without the names of files and the numbers of lines.
    difference = list(difflib.unified_diff([] if is_new else old, new, n=2, lineterm=""))[2:]
    yield from (f"        {line}" for line in difference if not line.startswith("@@"))


def _value_lines(value: Any) -> list[str]:
    if value is None:
        return ["default"]
    if isinstance(value, str) and "\n" in value:
        return value.split("\n")
    if isinstance(value, dict | list) and value:
        text = msgspec.json.encode(value).decode()
        return [text] if len(text) <= 80 else yaml_document.dump(value).rstrip("\n").split("\n")  # noqa: PLR2004  # a line of a terminal
    if isinstance(value, float) and value.is_integer():
        return [str(int(value))]
    return [msgspec.json.encode(value).decode()]
