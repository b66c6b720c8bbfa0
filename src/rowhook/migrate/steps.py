"""The steps of a migration: which files of `sql/` they are made of, and which are pending."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PREFIX = "rowhook"
_ENGINE = "engine"
_ROLE = re.compile(r"\browhook_(producer|reader|operator|worker|api)\b")


class MigrationRejected(RuntimeError):
    """The database cannot be brought to this version; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to apply. `sql` is the text of one transaction."""

    name: str
    sql: str
    checksum: str


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


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _table_step(path: Path, prefix: str) -> Step:
    # History: its checksum is that of the file, whatever the roles are called.
    text = path.read_text(encoding="utf-8")
    return Step(name=path.stem, sql=with_prefix(text, prefix), checksum=_checksum(text))


def _number(path: Path) -> tuple[int, str]:
    # 99_obsolete.sql comes after 9_admit.sql.
    return int(path.name.partition("_")[0]), path.name


def _engine_step(folder: Path, prefix: str) -> Step:
    paths = [
        *sorted((folder / "functions").glob("*.sql"), key=_number),
        *sorted((folder / "views").glob("*.sql")),
        folder / "policies.sql",
        folder / "grants.sql",
    ]
    sql = "\n".join(read_sql(path, prefix) for path in paths)
    return Step(name=_ENGINE, sql=sql, checksum=_checksum(sql))


def steps(folder: Path, prefix: str) -> tuple[Step, ...]:
    """All steps of this version, in order; the last is the engine (functions, views, grants)."""
    tables = sorted((folder / "tables").glob("*.sql"))
    return (*(_table_step(path, prefix) for path in tables), _engine_step(folder, prefix))


def pending(wanted: tuple[Step, ...], applied: dict[str, str]) -> tuple[Step, ...]:
    """What is still to apply. Raises MigrationRejected if history and files disagree."""
    tables = {step.name: step for step in wanted if step.name != _ENGINE}
    newer = sorted(set(applied) - set(tables) - {_ENGINE})
    if newer:
        raise MigrationRejected(
            f"the database was migrated by a newer Rowhook ({', '.join(newer)}): upgrade this one"
        )
    for name, checksum in applied.items():
        if name != _ENGINE and tables[name].checksum != checksum:
            raise MigrationRejected(
                f"migration {name} was edited after it was applied: restore the file of the release"
                " that applied it, and put the change into a new numbered file"
            )
    return tuple(step for step in wanted if applied.get(step.name) != step.checksum)
