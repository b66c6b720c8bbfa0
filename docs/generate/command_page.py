"""The page of commands, from the same click objects that print `--help`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import rich_click as click

from bench.command import bench
from rowhook.cli import rowhook
from rowhook.settings import NAMES

_HEAD = """\
# Command line

`rowhook` has one command for each task. `--help` (`-h`) describes each of them. In addition to the
options below, every command takes every [setting](settings.md) as an option.

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 the database cannot be reached.

"""


def command_line_page() -> str:
    """The whole page."""
    context = click.Context(rowhook, info_name="rowhook")
    benchmark = _section(click.Context(bench, info_name="bench", parent=context))
    return _HEAD + "\n".join((*_commands(context), benchmark))


def _commands(context: click.Context) -> Iterator[str]:
    group = context.command
    assert isinstance(group, click.Group)  # noqa: S101  # only groups are passed
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None  # noqa: S101  # the group listed it
        child = click.Context(command, info_name=name, parent=context)
        yield _section(child)
        if isinstance(command, click.Group):
            yield from _commands(child)


def _section(context: click.Context) -> str:
    command = context.command
    level = context.command_path.count(" ") + 1
    usage = " ".join(
        part for item in command.get_params(context) if (part := _argument(item, context))
    )
    synopsis = f"{context.command_path} {'COMMAND' if _is_group(command) else usage}".strip()
    text = inspect.cleandoc(command.help or "").replace("\f", "")
    lines = [f"{'#' * level} `{context.command_path}`\n", _escaped(text) + "\n"]
    lines.append(f"Usage: `{synopsis}`\n")
    if rows := [row for item in command.get_params(context) if (row := _option(item, context))]:
        lines.append("| option | meaning |\n|---|---|\n" + "".join(rows))
    return "\n".join(lines)


def _is_group(command: click.Command) -> bool:
    return isinstance(command, click.Group)


def _argument(parameter: click.Parameter, context: click.Context) -> str:
    if not isinstance(parameter, click.Argument):
        return ""
    return str(parameter.make_metavar(context))


def _option(parameter: click.Parameter, context: click.Context) -> str:
    if not isinstance(parameter, click.Option) or parameter.name in (*NAMES, "help"):
        return ""
    record = parameter.get_help_record(context)
    if record is None:
        return ""
    names, meaning = record
    return f"| `{names}` | {_escaped(meaning)} |\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
