"""The steps of a migration: which files of `sql/` they are made of, and which are pending.

The rules for a new file of `sql/tables` are in its README.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DEFAULT_PREFIX = "rowhook"
OUTSIDE = "-- rowhook: outside a transaction\n"
GRANTS = "grants"
# All functions and views, in the comparison of the schema with what was kept of it.
FUNCTIONS = "functions"
BOOTSTRAP = "bootstrap"
Kind = Literal["script", "outside", "release", "trigger", "policies"]
_ROLE = re.compile(r"\browhook_(producer|reader|operator|worker|api)\b")
_HISTORY = re.compile(r"\d{4}_")
# The files numbered 10 to 19 generate the captures.
_GENERATORS = re.compile(r"functions/1\d_")
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
_PARAGRAPH_END = re.compile(r"(?<=;)[ \t]*\n(?:[ \t]*\n)+")
_TRIGGER = re.compile(r"create or replace trigger (\w+)\s.*?\son rowhook\.(\w+)", re.DOTALL)
_TABLE = re.compile(r"\srowhook\.(\w+)")


class MigrationRejected(RuntimeError):
    """The database cannot be brought to this version; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to apply, by its kind.

    script: a transaction of its own. outside: statement by statement, outside a transaction.
    release: one transaction together with all others of this kind. trigger, policies: what
    `table` has, in a transaction of its own.
    """

    kind: Kind
    name: str
    sql: str
    checksum: str
    table: str = ""
    trigger: str = ""


def sql_folder() -> Path:
    """`rowhook/sql` in a wheel, `sql` beside `src` in a clone."""
    packaged = Path(__file__).parents[1] / "sql"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "sql"


def with_prefix(sql: str, prefix: str) -> str:
    """The text with the five role names of this installation."""
    return _ROLE.sub(rf"{prefix}_\1", sql)


def read_sql(path: Path, prefix: str) -> str:
    """The text of a file as it is applied."""
    return with_prefix(path.read_text(encoding="utf-8"), prefix)


def paragraphs(sql: str) -> list[str]:
    """The statements of a text, without comments.

    One ends with a semicolon at the end of a line that an empty line follows.
    """
    parts = _PARAGRAPH_END.split(_COMMENT.sub("", sql).strip() + "\n")
    return [part.strip() for part in parts]


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _table_step(path: Path, prefix: str) -> Step:
    # History: its checksum is that of the file, whatever the roles are called.
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
    """Generates the captures of all sources again where what generates them changed."""
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


def steps(folder: Path, prefix: str) -> tuple[Step, ...]:
    """All steps of this version, in order."""
    ground = "\n".join(read_sql(folder / name, prefix) for name in ("bootstrap.sql", "roles.sql"))
    tables = sorted((folder / "tables").glob("*.sql"))
    return (
        _step("script", BOOTSTRAP, ground),
        *(_table_step(path, prefix) for path in tables),
        *_release(folder, prefix),
        *_triggers(read_sql(folder / "triggers.sql", prefix)),
        *_policies(read_sql(folder / "policies.sql", prefix)),
        _step("script", "comments", read_sql(folder / "comments.sql", prefix)),
    )


def is_history(name: str) -> bool:
    """A numbered file of sql/tables: applied once, never edited."""
    return _HISTORY.match(name) is not None


def pending(wanted: tuple[Step, ...], applied: dict[str, str]) -> list[Step]:
    """What is still to apply. Raises MigrationRejected if history and files disagree."""
    tables = {step.name: step for step in wanted if is_history(step.name)}
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
    return [step for step in wanted if applied.get(step.name) != step.checksum]


def obsolete(wanted: Iterable[Step], applied: Iterable[str]) -> list[str]:
    """Applied steps that this version no longer has: renamed or deleted files, removed triggers."""
    return sorted(
        {name for name in applied if not is_history(name)} - {step.name for step in wanted}
    )
