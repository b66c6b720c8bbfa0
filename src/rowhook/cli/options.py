"""Every setting as an option of every command, common options, and `rowhook config`."""

from __future__ import annotations

import asyncio
import difflib
import functools
import json
import os
import re
import resource
import signal
from collections.abc import Callable, Coroutine
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import rich_click as click
import structlog

from rowhook import logs
from rowhook.embedded.data_folder import running_dsn
from rowhook.settings import (
    MEANINGS,
    NAMES,
    SECRET,
    Databases,
    Settings,
    default_text,
    environment_name,
    load,
)

log = structlog.get_logger()
_MAX_CONNECTIONS = 2048
_INTERRUPTED = 128 + signal.SIGINT
# Descriptors for the pool, LISTEN, the log and files read at start.
_RESERVED = 128
# Matches a missing letter or _, not ROWHOOK_API_PORT, which Kubernetes sets for a service.
_ALMOST = 0.9
T = TypeVar("T")
Command = Callable[..., Any]
_DURATION = re.compile(r"(?P<count>\d{1,7}(?:\.\d{1,7})?)\s*(?P<unit>s|min|m|h|d|w)")
_MAX_DURATION = timedelta(days=36500)
_UNITS = {
    "s": "seconds",
    "m": "minutes",
    "min": "minutes",
    "h": "hours",
    "d": "days",
    "w": "weeks",
}
_DEFAULTS = {field.name: field.default for field in fields(Settings)}
_SETTINGS_NOTE = (
    "Every setting is an option too, such as --database-url. `rowhook config --help` lists them."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
organization = click.option(
    "--organization", metavar="ID", help="Organization. Default: the only one."
)
_CREDENTIALS = re.compile(r"://[^@/]*@")
_PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*@|(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)")


def receiver_connections() -> int:
    """Returns 2048, or fewer if the limit of open files is too low. Raises the soft limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _MAX_CONNECTIONS + _RESERVED
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return _MAX_CONNECTIONS
    limit = max(soft - _RESERVED, 64)
    log.warning(
        "connections.limited", limit=limit, advice=f"Allow {needed} open files (ulimit -n)."
    )
    return limit


def with_settings(command: Command) -> Command:
    """Adds a flag for each setting and passes the command a `settings` argument."""
    return _setting_flags(_reading_settings(command))


def with_listed_settings(command: Command) -> Command:
    """Adds the flags like with_settings, and describes each of them in the help."""
    for_help = _setting_flags(_reading_settings(command), is_listed=True)
    # The options of the command come first in its help.
    return click.option_panel("Options")(click.option_panel("Settings")(for_help))


def _reading_settings(command: Command) -> Command:
    @functools.wraps(command)
    def run(**arguments: Any) -> Any:
        flags = {name: arguments.pop(name) or _group_flag(name) for name in NAMES}
        settings = load(os.environ, flags)
        logs.configure(settings.log_format)
        _warn_of_misspelled_variables()
        return command(settings=settings, **arguments)

    return run


def _warn_of_misspelled_variables() -> None:
    """Warns of variables that are almost a setting. Others may be set by the platform."""
    variables = {environment_name(name) + ending for name in NAMES for ending in ("", "_FILE")}
    others = [name for name in os.environ if name.startswith("ROWHOOK_") and name not in variables]
    for other in sorted(others):
        similar = difflib.get_close_matches(other, variables, n=1, cutoff=_ALMOST)
        if similar:
            log.warning("setting.unknown", variable=other, advice=f"Did you mean {similar[0]}?")


def _setting_flags(command: Command, *, is_listed: bool = False) -> Command:
    for name in reversed(NAMES):
        flag = "--" + name.replace("_", "-")
        attributes: dict[str, Any] = {"hidden": True}
        if is_listed:
            attributes = {"help": _describe(name), "panel": "Settings", "metavar": "VALUE"}
        command = click.option(flag, name, default=None, **attributes)(command)
    return command


def _describe(name: str) -> str:
    default = default_text(_DEFAULTS[name])
    meaning = MEANINGS[name].replace("`", "")
    return f"{meaning} ({environment_name(name)}; default: {default or 'none'})"


def add_settings_note(command: click.Command) -> None:
    """Ends the help of a command and of its subcommands with a line on settings."""
    if isinstance(command, click.Group):
        for subcommand in command.commands.values():
            add_settings_note(subcommand)
    if command.epilog is None and command.name != "config":
        command.epilog = _SETTINGS_NOTE


def _group_flag(name: str) -> str | None:
    """Returns a flag of the command group: `rowhook webhooks --database-url … list`."""
    context = click.get_current_context(silent=True)
    group = None if context is None else context.parent
    return None if group is None else group.params.get(name)


class ListGroup(click.RichGroup):
    """A command group that runs `list` if no command is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the commands in the order of their definition."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Inserts `list` after the flags of the group if no command follows."""
        flags = {flag for parameter in self.params for flag in parameter.opts}
        position = 0
        while position < len(args) and args[position].partition("=")[0] in flags:
            position += 1 if "=" in args[position] else 2
        word = args[position] if position < len(args) else "-"
        if position <= len(args) and word.startswith("-") and word not in ctx.help_option_names:
            args = [*args[:position], "list", *args[position:]]
        return super().parse_args(ctx, args)


def list_group(function: Callable[..., None]) -> click.RichGroup:
    """Makes a command group that takes settings and runs `list` by default."""
    return click.group(cls=ListGroup)(click.command_panel("Commands")(_setting_flags(function)))


def duration(text: str) -> timedelta:
    """Parses a duration such as `45s`, `90min`, `2h` or `30d`. Raises BadParameter."""
    value = _parse_duration(text)
    if value is None:
        raise click.BadParameter(f"Invalid duration {text!r}. Use e.g. 45s, 90min, 2h or 30d.")
    return value


def timestamp(text: str) -> datetime:
    """Parses a time (`2026-05-23T12:00:00Z`) or an age (`2h`). Raises BadParameter."""
    age = _parse_duration(text)
    try:
        value = datetime.fromisoformat(text) if age is None else datetime.now(UTC) - age
    except (ValueError, OverflowError):
        message = f"Invalid time {text!r}. Use e.g. 2026-05-23T12:00:00Z, or 2h for two hours ago."
        raise click.BadParameter(message) from None
    if value.tzinfo is None:
        message = f"The time {text!r} has no time zone. Use {value.isoformat()}Z for UTC."
        raise click.BadParameter(message)
    return value


def _parse_duration(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    value = timedelta(**{_UNITS[match["unit"]]: float(match["count"])})
    return value if value <= _MAX_DURATION else None


class _WebhookReference(click.ParamType[Any]):
    """A webhook's id, as UUID, or its name, which operator_session replaces by the id."""

    name = "webhook"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> UUID | str:
        """Returns a UUID if the value is one."""
        try:
            return UUID(value)
        except ValueError:
            return str(value)


WEBHOOK = _WebhookReference()
webhook_argument = click.argument("webhook", type=WEBHOOK)


def paging(command: Command) -> Command:
    """Adds the options of a list."""
    command = click.option("--cursor", help="Cursor of the previous page, to continue from.")(
        command
    )
    return click.option(
        "--limit",
        type=click.IntRange(1, 200),
        default=50,
        show_default=True,
        help="Maximum number of items.",
    )(command)


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on uvloop and returns its result. Exits if a second signal cancels it."""
    import uvloop  # noqa: PLC0415  # only commands that run a loop need it

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(main)
    except asyncio.CancelledError:
        click.echo("rowhook: Stopped without waiting for requests in flight.", err=True)
        raise SystemExit(_INTERRUPTED) from None


def masked_settings(settings: Settings) -> dict[str, Any]:
    """Returns each setting by name; `database_url` is usable for the embedded database too."""
    values = {name: _display_value(name, getattr(settings, name)) for name in NAMES}
    if settings.database_url is None and settings.databases is None:
        values["database_url"] = running_dsn(settings.data_dir)
    return values


def setting_lines(settings: Settings) -> dict[str, str]:
    """Returns each setting as text by environment variable; empty if it is not set."""
    return {
        environment_name(name): "" if value is None else _format(value)
        for name, value in masked_settings(settings).items()
    }


def _display_value(name: str, value: Any) -> Any:
    if isinstance(value, Databases):
        return ",".join(value.named)
    if value is not None and name in SECRET:
        return _mask(name, value)
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value) if isinstance(value, Path) else value


def _mask(name: str, value: str) -> str:
    if name == "egress_proxy":
        return _CREDENTIALS.sub("://***@", value)
    if not name.startswith("database"):
        return "***"
    return _PASSWORD.sub(lambda match: f"{match[1] or match[2]}***{'@' if match[1] else ''}", value)


def child_environment(dsn: str | None, settings: Settings) -> dict[str, str]:
    """Returns the environment for a child process that uses `dsn` and exactly these settings.

    Without `master_keys`, the child reads those of the data folder. None is for several databases,
    or for the chosen one of them, whose settings are complete.
    """
    variables = {environment_name(name) for name in NAMES}
    variables |= {f"{name}_FILE" for name in variables}
    environment = {name: text for name, text in os.environ.items() if name not in variables}
    for name in NAMES:
        value = getattr(settings, name)
        if value is not None and name != "database":
            environment[environment_name(name)] = _format(value)
    if dsn is None:
        return environment
    environment["DATABASE_URL"] = dsn
    if settings.master_keys is None:
        environment["ROWHOOK_MASTER_KEYS_FILE"] = str(settings.data_dir / "master_keys")
    return environment


def _format(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.15g}"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@click.command()
@as_json
@with_listed_settings
def config(settings: Settings, *, as_json: bool) -> None:
    """Print the effective settings, with the usable database_url. Starts nothing.

    A setting is an environment variable, and an option of every command. The option takes
    precedence. A variable with _FILE at the end names a file that holds the value.
    """
    if as_json:
        click.echo(json.dumps(masked_settings(settings), indent=2))
        return
    for name, value in setting_lines(settings).items():
        click.echo(f"{name}={value}")
