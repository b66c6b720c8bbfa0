"""`rowhook watch`: tables that the platform already has become sources of events."""

from __future__ import annotations

import difflib
import shlex
from dataclasses import dataclass
from typing import Any

import msgspec
import rich_click as click

from rowhook import mapping, postgres
from rowhook.cli import watch_report
from rowhook.cli.opened import with_owner
from rowhook.cli.options import Command, as_json
from rowhook.cli.refusal import USAGE, Stopped
from rowhook.cli.table import page, print_json, show
from rowhook.mapping import FIELDS, KINDS, Proposal, Value

_ROWS = {
    "jobs": "Its rows are jobs, which complete.",
    "commits": "Its rows are commits: one event for each insert.",
    "organizations": "Its rows are organizations.",
    "agents": "Its rows are agents.",
    "goals": "Its rows are goals.",
    "sessions": "Its rows are sessions.",
}
_BUILT_IN = ("rowhook.job", "rowhook.commit")
_FEW = 5


class _Constant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value that is in no column."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the options ask for: fields and statuses, None where one is to be left out."""

    kinds: list[str]
    fields: dict[str, Value | None]
    statuses: dict[str, str | None]


def _kinds(command: Command) -> Command:
    for kind in reversed(KINDS):
        command = click.option(f"--{kind}", is_flag=True, help=_ROWS[kind])(command)
    return command


