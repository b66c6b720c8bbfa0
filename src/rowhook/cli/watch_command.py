"""`rowhook watch`: makes existing tables of the platform sources of events."""

from __future__ import annotations

import difflib
import shlex
from dataclasses import dataclass
from typing import Any

import msgspec
import rich_click as click

from rowhook.cli import watch_report
from rowhook.cli.error_messages import USAGE, CommandFailed
from rowhook.cli.operator_session import with_owner
from rowhook.cli.options import Command, as_json
from rowhook.cli.output import print_json, program, show, show_page
from rowhook.db import source_queries
from rowhook.db.connection_pool import Pool
from rowhook.db.source_queries import WatchedTable
from rowhook.mapping import Proposal, Value, completing, propose, with_status_map
from rowhook.mapping.source_fields import FIELDS, KINDS

_ROWS = {
    "jobs": "The rows are jobs, with an event on completion.",
    "commits": "The rows are commits, with an event on insert.",
    "organizations": "The rows are organizations.",
    "agents": "The rows are agents.",
    "goals": "The rows are goals.",
    "sessions": "The rows are sessions.",
}
_BUILT_IN = ("rowhook.job", "rowhook.commit")
_MAX_SUGGESTIONS = 5


class _Constant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A constant value of a mapping."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """The mapping that the options request; None leaves a field or a status out."""

    kinds: list[str]
    fields: dict[str, Value | None]
    statuses: dict[str, str | None]


def _kinds(command: Command) -> Command:
    for kind in reversed(KINDS):
        command = click.option(f"--{kind}", is_flag=True, help=_ROWS[kind])(command)
    return command


def _pairs(ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> Any:
    """Parses `a=b`; the value of `a=` is None."""
    pairs: dict[str, Value | None] = {}
    for text in texts:
        name, is_pair, value = text.partition("=")
        if not is_pair or not name:
            raise click.BadParameter(f"Invalid value {text!r}. Use NAME=VALUE.", ctx, parameter)
        pairs[name] = value or None
    return pairs


def _fields(ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> Any:
    """Parses `field=column` and constants, `field={"value": …}`; the value of `field=` is None."""
    pairs = _pairs(ctx, parameter, texts)
    for name, text in pairs.items():
        if isinstance(text, str) and text.startswith("{"):
            try:
                pairs[name] = msgspec.to_builtins(msgspec.json.decode(text, type=_Constant))
            except msgspec.DecodeError:
                message = f'Invalid constant {text}. Use {name}={{"value": "…"}}.'
                raise click.BadParameter(message, ctx, parameter) from None
    return pairs


@click.command()
@click.argument("table", required=False)
@_kinds
@click.option(
    "--map",
    "fields",
    multiple=True,
    callback=_fields,
    metavar="FIELD=COLUMN",
    help="Read a field from this column, path (payload.result) or constant"
    ' (\'{"value": "v1"}\'). FIELD= leaves it out.',
)
@click.option(
    "--status-map",
    "statuses",
    multiple=True,
    callback=_pairs,
    metavar="VALUE=STATUS",
    help="Map a value of the status column to succeeded or failed. VALUE= leaves it out.",
)
@click.option("--remove", is_flag=True, help="Stop watching the table.")
@click.option("--yes", is_flag=True, help="Apply the change. Default: only print it.")
@as_json
@with_owner
async def watch(
    owner: Pool,
    *,
    table: str | None,
    fields: dict[str, Value | None],
    statuses: dict[str, str | None],
    remove: bool,
    yes: bool,
    as_json: bool,
    **kinds: bool,
) -> None:
    """List the sources of events, or make an existing table a source.

    Proposes a column for each field by the names and types of the columns, and prints the SQL.
    """
    selected = [kind for kind in KINDS if kinds[kind]]
    request = _Request(kinds=selected, fields=fields, statuses=statuses)
    _check_use(table, request, remove=remove, yes=yes, as_json=as_json)
    if table is None:
        await _list(owner, as_json=as_json)
    elif remove:
        await _remove(owner, table, yes=yes)
    else:
        await _watch(owner, table, request, yes=yes)


def _check_use(
    table: str | None, request: _Request, *, remove: bool, yes: bool, as_json: bool
) -> None:
    """Raises UsageError for options that cannot be combined."""
    kinds, fields, statuses = request.kinds, request.fields, request.statuses
    is_changed = bool(kinds or fields or statuses)
    names = [field.name for kind in kinds for field in FIELDS[kind]]
    unknown = next((name for name in fields if name not in names), None)
    refusals = (
        (table is None and (is_changed or remove or yes), "Pass the table."),
        (table is not None and as_json, "--json only applies to the list. Leave out the table."),
        (remove and is_changed, "--remove can only be combined with --yes."),
        (
            table is not None and not remove and len(kinds) != 1,
            f"Pass one of {', '.join(f'--{kind}' for kind in KINDS)}.",
        ),
        (statuses and kinds != ["jobs"], "--status-map requires --jobs."),
        (unknown, f"Unknown field {unknown}. Fields of {''.join(kinds)}: {', '.join(names)}."),
    )
    for is_wrong, message in refusals:
        if is_wrong:
            raise click.UsageError(message, click.get_current_context())


async def _list(owner: Pool, *, as_json: bool) -> None:
    sources = await source_queries.watched_tables(owner)
    if as_json:
        print_json({"items": [source._asdict() for source in sources]})
        return
    uncaptured = await source_queries.uncaptured_rows(owner)
    rows = [watch_report.source_row(source, uncaptured.get(source.name)) for source in sources]
    show_page(rows, None, "No sources.")


async def _watch(owner: Pool, name: str, request: _Request, *, yes: bool) -> None:
    (kind,) = request.kinds
    table = await _find(owner, name, kind)
    current = await _source(owner, kind, table)
    proposal, notes = await _propose(owner, table, request, current.mapping if current else {})
    await source_queries.check_mapping(owner, kind, table, proposal.mapping)
    if proposal.missing:
        raise CommandFailed(*watch_report.missing_fields(proposal), code=USAGE)
    show(*watch_report.proposal_report(proposal, notes))
    if not yes:
        is_installed = current is not None and current.mapping == proposal.mapping
        show("", watch_report.INSTALLED if is_installed else watch_report.NOT_INSTALLED)
        return
    await source_queries.watch(owner, kind, table, proposal.mapping)
    installed = await _source(owner, kind, table)
    if installed is not None:
        uncaptured = (await source_queries.uncaptured_rows(owner)).get(installed.name)
        show("", *watch_report.installation_report(installed, uncaptured))


async def _find(owner: Pool, name: str, kind: str) -> str:
    """Returns the qualified name of a table. Raises CommandFailed with similar names."""
    table = await source_queries.find_table(owner, name)
    if table is not None:
        return table
    tables = await source_queries.platform_tables(owner)
    names = {table: table.rpartition(".")[2].strip('"').lower() for table in tables}
    target = name.rpartition(".")[2].strip('"').lower()
    similar = difflib.get_close_matches(target, set(names.values()), n=_MAX_SUGGESTIONS)
    lines = [
        f"  {program()} watch {shlex.quote(table)} --{kind}"
        for table in names
        if names[table] in similar
    ]
    hints = (
        ["Similar tables:", *sorted(lines)[:_MAX_SUGGESTIONS]] if lines else ["Use SCHEMA.TABLE."]
    )
    raise CommandFailed(
        f"Table {name} does not exist, or the name is ambiguous.", *hints, code=USAGE
    )


async def _source(owner: Pool, kind: str, table: str) -> WatchedTable | None:
    sources = await source_queries.watched_tables(owner)
    matches = (source for source in sources if (source.kind, source.relation) == (kind, table))
    return next(matches, None)


async def _propose(
    owner: Pool, table: str, request: _Request, current: dict[str, Any]
) -> tuple[Proposal, list[str]]:
    """Proposes a mapping, with notes. Raises CommandFailed if no status completes a job."""
    (kind,) = request.kinds
    columns = await source_queries.table_columns(owner, table)
    fields = {name: value for name, value in current.items() if name != "status_map"}
    proposal = propose(kind, table, columns, fields, request.fields)
    if "status" not in proposal.mapping:
        return proposal, watch_report.column_notes(proposal)
    values, is_every = await source_queries.status_values(owner, table, proposal.mapping)
    is_same = current.get("status") == proposal.mapping["status"]
    status_map = current.get("status_map") if is_same else None
    proposal = with_status_map(proposal, values, status_map, request.statuses)
    statuses = completing(proposal)
    if is_every and statuses.keys().isdisjoint(values):
        raise CommandFailed(*watch_report.no_completing_status(proposal, values), code=USAGE)
    notes = watch_report.status_notes(proposal, values, is_every=is_every)
    return proposal, watch_report.column_notes(proposal) + notes


async def _remove(owner: Pool, name: str, *, yes: bool) -> None:
    table = await source_queries.find_table(owner, name) or name
    sources = [
        source
        for source in await source_queries.watched_tables(owner)
        if table in (source.relation, source.name) or f"public.{table}" == source.name
    ]
    if not sources:
        raise CommandFailed(f"{table} is not a source. To list the sources: {program()} watch")
    # The database refuses to remove a built-in source, with a reason.
    if not yes and table not in _BUILT_IN:
        show(
            *watch_report.removal_report(sources),
            "",
            "Nothing was changed. Add --yes to remove it.",
        )
        return
    await source_queries.unwatch(owner, table)
    show(
        *(
            f"Removed source {source.name} ({source.kind}). Its events are kept."
            for source in sources
        )
    )
