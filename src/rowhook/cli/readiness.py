"""What a database must be before a command works with it: examined, migrated, granted."""

from __future__ import annotations

from dataclasses import dataclass

from rowhook import migrate, postgres
from rowhook.cli.entrance import Database
from rowhook.migrate import MigrationRejected
from rowhook.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """The applied steps, the grants that were made, and those that another login must make.

    `unchecked` is why it is not known what the login of DATABASE_URL lacks; None where it is.
    """

    steps: list[str]
    granted: list[str]
    refused: list[str]
    unchecked: str | None = None


async def check_ready(settings: Settings, place: Database, *, reads_only: bool = False) -> None:
    """Raises NotReady or MigrationRejected while server, database or login lack something.

    A command that `reads_only` works on a standby too.
    """
    findings = await migrate.examine(place.dsn, settings.role_prefix)
    migrate.require(findings, "server", *(() if reads_only else ("write",)), "start")
    pending = await migrate.plan(place.direct, repairs="missing")
    if pending:
        raise MigrationRejected(
            f"the database is not migrated ({', '.join(pending)}): run rowhook migrate first"
        )


async def migrate_and_grant(
    settings: Settings, place: Database, *, at_start: bool = False
) -> Migrated:
    """Migrates as the owner, and makes the login of DATABASE_URL a member of the service roles.

    `at_start`, a login that may not migrate needs a schema that lacks nothing, and no more.
    """
    prefix = settings.role_prefix
    steps = await migrate.migrate(place.direct, prefix=prefix, at_start=at_start)
    try:
        granted, refused = await migrate.grant_missing(place.direct, place.dsn, prefix)
    except postgres.Unreachable as error:
        return Migrated(steps=steps, granted=[], refused=[], unchecked=postgres.reason(error))
    return Migrated(steps=steps, granted=granted, refused=refused)
