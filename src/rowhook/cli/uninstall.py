"""`rowhook uninstall`: removes Rowhook from a database."""

from __future__ import annotations

import sys

import rich_click as click

from rowhook import migrate, postgres
from rowhook.cli import entrance
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.refusal import USAGE, CommandFailed
from rowhook.cli.table import sanitize
from rowhook.migrate import Outcome, Part
from rowhook.settings import Settings


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@with_settings
def uninstall(settings: Settings, *, yes: bool) -> None:
    """Remove the schemas, triggers and settings of Rowhook, and its roles if they are unused."""
    if settings.database_url is None:
        raise CommandFailed(
            "DATABASE_URL is not set. To remove the embedded database, stop `rowhook up` and"
            f" delete {settings.data_dir}.",
            code=USAGE,
        )
    sys.exit(run_async(_uninstall(settings, yes=yes)))


async def _uninstall(settings: Settings, *, yes: bool) -> int:
    async with entrance.database(settings) as database:
        parts = await migrate.installed_parts(database.direct, settings.role_prefix)
        if not any(part.statement for part in parts):
            _say("Nothing to remove: Rowhook is not installed in this database.")
            return 0
        if not yes:
            await _confirm(database.direct, parts)
        outcomes = await migrate.uninstall(database.direct, settings.role_prefix)
    for outcome in outcomes:
        _report(outcome)
    return 1 if any(outcome.state == "failed" for outcome in outcomes) else 0


async def _confirm(dsn: str, parts: list[Part]) -> None:
    """Asks for confirmation. Raises CommandFailed if it is refused or there is no terminal."""
    if not sys.stdin.isatty():
        raise CommandFailed(
            "This removes Rowhook and all its data from the database. Confirmation needs a"
            " terminal. Pass --yes.",
            code=USAGE,
        )
    _, database = postgres.login_and_database(dsn)
    _say(f"This permanently removes from database {database}:", err=True)
    for part in parts:
        if part.statement is not None or part.kind == "dependent":
            note = f" ({part.note})" if part.note else ""
            _say(f"  {_name(part)}{note}", err=True)
    _say(await _describe_losses(dsn), err=True)
    if not click.confirm("Remove it?", err=True):
        raise CommandFailed("Nothing was removed.")


async def _describe_losses(dsn: str) -> str:
    try:
        counts = await migrate.count_losses(dsn)
    except postgres.StatementError as error:
        reason = error.diag.message_primary or error
        return f"Webhooks, deliveries and events could not be counted: {reason}."
    return (
        "Data that will be lost: "
        + ", ".join(f"{number} {name}" for name, number in counts.items())
        + "."
    )


def _report(outcome: Outcome) -> None:
    part, name = outcome.part, _name(outcome.part)
    if outcome.state == "removed":
        _say(f"Removed {name}.")
    elif outcome.state == "kept":
        _say(f"Kept {name}: {outcome.reason}.")
    else:
        note = f" ({part.note})" if part.note else ""
        _say(f"Could not remove {name}{note}: {outcome.reason}.", err=True)
        if part.kind in {"role", "setting"}:
            _say(f"  Run as an administrator: {part.statement}", err=True)


def _name(part: Part) -> str:
    return part.object if part.kind == "dependent" else f"{part.kind} {part.object}"


def _say(line: str, *, err: bool = False) -> None:
    click.echo(sanitize(line), err=err)
