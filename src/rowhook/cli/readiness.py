"""Checks and migrates the database before a command uses it."""

from __future__ import annotations

from dataclasses import dataclass

from rowhook import migrate, postgres
from rowhook.cli.entrance import Database
from rowhook.migrate import MigrationRejected
from rowhook.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """The applied steps, the executed grants, and the grants that an administrator must execute.

    `unchecked` is the reason why the rights of the login of DATABASE_URL could not be checked.
    """

    steps: list[str]
    granted: list[str]
    refused: list[str]
    unchecked: str | None = None


async def check_ready(settings: Settings, database: Database, *, reads_only: bool = False) -> None:
    """Raises NotReady or MigrationRejected unless server, schema and login are ready.

    With `reads_only`, a standby is accepted too.
    """
    findings = await migrate.examine(database.dsn, settings.role_prefix)
    migrate.require(findings, "server", *(() if reads_only else ("write",)), "start")
    pending = await migrate.plan(database.direct, repairs="missing")
    if pending:
        raise MigrationRejected(
            f"The database is not migrated. Run rowhook migrate. Pending: {', '.join(pending)}."
        )


async def migrate_and_grant(
    settings: Settings, database: Database, *, at_start: bool = False
) -> Migrated:
    """Migrates as the owner, and makes the login of DATABASE_URL a member of the service roles.

    With `at_start`, a login that cannot migrate is accepted if the schema is complete.
    """
    prefix = settings.role_prefix
    steps = await migrate.migrate(database.direct, prefix=prefix, at_start=at_start)
    try:
        granted, refused = await migrate.grant_missing(database.direct, database.dsn, prefix)
    except postgres.Unreachable as error:
        return Migrated(steps=steps, granted=[], refused=[], unchecked=postgres.reason(error))
    return Migrated(steps=steps, granted=granted, refused=refused)
