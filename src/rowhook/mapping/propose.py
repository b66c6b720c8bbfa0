"""Which column each field is read from: what was asked for, what is so already, or a proposal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rowhook.mapping.fields import FIELDS, Field

# A column, a dotted path into a json column, or {"value": constant}.
Value = str | dict[str, Any]
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATOR = re.compile(r"[^a-z0-9]+")


class Column(NamedTuple):
    """A column of the table; `kind` is json, time, number, text or other.

    `is_key`: it is the primary key by itself; `is_unique`: it has a unique index of its own.
    """

    name: str
    type: str
    kind: str
    is_key: bool
    is_unique: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A mapping in the making; `reasons` say of each field why it is read from there."""

    kind: str
    table: str
    columns: tuple[Column, ...]
    mapping: dict[str, Any]
    reasons: dict[str, str]

    def column(self, field: str) -> Column | None:
        """The column that a field is read from; None if it is not mapped, a constant or a path."""
        return _by_name(self.columns).get(str(self.mapping.get(field)))

    @property
    def missing(self) -> tuple[str, ...]:
        """Required fields that nothing was found for."""
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
        """Fields that stay unmapped, of those whose absence means something."""
        return tuple(
            field
            for field in FIELDS[self.kind]
            if field.without and field.name not in (*self.mapping, *self.missing)
        )

    @property
    def unread(self) -> tuple[str, ...]:
        """Columns that no field is read from."""
        read = set(_read(self.mapping))
        return tuple(column.name for column in self.columns if column.name not in read)


def propose(
    kind: str,
    table: str,
    columns: Sequence[Column],
    current: Mapping[str, Any],
    wanted: Mapping[str, Value | None],
) -> Proposal:
    """A mapping of the qualified `table`.

    `wanted` comes first (None leaves a field out), then the `current` mapping as far as its
    columns are there, then what names and types suggest.
    """
    names = _by_name(columns)
    kept = {name: value for name, value in current.items() if _is_there(value, names)}
    mapping: dict[str, Any] = {**kept, **wanted}
    reasons = {**dict.fromkeys(kept, "so far"), **dict.fromkeys(wanted, "--map")}
    for field in FIELDS[kind]:
        taken = set(_read(mapping))
        free = [column for column in columns if column.name not in taken]
        suggested = None if field.name in mapping else next(_suggested(field, free, table), None)
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


def _suggested(field: Field, columns: Sequence[Column], table: str) -> Iterator[tuple[Column, str]]:
    """The columns that could be this field, the best first, each with the reason."""
    if not field.names:
        return
    able = [column for column in columns if column.kind in field.kinds]
    if field.is_key:
        yield from ((column, "primary key") for column in able if column.is_key)
    spellings: tuple[dict[str, Column], ...] = (
        {_snake(column.name): column for column in reversed(able)},
        {_without_table(column.name, table): column for column in reversed(able)},
    )
    for spelled in spellings:
        yield from ((spelled[name], "name") for name in field.names if name in spelled)
    json = [column for column in able if column.kind == "json"]
    if field.takes_only_json and len(json) == 1:
        yield json[0], "the only json column"


def _snake(name: str) -> str:
    """`agentId`, `Agent ID` and `agent-id` are `agent_id`."""
    return _SEPARATOR.sub("_", _CAMEL.sub("_", name).lower()).strip("_")


def _without_table(column: str, table: str) -> str:
    """A column of `public.agent_runs` without `agent_run_` or `run_` in front."""
    name = _snake(column)
    plural = _snake(table.rpartition(".")[2])
    singular = re.sub("ies$", "y", plural) if plural.endswith("ies") else plural.removesuffix("s")
    for prefix in (singular, singular.rpartition("_")[2]):
        if prefix and name.startswith(f"{prefix}_"):
            return name.removeprefix(f"{prefix}_")
    return name


def _by_name(columns: Sequence[Column]) -> dict[str, Column]:
    return {column.name: column for column in columns}


def _is_there(value: Any, names: Mapping[str, Column]) -> bool:
    return not isinstance(value, str) or value in names or value.partition(".")[0] in names


def _read(mapping: Mapping[str, Any]) -> Iterator[str]:
    """The columns that a mapping reads; of a dotted path the json column."""
    for value in mapping.values():
        if isinstance(value, str):
            yield from {value, value.partition(".")[0]}
