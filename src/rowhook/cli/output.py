"""The terminal: tables, records, sentences, JSON, exchanges, and questions."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rowhook.cli.error_messages import USAGE, CommandFailed
from rowhook.durations import format_duration, format_relative

# C0 without tab and newline, DEL, C1, and bidirectional formatting characters.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Columns that may wrap. Others, such as ids, stay on one line so that they can be copied.
_WRAPPED = frozenset(
    {
        "name",
        "webhook",
        "url",
        "description",
        "error",
        "last_error",
        "allowed_hosts",
        "scopes",
        "changed_fields",
        "host",
    }
)
_MIN_WIDTH = 12
_GAP = 2
_PIPE_WIDTH = 200
_UNLIMITED_WIDTH = 10_000
_CLONE = Path(__file__).parents[3]


def sanitize(text: str) -> str:
    """Removes control characters other than newlines and tabs from untrusted text."""
    return _CONTROL.sub("", text)


def format_value(value: Any) -> str:
    """Formats a value: durations in one unit, times relative to now, empty values as a dash."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, timedelta):
        return format_duration(value.total_seconds())
    if isinstance(value, datetime):
        return format_relative(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(format_value, value))
    return f"{value:.4g}" if isinstance(value, float | Decimal) else sanitize(str(value))


def format_time(moment: datetime | None) -> str:
    """Formats a time in UTC to the second, followed by the relative time."""
    if moment is None:
        return "–"
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} ({format_relative(moment)})"


def table(rows: Sequence[Mapping[str, Any]], title: str | None = None) -> Table:
    """Builds a table of the rows. The keys of the first row are the columns; ids never wrap."""
    result = Table(
        title=title,
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, _GAP, 0, 0),
        header_style="bold",
    )
    columns = {name: [_cell(row[name]) for row in rows] for name in rows[0]}
    widest = {name: max(map(cell_len, [name, *cells])) for name, cells in columns.items()}
    for name, width in _widths(widest, _available_width()).items():
        result.add_column(name.replace("_", " "), width=width, overflow="fold")
    for cells in zip(*columns.values(), strict=True):
        result.add_row(*map(Text, cells))
    return result


def _cell(value: Any) -> str:
    return format_value(value).replace("\n", " ").replace("\t", " ")


def _widths(widest: dict[str, int], available: int) -> dict[str, int]:
    """Distributes the width that fixed columns leave over the wrapped ones, narrowest first."""
    widths = dict(widest)
    wrapped = sorted((name for name in widest if name in _WRAPPED), key=widest.__getitem__)
    remaining = available - sum(width for name, width in widest.items() if name not in _WRAPPED)
    remaining -= _GAP * (len(widest) - 1)
    for index, name in enumerate(wrapped):
        widths[name] = min(widest[name], max(remaining // (len(wrapped) - index), _MIN_WIDTH))
        remaining -= widths[name]
    return widths


def _available_width() -> int:
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return _PIPE_WIDTH if piped else Console().width


def show(*items: Table | str) -> None:
    """Prints tables and lines on standard output. Long lines are not truncated."""
    console = Console(width=_UNLIMITED_WIDTH, highlight=False, markup=False, emoji=False)
    for item in items:
        if isinstance(item, str):
            click.echo(sanitize(item))
            continue
        with console.capture() as output:
            console.print(item)
        click.echo("\n".join(line.rstrip() for line in output.get().rstrip("\n").split("\n")))


def show_page(rows: Sequence[Mapping[str, Any]], next_cursor: str | None, empty: str) -> None:
    """Prints a page of a list, or the line `empty` if there are no rows."""
    if not rows:
        show(empty)
        return
    show(table(rows))
    if next_cursor is not None:
        show("", f"For the next page, add --cursor {next_cursor}")


def show_record(fields: Mapping[str, Any], indent: str = "") -> None:
    """Prints a record with one field per line."""
    widest = max(map(len, fields))
    for name, value in fields.items():
        show(f"{indent}{name.replace('_', ' '):<{widest}}  {format_value(value)}")


def print_json(document: Any) -> None:
    """Prints a document as JSON, in the format of the REST API."""
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))


def show_request(request: Any) -> None:
    """Prints a request with its secrets redacted; nothing if it is None."""
    if request is None:
        return
    fields: dict[str, Any] = msgspec.to_builtins(request)
    start = f"{fields['method']} {fields['url']}"
    _show(">", start, fields.get("headers"), fields.get("body"))


def show_response(status: int | None, headers: Any, body: str | None) -> None:
    """Prints a response; nothing without a status."""
    if status is not None:
        _show("<", str(status), msgspec.to_builtins(headers), body)


def show_timings(timings: Any) -> None:
    """Prints the duration of each phase that was reached."""
    phases: dict[str, float | None] = msgspec.to_builtins(timings) or {}
    durations = [
        f"{name.replace('_', ' ')} {format_duration(duration / 1000)}"
        for name, duration in phases.items()
        if duration is not None
    ]
    if durations:
        show(f"  {', '.join(durations)}")


def _show(prefix: str, start: str, headers: Any, body: str | None) -> None:
    show(f"{prefix} {start}")
    for name, value in headers or ():
        show(f"{prefix} {name}: {value}")
    if body:
        show(prefix)
        for line in body.splitlines():
            show(f"{prefix} {line}")


def confirm(question: str, *, declined: str = "Nothing was changed.") -> None:
    """Asks before a change. Raises CommandFailed if the answer is no, or without a terminal."""
    if not sys.stdin.isatty():
        message = f"{declined} Confirmation needs a terminal. Pass --yes."
        raise CommandFailed(message, question, code=USAGE)
    if not click.confirm(question, err=True):
        raise CommandFailed(declined)


def program() -> str:
    """Returns how to call this command from here: `rowhook`, or `bin/rowhook` in a clone."""
    script = _CLONE / "bin" / "rowhook"
    if shutil.which("rowhook") is not None or not script.is_file():
        return "rowhook"
    folder = Path.cwd()
    inside = script.is_relative_to(folder)
    return shlex.quote(str(script.relative_to(folder) if inside else script))
