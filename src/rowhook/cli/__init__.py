"""The command line: one file per command. Expected errors become messages and an exit code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import rich_click as click
from click.exceptions import NoSuchCommand, NoSuchOption

_PANELS: dict[str, dict[str, str]] = {
    "Run": {
        "up": "run_commands",
        "demo": "demo_command",
        "migrate": "installation_commands",
        "api": "run_commands",
        "worker": "worker_command",
        "retain": "retention_command",
        "adopt": "installation_commands",
        "uninstall": "installation_commands",
    },
    "Inspect": {
        "status": "status_commands",
        "doctor": "status_commands",
        "deliveries": "delivery_commands",
        "config": "options",
        "psql": "installation_commands",
    },
    "Set up": {
        "watch": "watch_command",
        "webhooks": "webhook_commands",
        "link": "webhook_commands",
        "unlink": "webhook_commands",
        "secrets": "credential_commands",
        "keys": "credential_commands",
        "organizations": "organization_commands",
        "export": "configuration_commands",
        "apply": "configuration_commands",
        "portal": "organization_commands",
    },
    "Try out": {
        "preview": "preview_commands",
        "test": "preview_commands",
        "listen": "listen_command",
    },
    "Resend and cancel": {
        "retry": "delivery_commands",
        "replay": "delivery_commands",
        "cancel": "delivery_commands",
    },
}
_MODULES = {verb: module for verbs in _PANELS.values() for verb, module in verbs.items()}


class _LazyGroup(click.RichGroup):
    """Imports the module of a command on first use, so that `config` starts without the worker."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the command names in the order of the help."""
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns a command from the module of the same name."""
        if cmd_name not in _MODULES:
            return None
        command: click.Command = getattr(
            importlib.import_module(f"rowhook.cli.{_MODULES[cmd_name]}"), cmd_name
        )
        from rowhook.cli.options import add_settings_note  # noqa: PLC0415  # slow; not for --version

        add_settings_note(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggests similar commands for an unknown one. Raises NoSuchCommand."""
        if args[0] not in _MODULES and not args[0].startswith("-"):
            raise NoSuchCommand(args[0], possibilities=_MODULES, ctx=ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses the options before the command. Raises NoSuchOption."""
        with _suggesting_completions():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command, whose arguments are parsed here. Raises NoSuchOption, NoSuchCommand."""
        with _suggesting_completions():
            return super().invoke(ctx)


@contextmanager
def _suggesting_completions() -> Iterator[None]:
    """Suggests the names that begin with an unknown one, before those of similar letters."""
    try:
        yield
    except (NoSuchOption, NoSuchCommand) as error:
        typed = error.option_name if isinstance(error, NoSuchOption) else error.command_name
        completed = [name for name in _names_beside(error) if name.startswith(typed)]
        # Click finds only those of about the same length.
        error.possibilities = completed or error.possibilities  # type: ignore[misc]
        raise


def _names_beside(error: NoSuchOption | NoSuchCommand) -> list[str]:
    """Returns the names of all options, or of all commands, where the error occurred."""
    context = error.ctx
    if context is None:
        return []
    if isinstance(error, NoSuchOption):
        return [name for option in context.command.get_params(context) for name in option.opts]
    return (
        context.command.list_commands(context) if isinstance(context.command, click.Group) else []
    )


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    panels=[click.RichCommandPanel(name, commands=list(names)) for name, names in _PANELS.items()],
)
@click.version_option(package_name="rowhook", prog_name="rowhook")
def rowhook() -> None:
    """Insert a row, get a webhook.

    Without DATABASE_URL, an embedded PostgreSQL is used. Start with `rowhook demo`. Settings, such
    as DATABASE_URL and ROWHOOK_PORT, are described by `rowhook config --help`.
    """


def main(
    arguments: Sequence[str] | None = None,
    *,
    command: click.Command | None = None,
    name: str = "rowhook",
) -> None:
    """Runs the `rowhook` command. Exit codes: 0 ok, 1 failure, 2 usage, 3 database unreachable."""
    try:
        (command or rowhook)(arguments, prog_name=name, standalone_mode=True)
    except Exception as error:
        from rowhook.cli import error_messages, output  # noqa: PLC0415  # only needed on failure

        code = error_messages.exit_code(error)
        if code is None:
            raise
        first, *more = error_messages.message_lines(error)
        click.echo(output.sanitize(f"rowhook: {first}"), err=True)
        for line in more:
            click.echo(output.sanitize(f"  {line}"), err=True)
        sys.exit(code)