def _pairs(ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> Any:
    """`a=b` as a pair; `a=` leaves a out."""
    pairs: dict[str, Value | None] = {}
    for text in given:
        name, is_pair, value = text.partition("=")
        if not is_pair or not name:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE.", ctx, parameter)
        pairs[name] = value or None
    return pairs


def _constants(ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> Any:
    """As `_pairs`; a value that begins with a brace is a constant, `{"value": …}`."""
    pairs = _pairs(ctx, parameter, given)
    for name, text in pairs.items():
        if isinstance(text, str) and text.startswith("{"):
            try:
                pairs[name] = msgspec.to_builtins(msgspec.json.decode(text, type=_Constant))
            except msgspec.DecodeError:
                said = f'{text} is not a constant: write {name}={{"value": "…"}}.'
                raise click.BadParameter(said, ctx, parameter) from None
    return pairs


@click.command()
@click.argument("table", required=False)
@_kinds
@click.option(
    "--map",
    "fields",
    multiple=True,
    callback=_constants,
    metavar="FIELD=COLUMN",
    help="Read a field from this column, path (payload.result) or constant"
    ' (\'{"value": "v1"}\'); FIELD= leaves it out.',
)
@click.option(
    "--status-map",
    "statuses",
    multiple=True,
    callback=_pairs,
    metavar="VALUE=STATUS",
    help="This value of the status column is succeeded or failed; VALUE= leaves it out.",
)
@click.option("--remove", is_flag=True, help="Remove the table from the sources.")
@click.option("--yes", is_flag=True, help="Do it: without, nothing is changed.")
@as_json
@with_owner
async def watch(
    owner: postgres.Pool,
    *,
    table: str | None,
    fields: dict[str, Value | None],
    statuses: dict[str, str | None],
    remove: bool,
    yes: bool,
    as_json: bool,
    **kinds: bool,
) -> None:
    """List the sources, or make a table that you already have a source of events.

    Proposes what each field is read from by the columns' names and types, and prints the SQL.
    """
    chosen = [kind for kind in KINDS if kinds[kind]]
    wanted = _Wanted(kinds=chosen, fields=fields, statuses=statuses)
    _check_use(table, wanted, remove=remove, yes=yes, as_json=as_json)
    if table is None:
        await _list(owner, as_json=as_json)
    elif remove:
        await _remove(owner, table, yes=yes)
    else:
        await _watch(owner, table, wanted, yes=yes)


def _check_use(
    table: str | None, wanted: _Wanted, *, remove: bool, yes: bool, as_json: bool
) -> None:
    """Raises UsageError for options that do not go together."""
    kinds, fields, statuses = wanted.kinds, wanted.fields, wanted.statuses
    is_changed = bool(kinds or fields or statuses)
    known = [field.name for kind in kinds for field in FIELDS[kind]]
    unknown = next((name for name in fields if name not in known), None)
    refusals = (
        (table is None and (is_changed or remove or yes), "Name the table."),
        (table is not None and as_json, "--json is for the list: leave out the table."),
        (remove and is_changed, "--remove goes with --yes alone."),
        (
            table is not None and not remove and len(kinds) != 1,
            f"Say one of {', '.join(f'--{kind}' for kind in KINDS)}: what the table's rows are.",
        ),
        (statuses and kinds != ["jobs"], "--status-map needs --jobs."),
        (unknown, f"Unknown field {unknown}. Fields of {''.join(kinds)}: {', '.join(known)}."),
    )
    for is_wrong, said in refusals:
        if is_wrong:
            raise click.UsageError(said, click.get_current_context())


async def _list(owner: postgres.Pool, *, as_json: bool) -> None:
    sources = await postgres.watched_tables(owner)
    if as_json:
        print_json({"items": [source._asdict() for source in sources]})
        return
    page([watch_report.listed(source) for source in sources], None, "There are no sources.")


async def _watch(owner: postgres.Pool, name: str, wanted: _Wanted, *, yes: bool) -> None:
    (kind,) = wanted.kinds
    table = await _find(owner, name)
    current = await _source(owner, kind, table)
    proposal, notes = await _propose(owner, table, wanted, current.mapping if current else {})
    await postgres.check_mapping(owner, kind, table, proposal.mapping)
    if proposal.missing:
        raise Stopped(*watch_report.missing(proposal), code=USAGE)
    show(*watch_report.proposed(proposal, notes))
    if not yes:
        is_so = current is not None and current.mapping == proposal.mapping
        show("", watch_report.SO_ALREADY if is_so else watch_report.NOT_YET)
        return
    await postgres.watch(owner, kind, table, proposal.mapping)
    installed = await _source(owner, kind, table)
    if installed is not None:
        show("", *watch_report.installed(installed))


async def _find(owner: postgres.Pool, name: str) -> str:
    """The table's qualified name. Raises Stopped with similar ones."""
    table = await postgres.find_table(owner, name)
    if table is not None:
        return table
    bare = {one: one.rpartition(".")[2].strip('"') for one in await postgres.platform_tables(owner)}
    wanted = name.rpartition(".")[2].strip('"').lower()
    similar = difflib.get_close_matches(wanted, {text.lower() for text in bare.values()}, n=_FEW)
    lines = [f"  rowhook watch {shlex.quote(one)}" for one in bare if bare[one].lower() in similar]
    hints = ["Similar tables:", *sorted(lines)[:_FEW]] if lines else ["Write SCHEMA.TABLE."]
    raise Stopped(f"There is no table {name}, or several are called so.", *hints, code=USAGE)


async def _source(owner: postgres.Pool, kind: str, table: str) -> postgres.WatchedTable | None:
    sources = await postgres.watched_tables(owner)
    fitting = (one for one in sources if (one.kind, one.relation) == (kind, table))
    return next(fitting, None)


async def _propose(
    owner: postgres.Pool, table: str, wanted: _Wanted, current: dict[str, Any]
) -> tuple[Proposal, list[str]]:
    """The mapping, and what must be known of it. Raises Stopped if no status can complete a job."""
    (kind,) = wanted.kinds
    columns = await postgres.table_columns(owner, table)
    fields = {name: value for name, value in current.items() if name != "status_map"}
    proposal = mapping.propose(kind, table, columns, fields, wanted.fields)
    if "status" not in proposal.mapping:
        return proposal, watch_report.notes(proposal)
    values, is_every = await postgres.status_values(owner, table, proposal.mapping)
    is_same = current.get("status") == proposal.mapping["status"]
    status_map = current.get("status_map") if is_same else None
    proposal = mapping.with_status_map(proposal, values, status_map, wanted.statuses)
    statuses = mapping.completing(proposal)
    if is_every and statuses.keys().isdisjoint(values):
        raise Stopped(*watch_report.never_complete(proposal, values), code=USAGE)
    notes = watch_report.status_notes(proposal, values, is_every=is_every)
    return proposal, watch_report.notes(proposal) + notes


async def _remove(owner: postgres.Pool, name: str, *, yes: bool) -> None:
    table = await postgres.find_table(owner, name) or name
    sources = [
        one
        for one in await postgres.watched_tables(owner)
        if table in (one.relation, one.name) or f"public.{table}" == one.name
    ]
    if not sources:
        raise Stopped(f"{table} is not a source. Run rowhook watch to list the sources.")
    # The database refuses to remove a built-in one, and says why.
    if not yes and table not in _BUILT_IN:
        show(*watch_report.removable(sources), "", "Nothing was changed: add --yes to remove it.")
        return
    await postgres.unwatch(owner, table)
    show(
        *(f"Removed {one.name} ({one.kind}) from the sources. Its events stay." for one in sources)
    )
