"""The output of `rowhook watch`: the proposed mapping, its SQL and the installation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from rowhook.cli.output import program, table
from rowhook.db.source_queries import UncapturedRows, WatchedTable
from rowhook.mapping import Proposal, completing

NOT_INSTALLED = (
    "Nothing was changed. Add --yes to install it, or run the SQL as the owner of schema rowhook."
)
INSTALLED = "Already installed with this mapping. Add --yes to restore missing triggers."
_TIMES = ("completed_at", "committed_at", "created_at")
_EXAMPLES = {
    "agent_id": '--map agent_id=COLUMN, or --map agent_id=\'{"value": "…"}\' for a constant',
    "goal_id": '--map goal_id=COLUMN, or --map goal_id=\'{"value": "…"}\' for a constant',
    "data": "--map data=COLUMN, a json or jsonb column or a path into one",
}
_LINK = {
    "jobs": (
        "Link a webhook to an agent. A new agent is added with its next completed job:",
        "  select id, external_id, name from rowhook.agent;",
        "  {program} link WEBHOOK --agent ID",
    ),
    "commits": (
        "Link a webhook to a goal. A new goal is added with its next commit:",
        "  {program} link WEBHOOK --goal ID",
    ),
}


def source_row(source: WatchedTable, uncaptured: UncapturedRows | None) -> dict[str, Any]:
    """Returns a row of the list of sources."""
    return {
        "name": source.name,
        "kind": source.kind,
        "table": source.relation,
        "installed": source.installed_at,
        "error": source.drift or (_uncaptured(uncaptured) if uncaptured else "none"),
    }


def _uncaptured(rows: UncapturedRows) -> str:
    count = "1 row is" if rows.row_count == 1 else f"{rows.row_count} rows are"
    first = f" {rows.row_id}:" if rows.row_id is not None else ""
    return f"{count} not captured.{first} {rows.message}"


def proposal_report(proposal: Proposal, notes: Sequence[str]) -> list[Table | str]:
    """Describes the mapped fields, the unmapped fields with the consequence, and the SQL."""
    types = {column.name: column.type for column in proposal.columns}
    rows = [
        {
            "field": field,
            "read from": _format_source(value),
            "type": types.get(str(value)),
            "reason": proposal.reasons[field],
        }
        for field, value in proposal.mapping.items()
    ]
    lines: list[Table | str] = [f"{proposal.table} as {proposal.kind}", "", table(rows)]
    if proposal.absent:
        lines += ["", "Not mapped:"]
        lines += [f"  {field.name}: {field.without}." for field in proposal.absent]
    if proposal.unread:
        lines += ["", f"Unused columns: {', '.join(proposal.unread)}."]
    if notes:
        lines += ["", *notes]
    return [*lines, "", sql(proposal)]


def _format_source(value: Any) -> str:
    if isinstance(value, str):
        return value
    if "value" in value:
        return f"the constant {json.dumps(value['value'], ensure_ascii=False)}"
    return ", ".join(f"{name} = {status}" for name, status in value.items())


def sql(proposal: Proposal) -> str:
    """Returns the SQL statement that installs the mapping."""
    pairs = (f"  {_json(field)}: {_json(value)}" for field, value in proposal.mapping.items())
    text = "{\n" + ",\n".join(pairs) + "}"
    return f"select rowhook.watch_{proposal.kind}({_literal(proposal.table)}, {_literal(text)});"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def missing_fields(proposal: Proposal) -> list[str]:
    """Lists the required fields without a column, and the options that map them."""
    names = " and ".join(proposal.missing)
    columns = ", ".join(f"{column.name} {column.type}" for column in proposal.columns)
    return [
        f"{proposal.table}: No column matches {names} by name and type.",
        *(f"Add {_EXAMPLES.get(name, f'--map {name}=COLUMN')}." for name in proposal.missing),
        f"Columns: {columns}.",
    ]


def no_completing_status(proposal: Proposal, values: Sequence[str]) -> list[str]:
    """Explains that no value of the status column completes a job, and how to map one."""
    column = _format_source(proposal.mapping["status"])
    return [
        f"{proposal.table}: No value of {column} completes a job.",
        f"Values: {', '.join(values)}.",
        "Add --status-map VALUE=succeeded and --status-map VALUE=failed.",
    ]


def status_notes(proposal: Proposal, values: Sequence[str], *, is_every: bool) -> list[str]:
    """Lists the status values without an event, and the limits of the sample."""
    statuses = completing(proposal)
    ignored = [value for value in values if value not in statuses]
    lines = [f"Statuses without an event: {', '.join(ignored)}."] if ignored else []
    if not is_every:
        complete = ", ".join(statuses) or "none"
        lines.append(
            f"Statuses that complete a job: {complete}. Only the first 10,000 rows were examined."
            " For others, add --status-map VALUE=succeeded or VALUE=failed."
        )
    lines += [
        f"No status is mapped to {status}, so there are no job.{status} events."
        for status in ("succeeded", "failed")
        if status not in statuses.values()
    ]
    return lines


def column_notes(proposal: Proposal) -> list[str]:
    """Warns about ids without a unique index and times without a time zone."""
    id_column = proposal.column("id")
    lines = []
    if id_column is not None and not id_column.is_unique:
        lines.append(
            f"{id_column.name} has no unique index. Rows with the same {id_column.name} count as"
            " one row."
        )
    lines += [
        f"{column.name} has no time zone and is read as UTC. For another zone, add"
        ' --map time_zone=\'{"value": "Europe/Berlin"}\'.'
        for column in map(proposal.column, _TIMES)
        if column and "with time zone" not in column.type and "time_zone" not in proposal.mapping
    ]
    return lines


def installation_report(source: WatchedTable, uncaptured: UncapturedRows | None) -> list[str]:
    """Describes the installed triggers, the recovery of missed rows, and the next steps."""
    lines = [f"Installed on {source.relation}: triggers {', '.join(source.triggers)}."]
    if source.kind not in _LINK:
        if uncaptured is None:
            return [*lines, "Existing rows were imported.", *_drift(source)]
        return [
            *lines,
            f"Existing rows were imported, but {_uncaptured(uncaptured)}",
            "Rows that are not captured are tried again within a minute; see rowhook doctor.",
            *_drift(source),
        ]
    lines.append("Existing rows are not sent.")
    time = next((source.mapping[name] for name in _TIMES if name in source.mapping), None)
    if source.drift is not None:
        lines += _drift(source)
    elif time is None:
        lines.append("Rows that the triggers miss are not recovered, because no time is mapped.")
    else:
        lines.append(
            f"Rows that the triggers miss are recovered by {_format_source(time)} within a minute."
        )
    steps = (line.format(program=program()) for line in _LINK[source.kind])
    return [*lines, "", *steps]


def _drift(source: WatchedTable) -> list[str]:
    return [] if source.drift is None else [f"To do: {source.drift}"]


def removal_report(sources: Sequence[WatchedTable]) -> list[str]:
    """Lists the triggers that a removal would drop."""
    return [
        f"{source.name} ({source.kind}): triggers {', '.join(source.triggers) or 'none'}"
        for source in sources
    ]
