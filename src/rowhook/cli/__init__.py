"""The command line: one file per command. Expected errors become messages and an exit code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import rich_click as click

_PANELS = {
    "Run": ("up", "demo", "migrate", "api", "worker", "retain", "adopt", "uninstall"),
    "Inspect": ("status", "doctor", "deliveries", "config"),
    "Set up": ("watch", "webhooks", "link", "unlink", "secrets", "keys"),
    "Try out": ("preview", "test", "listen", "bench"),
    "Resend and cancel": ("retry", "replay", "cancel"),
}
_COMMANDS = tuple(name for names in _PANELS.values() for name in names)


class _LazyGroup(click.RichGroup):
    """Imports the module of a command on first use, so that `config` starts without the worker."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the command names in the order of the help."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns a command from the module of the same name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(
            importlib.import_module(f"rowhook.cli.{cmd_name}"), cmd_name
        )
        return command


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    panels=[click.RichCommandPanel(name, commands=list(names)) for name, names in _PANELS.items()],
)
@click.version_option(package_name="rowhook", prog_name="rowhook")
def rowhook() -> None:
    """Insert a row, get a webhook.

    Without DATABASE_URL, an embedded PostgreSQL is used. Start with `rowhook demo`.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the `rowhook` command. Exit codes: 0 ok, 1 failure, 2 usage, 3 database unreachable."""
    try:
        rowhook(arguments, prog_name="rowhook", standalone_mode=True)
    except Exception as error:
        from rowhook.cli import refusal, table  # noqa: PLC0415  # only needed on failure

        code = refusal.exit_code(error)
        if code is None:
            raise
        first, *more = refusal.message_lines(error)
        click.echo(table.sanitize(f"rowhook: {first}"), err=True)
        for line in more:
            click.echo(table.sanitize(f"  {line}"), err=True)
        sys.exit(code)
