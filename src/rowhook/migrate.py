"""Brings a database to this version: numbered tables once, then the engine whole, then pgqueuer.

Everything runs under one advisory lock, each step in a transaction of its own, so a migration that
is cut off is taken up where it stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from rowhook import outbox, postgres

_LOCK = 0x726F77686F6F6B  # "rowhook"
_ENGINE = "engine"


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
    packaged = Path(__file__).parent / "sql"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "sql"


def _step(name: str, *paths: Path) -> Step:
    sql = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    return Step(name=name, sql=sql, checksum=hashlib.sha256(sql.encode()).hexdigest())


def steps(folder: Path) -> tuple[Step, ...]:
    """All steps of this version, in order; the last is the engine (functions, views, grants)."""
    tables = [_step(path.stem, path) for path in sorted((folder / "tables").glob("*.sql"))]
    engine = [
        *sorted((folder / "functions").glob("*.sql")),
        *sorted((folder / "views").glob("*.sql")),
    ]
    return (*tables, _step(_ENGINE, *engine, folder / "policies.sql", folder / "grants.sql"))


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


@asynccontextmanager
async def _locked(dsn: str) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await postgres.connect(dsn) as connection:
        await postgres.lock_session(connection, _LOCK)
        yield connection


async def plan(dsn: str, folder: Path | None = None) -> list[str]:
    """The names of the steps that `migrate` would apply; changes nothing."""
    wanted = steps(folder or sql_folder())
    async with await postgres.connect(dsn) as connection:
        todo = pending(wanted, await postgres.applied_migrations(connection))
        return [step.name for step in todo] + await outbox.plan_pgqueuer(connection)


async def migrate(dsn: str, folder: Path | None = None) -> list[str]:
    """Applies what is missing and answers the names of the applied steps, in order.

    Two at once are safe: the second waits, then finds nothing to do. Raises MigrationRejected, or
    psycopg.Error with the step's name in its notes.
    """
    folder = folder or sql_folder()
    wanted = steps(folder)
    async with _locked(dsn) as connection:
        await postgres.run_script(connection, (folder / "bootstrap.sql").read_text("utf-8"))
        todo = pending(wanted, await postgres.applied_migrations(connection))
        for step in todo:
            await _apply(connection, step)
        done = [step.name for step in todo]
        upgraded = await outbox.upgrade_pgqueuer(connection)
        if upgraded:
            grants = (folder / "pgqueuer_grants.sql").read_text("utf-8")
            await postgres.run_script(connection, grants)
        return done + upgraded


async def _apply(connection: psycopg.AsyncConnection, step: Step) -> None:
    try:
        async with connection.transaction():
            await postgres.run_script(connection, step.sql)
            await postgres.note_migration(connection, step.name, step.checksum)
    except psycopg.Error as error:
        error.add_note(f"step {step.name} was rolled back; what came before it is kept")
        raise
