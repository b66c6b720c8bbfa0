"""Every setting as a flag of every command, and the options that several commands take."""

from __future__ import annotations

import asyncio
import functools
import os
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import rich_click as click

from rowhook import logs
from rowhook.settings import NAMES, environment_name, load

T = TypeVar("T")
Command = Callable[..., Any]
_SPAN = re.compile(r"(?P<count>\d{1,7}(?:\.\d{1,7})?)\s*(?P<unit>s|min|m|h|d|w)")
_LONGEST = timedelta(days=36500)
_UNITS = {
    "s": "seconds",
    "m": "minutes",
    "min": "minutes",
    "h": "hours",
    "d": "days",
    "w": "weeks",
}


def with_settings(command: Command) -> Command:
    """Adds a flag for each setting and hands the command one `settings`."""

    @functools.wraps(command)
    def run(**given: Any) -> Any:
        settings = load(os.environ, {name: given.pop(name) or _before(name) for name in NAMES})
        logs.configure(settings.log_format)
        return command(settings=settings, **given)

    return _setting_flags(run)


def _setting_flags(command: Command) -> Command:
    for name in reversed(NAMES):
        flag = "--" + name.replace("_", "-")
        said = f"[{environment_name(name)}]"
        command = click.option(flag, name, default=None, help=said, panel="Settings")(command)
    # What is the command's own comes first in its help.
    return click.option_panel("Options")(click.option_panel("Settings")(command))


def _before(name: str) -> str | None:
    """A flag that was given before the verb: `rowhook webhooks --database-url … list`."""
    context = click.get_current_context(silent=True)
    noun = None if context is None else context.parent
    return None if noun is None else noun.params.get(name)


class Noun(click.RichGroup):
    """The verbs of a noun. Without one it lists."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of their file."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts in `list` where a verb is missing."""
        flags = {flag for one in self.params for flag in one.opts}
        place = 0
        while place < len(args) and args[place].partition("=")[0] in flags:
            place += 1 if "=" in args[place] else 2
        here = args[place] if place < len(args) else "-"
        if place <= len(args) and here.startswith("-") and here not in ctx.help_option_names:
            args = [*args[:place], "list", *args[place:]]
        return super().parse_args(ctx, args)


def noun(function: Callable[..., None]) -> click.RichGroup:
    """A group whose verbs take its settings too."""
    return click.group(cls=Noun)(click.command_panel("Commands")(_setting_flags(function)))


def span(text: str) -> timedelta:
    """A length of time: `45s`, `90min`, `2h`, `30d`. Raises BadParameter."""
    found = _span(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no length of time: write 45s, 90min, 2h or 30d")
    return found


def time(text: str) -> datetime:
    """A time, or how long ago: `2026-05-23T12:00:00Z`, `2h`. Raises BadParameter."""
    length = _span(text)
    try:
        found = datetime.fromisoformat(text) if length is None else datetime.now(UTC) - length
    except (ValueError, OverflowError):
        said = f"{text!r} is no time: write 2026-05-23T12:00:00Z, or 2h for two hours ago"
        raise click.BadParameter(said) from None
    if found.tzinfo is None:
        raise click.BadParameter(f"{text!r} has no zone: write {found.isoformat()}Z for UTC")
    return found


def _span(text: str) -> timedelta | None:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        return None
    length = timedelta(**{_UNITS[found["unit"]]: float(found["count"])})
    return length if length <= _LONGEST else None


as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")
organization = click.option(
    "--organization", metavar="ID", help="Not needed where there is only one."
)


def pages(command: Command) -> Command:
    """The options of a list."""
    command = click.option("--cursor", help="Go on where the page before ended.")(command)
    return click.option(
        "--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most."
    )(command)


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Runs an entrance on uvloop; a command's number is its exit code."""
    import uvloop  # noqa: PLC0415  # only commands that run a loop pay for it

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
