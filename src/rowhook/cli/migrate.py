"""`rowhook migrate`: migrates the database to this version, or prints the plan."""

from __future__ import annotations

import sys

import rich_click as click

from rowhook import migrate as migration
from rowhook import postgres
from rowhook.cli import entrance
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.readiness import migrate_and_grant
from rowhook.cli.refusal import USAGE, CommandFailed
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
    sys.exit(run_async(_plan(settings) if plan else _migrate(settings)))


def _bootstrap(settings: Settings) -> str:
    if settings.database_url is None:
        raise CommandFailed(
            "Set DATABASE_URL. The SQL contains its login and database.", code=USAGE
        )
    login, _ = postgres.login_and_database(settings.database_url)
    direct = settings.database_direct_url or settings.database_url
    owner, database = postgres.login_and_database(direct)
    return migration.bootstrap_sql(
        owner=owner, login=login, database=database, prefix=settings.role_prefix
    )


async def _plan(settings: Settings) -> int:
    async with entrance.database(settings) as database:
        findings = await migration.examine(database.direct, settings.role_prefix)
        migration.require(findings, "server")
        steps = await migration.plan(database.direct)
    for step in steps:
        click.echo(f"Pending: {step}")
    if steps:
        migration.require(findings, "migrate")
    else:
        _print_up_to_date()
    return 0


async def _migrate(settings: Settings) -> int:
    async with entrance.database(settings) as database:
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
