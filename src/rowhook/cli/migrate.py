"""`rowhook migrate`: brings the database to this version, or says what that would do."""

from __future__ import annotations

import sys

import rich_click as click

from rowhook import migrate as migration
from rowhook import postgres
from rowhook.cli import entrance
from rowhook.cli.options import run_async, with_settings
from rowhook.cli.readiness import migrate_and_grant
from rowhook.cli.refusal import USAGE, Stopped
from rowhook.settings import Settings

_UNCHECKED = (
    "Warning: the database is migrated, but the login of DATABASE_URL cannot connect, so its rights"
    " were not checked: {reason}\nRun rowhook doctor once it can."
)


@click.command()
@click.option("--plan", is_flag=True, help="Print what would be applied, change nothing.")
@click.option(
    "--print-bootstrap",
    is_flag=True,
    help="Print the SQL that a database administrator runs first for an owner without CREATEROLE.",
)
@with_settings
def migrate(settings: Settings, *, plan: bool, print_bootstrap: bool) -> None:
    """Apply pending migrations, the functions, views and grants, then pgqueuer's own."""
    if print_bootstrap:
        click.echo(_bootstrap(settings), nl=False)
        return
    sys.exit(run_async(_plan(settings) if plan else _migrate(settings)))


def _bootstrap(settings: Settings) -> str:
    if settings.database_url is None:
        raise Stopped("Set DATABASE_URL: its login and database are named in the SQL.", code=USAGE)
    login, _ = postgres.login_and_database(settings.database_url)
    direct = settings.database_direct_url or settings.database_url
    owner, database = postgres.login_and_database(direct)
    return migration.bootstrap_sql(
        owner=owner, login=login, database=database, prefix=settings.role_prefix
    )


async def _plan(settings: Settings) -> int:
    async with entrance.database(settings) as place:
        findings = await migration.examine(place.direct, settings.role_prefix)
        migration.require(findings, "server")
        steps = await migration.plan(place.direct)
    for step in steps:
        click.echo(f"would apply {step}")
    if steps:
        migration.require(findings, "migrate")
    else:
        _say_nothing_to_do()
    return 0


async def _migrate(settings: Settings) -> int:
    async with entrance.database(settings) as place:
        migrated = await migrate_and_grant(settings, place)
    for step in migrated.steps:
        click.echo(f"applied {step}")
    for statement in migrated.granted:
        click.echo(f"granted to the login of DATABASE_URL: {statement}")
    for statement in migrated.refused:
        click.echo(
            f"The login of DATABASE_URL lacks a role. Run as a database administrator: {statement}",
            err=True,
        )
    if not migrated.steps:
        _say_nothing_to_do()
    if migrated.unchecked is not None:
        click.echo(_UNCHECKED.format(reason=migrated.unchecked), err=True)
    return 0


def _say_nothing_to_do() -> None:
    click.echo("nothing to do: the database is of this version")
