"""The steps of a migration, made of the files of `sql/`.

The rules for a new file of `sql/tables` are in its README.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

DEFAULT_PREFIX = "rowhook"
OUTSIDE = "-- rowhook: outside a transaction\n"
GRANTS = "grants"
# Represents all functions and views when the schema is compared with its stored state.
FUNCTIONS = "functions"
BOOTSTRAP = "bootstrap"
Kind = Literal["script", "outside", "release", "trigger", "policies", "comments"]
_ROLE = re.compile(r"\browhook_(producer|reader|operator|worker|api)\b")
_HISTORY = re.compile(r"\d{4}_")
# The files numbered 10 to 19 generate the captures.
_GENERATORS = re.compile(r"functions/1\d_")
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
_PARAGRAPH_END = re.compile(r"(?<=;)[ \t]*\n(?:[ \t]*\n)+")
_TRIGGER = re.compile(r"create or replace trigger (\w+)\s.*?\son rowhook\.(\w+)", re.DOTALL)
_TABLE = re.compile(r"\srowhook\.(\w+)")


class MigrationRejected(RuntimeError):
    """The database cannot be migrated to this version; the message contains the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One migration step.

    The kinds are: script, in its own transaction; outside, statement by statement outside a
    transaction; release, in one transaction with all other release steps; trigger and policies, a
    trigger or all policies of `table`, in its own transaction; comments, those of each relation in
    a separate transaction.
    """

    kind: Kind
    name: str
    sql: str
    checksum: str
    table: str = ""
    trigger: str = ""


def sql_folder() -> Path:
    """Returns `rowhook/sql` in a wheel, or `sql` next to `src` in a checkout."""
    packaged = Path(__file__).parents[1] / "sql"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "sql"


def with_prefix(sql: str, prefix: str) -> str:
    """Replaces the prefix of the five role names."""
    return _ROLE.sub(rf"{prefix}_\1", sql)


def read_sql(path: Path, prefix: str) -> str:
    """Returns the text of a file with the role names of this installation."""
    return with_prefix(path.read_text(encoding="utf-8"), prefix)


def paragraphs(sql: str) -> list[str]:
    """Splits a text into statements, without comments.

    A statement ends with a semicolon at the end of a line, followed by an empty line.
    """
    parts = _PARAGRAPH_END.split(_COMMENT.sub("", sql).strip() + "\n")
    return [part.strip() for part in parts]


def comments_by_relation(sql: str) -> list[str]:
    """Groups successive comments on one table or its columns; each ends with a line."""
    statements = _COMMENT.sub("", sql).strip().split(";\n")
    return [
        ";\n".join(group) for _, group in groupby(statements, lambda text: _TABLE.findall(text)[:1])
    ]


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _table_step(path: Path, prefix: str) -> Step:
    # The checksum of history is that of the file, independent of the role names.
    text = path.read_text(encoding="utf-8")
    return Step(
        kind="outside" if text.startswith(OUTSIDE) else "script",
        name=path.stem,
        sql=with_prefix(text, prefix),
        checksum=_checksum(text),
    )


def _step(kind: Kind, name: str, sql: str, table: str = "", trigger: str = "") -> Step:
    return Step(
        kind=kind, name=name, sql=sql, checksum=_checksum(sql), table=table, trigger=trigger
    )


def _captures(folder: Path, functions: list[Step]) -> Step:
    """Returns the step that regenerates captures; pending if their generators changed."""
    generators = [step.checksum for step in functions if _GENERATORS.match(step.name)]
    sql = (folder / "captures.sql").read_text(encoding="utf-8")
    checksum = _checksum("".join([sql, *generators]))
    return Step(kind="release", name="captures", sql=sql, checksum=checksum)


def _release(folder: Path, prefix: str) -> Iterator[Step]:
    paths = [
        *sorted((folder / "functions").glob("*.sql")),
        *sorted((folder / "views").glob("*.sql")),
    ]
    functions = [
        _step("release", f"{path.parent.name}/{path.stem}", read_sql(path, prefix))
        for path in paths
    ]
    yield from functions
    yield _captures(folder, functions)
    grants = [read_sql(folder / name, prefix) for name in ("grants.sql", "pgqueuer_grants.sql")]
    yield _step("release", GRANTS, "\n".join(grants))


def _triggers(sql: str) -> Iterator[Step]:
    for definition in paragraphs(sql):
        for trigger, table in _TRIGGER.findall(definition):
            yield _step("trigger", f"triggers/{table}.{trigger}", definition, table, trigger)


def _policies(sql: str) -> Iterator[Step]:
    for definition in paragraphs(sql):
        for table in _TABLE.findall(definition)[:1]:
            yield _step("policies", f"policies/{table}", definition, table)


def all_steps(folder: Path, prefix: str) -> tuple[Step, ...]:
    """Returns all steps of this version, in order."""
    bootstrap = "\n".join(
        read_sql(folder / name, prefix) for name in ("bootstrap.sql", "roles.sql")
    )
    tables = sorted((folder / "tables").glob("*.sql"))
    return (
        _step("script", BOOTSTRAP, bootstrap),
        *(_table_step(path, prefix) for path in tables),
        *_release(folder, prefix),
        *_triggers(read_sql(folder / "triggers.sql", prefix)),
        *_policies(read_sql(folder / "policies.sql", prefix)),
        _step("comments", "comments", read_sql(folder / "comments.sql", prefix)),
    )


def is_history(name: str) -> bool:
    """Returns whether a step is a numbered file of sql/tables, applied once and never edited."""
    return _HISTORY.match(name) is not None


def pending(steps_of_version: tuple[Step, ...], applied: dict[str, str]) -> list[Step]:
    """Returns the steps to apply. Raises MigrationRejected if history and files disagree."""
    tables = {step.name: step for step in steps_of_version if is_history(step.name)}
    history = {name: checksum for name, checksum in applied.items() if is_history(name)}
    newer = sorted(set(history) - set(tables))
    if newer:
        raise MigrationRejected(
            f"The database was migrated by a newer Rowhook ({', '.join(newer)}). Upgrade this one."
        )
    for name, checksum in history.items():
        if tables[name].checksum != checksum:
            raise MigrationRejected(
                f"Migration {name} was edited after it was applied. Restore the file from the"
                " release that applied it, and put the change into a new numbered file."
            )
    return [step for step in steps_of_version if applied.get(step.name) != step.checksum]


def unapplied(steps_of_version: Iterable[Step], applied: Iterable[str]) -> list[Step]:
    """Returns the bootstrap and the numbered files of this version that were never applied.

    Functions and other steps may be those of the next release, with which this one keeps working.
    """
    missing = {step.name for step in steps_of_version} - set(applied)
    return [
        step
        for step in steps_of_version
        if step.name in missing and (step.name == BOOTSTRAP or is_history(step.name))
    ]


def obsolete(steps_of_version: Iterable[Step], applied: Iterable[str]) -> list[str]:
    """Returns applied steps that this version no longer has, such as renamed or deleted files."""
    return sorted(
        {name for name in applied if not is_history(name)}
        - {step.name for step in steps_of_version}
    )
