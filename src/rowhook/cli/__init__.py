"""The command line: a verb a file. What can go wrong becomes one clear line and an exit code."""

from __future__ import annotations

import importlib
import sys

import rich_click as click

_USAGE = 2
_UNREACHABLE = 3
_COMMANDS = (
    "up", "demo", "migrate", "api", "worker", "status", "listen", "bench", "doctor", "config",
)  # fmt: skip


class _Verbs(click.RichGroup):
    """Loads a command's file when it is asked for: `config` needs little of what `worker` needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, from the file of that name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(
            importlib.import_module(f"rowhook.cli.{cmd_name}"), cmd_name
        )
        return command


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rowhook", prog_name="rowhook")
def rowhook() -> None:
    """Insert a row, get a webhook.

    Without DATABASE_URL an embedded Postgres is used. Start with `rowhook demo`.
    """


def main() -> None:
    """The `rowhook` command. Exit 0 ok, 1 failure, 2 usage, 3 database unreachable."""
    try:
        rowhook(standalone_mode=True)
    except Exception as error:
        code = _code(error)
        if code is None:
            raise
        notes = getattr(error, "__notes__", [])
        click.echo(f"rowhook: {'; '.join([str(error).strip(), *notes])}", err=True)
        sys.exit(code)


def _code(error: Exception) -> int | None:
    """The exit code of what a person can do something about; None for a bug of ours."""
    from rowhook import embedded, migrate, postgres, settings, vault  # noqa: PLC0415  # when it fails

    if isinstance(error, settings.SettingsRejected):
        return _USAGE
    rejected = (embedded.EmbeddedUnavailable, migrate.MigrationRejected, vault.KeyringRejected)
    if isinstance(error, rejected):
        return 1
    if isinstance(error, postgres.Unreachable):
        error.add_note(
            "the database cannot be reached: check DATABASE_URL, or unset it to use the embedded"
            " Postgres"
        )
        return _UNREACHABLE
    return 1 if isinstance(error, postgres.Refused) else None
