"""Chooses the column of each field, as requested, as in the current mapping, or by name.

Maps the values of a status column to `succeeded` and `failed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from rowhook.mapping.source_fields import FIELDS, Field

# A column, a dotted path into a json column, or {"value": constant}.
Value = str | dict[str, Any]
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATOR = re.compile(r"[^a-z0-9]+")
_COMPLETING = {
    **dict.fromkeys(
        ("done", "completed", "complete", "success", "successful", "succeeded", "ok", "finished"),
        "succeeded",
    ),
    **dict.fromkeys(("error", "errored", "failed", "failure"), "failed"),
}
# The effect of a mapping without a status_map.
_DEFAULT = {"succeeded": "succeeded", "failed": "failed"}


class Column(NamedTuple):
    """A column of the table; `kind` is json, time, number, text or other.

    `is_key`: it is the whole primary key; `is_unique`: it alone has a unique index.
    """

    name: str
    type: str
    kind: str
    is_key: bool
    is_unique: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposed mapping with the reason for each field."""

    kind: str
    table: str
    columns: tuple[Column, ...]
    mapping: dict[str, Any]
    reasons: dict[str, str]

    def column(self, field: str) -> Column | None:
        """Returns the column of a field; None if it is unmapped, a constant or a path."""
        return _by_name(self.columns).get(str(self.mapping.get(field)))

    @property
    def missing(self) -> tuple[str, ...]:
        """Required fields without a column."""
        fields = [
            field.name
            for field in FIELDS[self.kind]
            if field.is_required and field.name not in self.mapping
        ]
        if self.kind == "jobs" and not self.mapping.keys() & {"agent_id", "agent_version_id"}:
            fields.append("agent_id")
        return tuple(fields)

    @property
    def absent(self) -> tuple[Field, ...]:
        """Unmapped optional fields with a documented effect."""
        return tuple(
            field
            for field in FIELDS[self.kind]
            if field.without and field.name not in (*self.mapping, *self.missing)
        )

    @property
    def unread(self) -> tuple[str, ...]:
        """Columns that the mapping does not use."""
        used = set(_used_columns(self.mapping))
        return tuple(column.name for column in self.columns if column.name not in used)


def propose(
    kind: str,
    table: str,
    columns: Sequence[Column],
    current: Mapping[str, Any],
    requested: Mapping[str, Value | None],
) -> Proposal:
    """A mapping of the qualified `table`.

    `requested` has precedence (None leaves a field out), then the `current` mapping for columns
    that still exist, then the suggestions by name and type.
    """
    names = _by_name(columns)
    existing = {name: value for name, value in current.items() if _exists(value, names)}
    mapping: dict[str, Any] = {**existing, **requested}
    reasons = {**dict.fromkeys(existing, "current"), **dict.fromkeys(requested, "--map")}
    for field in FIELDS[kind]:
        used = set(_used_columns(mapping))
        free = [column for column in columns if column.name not in used]
        suggested = None if field.name in mapping else next(_suggest(field, free, table), None)
        if suggested is not None:
            mapping[field.name], reasons[field.name] = suggested[0].name, suggested[1]
    order = [field.name for field in FIELDS[kind] if mapping.get(field.name) is not None]
    return Proposal(
        kind=kind,
        table=table,
        columns=tuple(columns),
        reasons=reasons,
        mapping={name: mapping[name] for name in order},
    )


def _suggest(field: Field, columns: Sequence[Column], table: str) -> Iterator[tuple[Column, str]]:
    """Yields candidate columns for a field, the best first, each with a reason."""
    if not field.names:
        return
    candidates = [column for column in columns if column.kind in field.kinds]
    if field.is_key:
        yield from ((column, "primary key") for column in candidates if column.is_key)
    indexes: tuple[dict[str, Column], ...] = (
        {_snake(column.name): column for column in reversed(candidates)},
        {_without_table(column.name, table): column for column in reversed(candidates)},
    )
    for index in indexes:
        yield from ((index[name], "name") for name in field.names if name in index)
    json = [column for column in candidates if column.kind == "json"]
    if field.takes_only_json and len(json) == 1:
        yield json[0], "the only json column"


def _snake(name: str) -> str:
    """Converts `agentId`, `Agent ID` and `agent-id` to `agent_id`."""
    return _SEPARATOR.sub("_", _CAMEL.sub("_", name).lower()).strip("_")


def _without_table(column: str, table: str) -> str:
    """Strips the table from a column name: of `public.agent_runs`, `agent_run_` or `run_`."""
    name = _snake(column)
    plural = _snake(table.rpartition(".")[2])
    singular = re.sub("ies$", "y", plural) if plural.endswith("ies") else plural.removesuffix("s")
    for prefix in (singular, singular.rpartition("_")[2]):
        if prefix and name.startswith(f"{prefix}_"):
            return name.removeprefix(f"{prefix}_")
    return name


def _by_name(columns: Sequence[Column]) -> dict[str, Column]:
    return {column.name: column for column in columns}


def _exists(value: Any, names: Mapping[str, Column]) -> bool:
    return not isinstance(value, str) or value in names or value.partition(".")[0] in names


def _used_columns(mapping: Mapping[str, Any]) -> Iterator[str]:
    """Yields the columns that a mapping uses; for a dotted path, its json column."""
    for value in mapping.values():
        if isinstance(value, str):
            yield from {value, value.partition(".")[0]}


def with_status_map(
    proposal: Proposal,
    values: Sequence[str],
    current: Mapping[str, str] | None,
    requested: Mapping[str, str | None],
) -> Proposal:
    """Adds a `status_map` to the proposal if it differs from the default.

    `values` are those of the status column; `current` is the existing map of the same column;
    `requested` has precedence, and None leaves a value out.
    """
    base = _suggest_status(values) if current is None else current
    status_map = {
        value: status for value, status in {**base, **requested}.items() if status is not None
    }
    if not requested and status_map.items() <= _DEFAULT.items():
        return proposal
    reason = "--status-map" if requested else "its values" if current is None else "current"
    mapping: dict[str, Any] = {}
    for field, value in proposal.mapping.items():
        mapping |= {field: value, "status_map": status_map} if field == "status" else {field: value}
    return replace(proposal, mapping=mapping, reasons={**proposal.reasons, "status_map": reason})


def _suggest_status(values: Sequence[str]) -> dict[str, str]:
    return {value: _COMPLETING[value.lower()] for value in values if value.lower() in _COMPLETING}


def completing(proposal: Proposal) -> dict[str, str]:
    """Returns the values that complete a job, each with `succeeded` or `failed`."""
    status_map = proposal.mapping.get("status_map", _DEFAULT)
    return {value: status for value, status in status_map.items() if status in _DEFAULT}
