"""The command line: a verb a file. What can go wrong becomes clear lines and an exit code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import rich_click as click

_PANELS = {
    "Run": ("up", "demo", "migrate", "api", "worker", "retain", "adopt", "uninstall"),
    "Look": ("status", "doctor", "deliveries", "config"),
    "Set up": ("watch", "webhooks", "link", "unlink", "secrets", "keys"),
    "Try": ("preview", "test", "listen", "bench"),
    "Send again, or stop": ("retry", "replay", "cancel"),
}
_COMMANDS = tuple(name for names in _PANELS.values() for name in names)


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


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    panels=[click.RichCommandPanel(name, commands=list(names)) for name, names in _PANELS.items()],
)
@click.version_option(package_name="rowhook", prog_name="rowhook")
def rowhook() -> None:
    """Insert a row, get a webhook.

    Without DATABASE_URL an embedded Postgres is used. Start with `rowhook demo`.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """The `rowhook` command. Exit 0 ok, 1 failure, 2 usage, 3 database unreachable."""
    try:
        rowhook(arguments, prog_name="rowhook", standalone_mode=True)
    except Exception as error:
        from rowhook.cli import refusal, table  # noqa: PLC0415  # when it fails

        code = refusal.code_of(error)
        if code is None:
            raise
        first, *more = refusal.lines_of(error)
        click.echo(table.plain(f"rowhook: {first}"), err=True)
        for line in more:
            click.echo(table.plain(f"  {line}"), err=True)
        sys.exit(code)
