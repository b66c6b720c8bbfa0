"""The command line: a verb a file. What can go wrong becomes one clear line and an exit code."""

from __future__ import annotations

import sys

import rich_click as click

from rowhook import postgres
from rowhook.cli.api import api
from rowhook.cli.bench import bench
from rowhook.cli.config import config
from rowhook.cli.demo import demo
from rowhook.cli.doctor import doctor
from rowhook.cli.listen import listen
from rowhook.cli.migrate import migrate
from rowhook.cli.status import status
from rowhook.cli.up import up
from rowhook.cli.worker import worker
from rowhook.embedded import EmbeddedUnavailable
from rowhook.migrate import MigrationRejected
from rowhook.settings import SettingsRejected
from rowhook.vault import KeyringRejected

_UNREACHABLE = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rowhook", prog_name="rowhook")
def rowhook() -> None:
    """Insert a row, get a webhook.

    Without DATABASE_URL an embedded Postgres is used. Start with `rowhook demo`.
    """


for command in (up, demo, migrate, api, worker, status, listen, bench, doctor, config):
    rowhook.add_command(command)


def _say(error: BaseException) -> None:
    notes = getattr(error, "__notes__", [])
    click.echo(f"rowhook: {'; '.join([str(error).strip(), *notes])}", err=True)


def main() -> None:
    """The `rowhook` command. Exit 0 ok, 1 failure, 2 usage, 3 database unreachable."""
    try:
        rowhook(standalone_mode=True)
    except SettingsRejected as error:
        _say(error)
        sys.exit(2)
    except (EmbeddedUnavailable, MigrationRejected, KeyringRejected) as error:
        _say(error)
        sys.exit(1)
    except postgres.Unreachable as error:
        _say(error)
        click.echo(
            "rowhook: the database cannot be reached; check DATABASE_URL, or unset it to use the"
            " embedded Postgres",
            err=True,
        )
        sys.exit(_UNREACHABLE)
