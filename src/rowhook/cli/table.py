"""What commands print: tables, records and sentences for people, JSON for programs.

Names, errors and bodies are other people's text: no markup and no control character of theirs
reaches the terminal.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import rich_click as click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

# C0 but tab and newline, DEL, C1, and what turns the direction of writing.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Columns of prose and addresses may break; all others, ids above all, are copied as they stand.
_FOLDED = frozenset(
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
_NARROWEST = 12
_GAP = 2
_PIPE_WIDTH = 200
_ANY = 10_000
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def plain(text: str) -> str:
    """Foreign text without what a terminal would obey; newlines and tabs stay."""
    return _CONTROL.sub("", text)


def shown(value: Any) -> str:
    """A value as a person reads it: durations in one unit, times from now, nothing as a dash."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, timedelta):
        return span(value.total_seconds())
    if isinstance(value, datetime):
        return ago(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return f"{value:.4g}" if isinstance(value, float | Decimal) else plain(str(value))


def span(seconds: float, form: str = ".3g") -> str:
    """`12 ms`, `3.4 s`, `5 min`, `2 h`, `3 d`."""
    sign = "-" if seconds < 0 else ""
    seconds = abs(seconds)
    for unit, size in _UNITS:
        if seconds >= 2 * size or (unit == "s" and seconds >= 1):
            return f"{sign}{seconds / size:{form}} {unit}"
    return f"{sign}{seconds * 1000:{form}} ms"


def ago(moment: datetime) -> str:
    """`2 min ago`, `in 5 min`, `now` within a second."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"{span(seconds, '.0f')} ago" if seconds > 0 else f"in {span(-seconds, '.0f')}"


def exact(moment: datetime | None) -> str:
    """A time to the second with how long ago it was."""
    if moment is None:
        return "–"
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} ({ago(moment)})"


def table(rows: Sequence[Mapping[str, Any]], title: str | None = None) -> Table:
    """A row a mapping; the keys of the first one are the columns. Ids are always whole."""
    made = Table(
        title=title,
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, _GAP, 0, 0),
        header_style="bold",
    )
    columns = {name: [_cell(row[name]) for row in rows] for name in rows[0]}
    widest = {name: max(map(cell_len, [name, *cells])) for name, cells in columns.items()}
    for name, width in _widths(widest, _room()).items():
        made.add_column(name.replace("_", " "), width=width, overflow="fold")
    for cells in zip(*columns.values(), strict=True):
        made.add_row(*map(Text, cells))
    return made


def _cell(value: Any) -> str:
    return shown(value).replace("\n", " ").replace("\t", " ")


def _widths(widest: dict[str, int], room: int) -> dict[str, int]:
    """The columns that may break share what the others leave; the widest give first."""
    widths = dict(widest)
    folded = sorted((name for name in widest if name in _FOLDED), key=widest.__getitem__)
    left = room - sum(width for name, width in widest.items() if name not in _FOLDED)
    left -= _GAP * (len(widest) - 1)
    for place, name in enumerate(folded):
        widths[name] = min(widest[name], max(left // (len(folded) - place), _NARROWEST))
        left -= widths[name]
    return widths


def _room() -> int:
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return _PIPE_WIDTH if piped else Console().width


def show(*things: Table | str) -> None:
    """Prints on standard output. What does not fit is left to the terminal, never cut."""
    console = Console(width=_ANY, highlight=False, markup=False, emoji=False)
    for thing in things:
        if isinstance(thing, str):
            click.echo(plain(thing))
            continue
        with console.capture() as printed:
            console.print(thing)
        click.echo("\n".join(line.rstrip() for line in printed.get().rstrip("\n").split("\n")))


def page(rows: Sequence[Mapping[str, Any]], next_cursor: str | None, nothing: str) -> None:
    """A page of a list; `nothing` is said where it is empty."""
    if not rows:
        show(nothing)
        return
    show(table(rows))
    if next_cursor is not None:
        show("", f"There are more: add --cursor {next_cursor}")


def record(fields: Mapping[str, Any], indent: str = "") -> None:
    """One thing, a line a field."""
    widest = max(map(len, fields))
    for name, value in fields.items():
        show(f"{indent}{name.replace('_', ' '):<{widest}}  {shown(value)}")


def print_json(document: Any) -> None:
    """The document that REST answers, alone on standard output."""
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))
