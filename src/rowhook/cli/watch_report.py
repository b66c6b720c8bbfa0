"""What `rowhook watch` prints: a proposed mapping, its SQL, what was installed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from rowhook.cli.table import table
from rowhook.mapping import Proposal, completing
from rowhook.postgres import WatchedTable

NOT_YET = (
    "Nothing was changed: add --yes to install it, or run the SQL as the owner of schema rowhook."
)
SO_ALREADY = "Already installed with this mapping; --yes installs missing triggers again."
_TIMES = ("completed_at", "committed_at", "created_at")
_EXAMPLES = {
    "agent_id": '--map agent_id=COLUMN, or --map agent_id=\'{"value": "…"}\' for a constant',
    "goal_id": '--map goal_id=COLUMN, or --map goal_id=\'{"value": "…"}\' for a constant',
    "data": "--map data=COLUMN, a json or jsonb one or a path into it",
}
_LINK = {
    "jobs": (
        "Link a webhook to an agent; one new to Rowhook is added by its next completed job:",
        "  select id, external_id, name from rowhook.agent;",
        "  rowhook link WEBHOOK --agent ID",
    ),
    "commits": (
        "Link a webhook to a goal; one new to Rowhook is added by its next commit:",
        "  rowhook link WEBHOOK --goal ID",
    ),
}


def listed(source: WatchedTable) -> dict[str, Any]:
    """A row of the list of sources."""
    return {
        "name": source.name,
        "kind": source.kind,
        "table": source.relation,
        "installed": source.installed_at,
        "error": source.drift or "none",
    }


def proposed(proposal: Proposal, notes: Sequence[str]) -> list[Table | str]:
    """What each field is read from, what is not mapped and what that means, and the SQL."""
    types = {column.name: column.type for column in proposal.columns}
    rows = [
        {
            "field": field,
            "read from": _said(value),
            "type": types.get(str(value)),
            "because": proposal.reasons[field],
        }
        for field, value in proposal.mapping.items()
    ]
    lines: list[Table | str] = [f"{proposal.table} as {proposal.kind}", "", table(rows)]
    if proposal.absent:
        lines += ["", "Not mapped:"]
        lines += [f"  {field.name}: {field.without}." for field in proposal.absent]
    if proposal.unread:
        lines += ["", f"Columns that are not read: {', '.join(proposal.unread)}."]
    if notes:
        lines += ["", *notes]
    return [*lines, "", sql(proposal)]


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    if "value" in value:
        return f"the constant {json.dumps(value['value'], ensure_ascii=False)}"
    return ", ".join(f"{name} = {status}" for name, status in value.items())


def sql(proposal: Proposal) -> str:
    """The statement that installs it, for psql."""
    pairs = (f"  {_json(field)}: {_json(value)}" for field, value in proposal.mapping.items())
    text = "{\n" + ",\n".join(pairs) + "}"
    return f"select rowhook.watch_{proposal.kind}({_literal(proposal.table)}, {_literal(text)});"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def missing(proposal: Proposal) -> list[str]:
    """Which fields nothing was found for, and what to add."""
    names = " and ".join(proposal.missing)
    columns = ", ".join(f"{column.name} {column.type}" for column in proposal.columns)
    return [
        f"{proposal.table}: no column is {names} by its name and type.",
        *(f"Add {_EXAMPLES.get(name, f'--map {name}=COLUMN')}." for name in proposal.missing),
        f"Columns: {columns}.",
    ]


def never_complete(proposal: Proposal, values: Sequence[str]) -> list[str]:
    """That no value of the status column can complete a job, and what to add."""
    return [
        f"{proposal.table}: no value of {_said(proposal.mapping['status'])} completes a job.",
        f"Its values: {', '.join(values)}.",
        "Add --status-map VALUE=succeeded and --status-map VALUE=failed.",
    ]


def status_notes(proposal: Proposal, values: Sequence[str], *, is_every: bool) -> list[str]:
    """Which values fire nothing, and what is not known of the others."""
    statuses = completing(proposal)
    silent = [value for value in values if value not in statuses]
    lines = [f"Statuses that fire nothing: {', '.join(silent)}."] if silent else []
    if not is_every:
        complete = ", ".join(statuses) or "none"
        lines.append(
            f"Statuses that complete a job: {complete}. Only the first 10,000 rows were looked at:"
            " for others add --status-map VALUE=succeeded or VALUE=failed."
        )
    lines += [
        f"No status is mapped to {status}: job.{status} never fires."
        for status in ("succeeded", "failed")
        if status not in statuses.values()
    ]
    return lines


def notes(proposal: Proposal) -> list[str]:
    """What a person must know of the columns that were chosen."""
    id_column = proposal.column("id")
    lines = []
    if id_column is not None and not id_column.is_unique:
        lines.append(
            f"{id_column.name} has no unique index of its own: rows with the same {id_column.name}"
            " are the same to Rowhook."
        )
    lines += [
        f"{column.name} is without a time zone and read as UTC; or add"
        ' --map time_zone=\'{"value": "Europe/Berlin"}\'.'
        for column in map(proposal.column, _TIMES)
        if column and "with time zone" not in column.type and "time_zone" not in proposal.mapping
    ]
    return lines


def installed(source: WatchedTable) -> list[str]:
    """What was installed, whether missed rows are found, and what comes next."""
    lines = [f"Installed on {source.relation}: triggers {', '.join(source.triggers)}."]
    if source.kind not in _LINK:
        return [*lines, "Rows that were there already were taken over.", *_drift(source)]
    lines.append("What was there already is history and is never sent.")
    time = next((source.mapping[name] for name in _TIMES if name in source.mapping), None)
    if source.drift is not None:
        lines += _drift(source)
    elif time is None:
        lines.append("Rows that the triggers miss are not found: no time is mapped.")
    else:
        lines.append(f"Rows that the triggers miss are found by {_said(time)} within a minute.")
    return [*lines, "", *_LINK[source.kind]]


def _drift(source: WatchedTable) -> list[str]:
    return [] if source.drift is None else [f"To do: {source.drift}"]


def removable(sources: Sequence[WatchedTable]) -> list[str]:
    """What a removal would remove."""
    return [
        f"{source.name} ({source.kind}): triggers {', '.join(source.triggers) or 'none'}"
        for source in sources
    ]
