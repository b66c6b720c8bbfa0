"""What a server, a login and a database must offer, examined before anything starts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import psycopg
from psycopg import AsyncRawCursor
from psycopg.rows import class_row

from rowhook import postgres
from rowhook.migrate.steps import sql_folder

Purpose = Literal["server", "write", "migrate", "start"]
GRANT_ADVICE = (
    "Run rowhook migrate with DATABASE_DIRECT_URL set to a login that owns the schema rowhook: it"
    " grants what is missing."
)
_MEMBERSHIP = "membership in "


class Finding(NamedTuple):
    """One examined subject. `advice` is what to run, or to do, where it is not healthy."""

    subject: str
    needed_for: Purpose
    healthy: bool
    finding: str
    advice: str


class NotReady(RuntimeError):
    """The server, the database or the login lacks something; `findings` say what to run."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(f"{found.subject}: {found.finding}" for found in findings))
        self.findings = findings


async def examine(dsn: str, prefix: str) -> list[Finding]:
    """All findings for the login of a connection string, over a connection of its own."""
    async with await postgres.connect(dsn) as connection:
        return await examine_over(connection, prefix)


async def examine_over(connection: psycopg.AsyncConnection, prefix: str) -> list[Finding]:
    """All findings for the login of this connection."""
    query = (sql_folder() / "preflight.sql").read_bytes()
    async with AsyncRawCursor(connection, row_factory=class_row(Finding)) as cursor:
        await cursor.execute(query, (prefix,))
        return await cursor.fetchall()


def unhealthy(findings: Iterable[Finding], *purposes: Purpose) -> list[Finding]:
    """What is missing for these purposes."""
    return [found for found in findings if found.needed_for in purposes and not found.healthy]


def require(findings: list[Finding], *purposes: Purpose) -> None:
    """Raises NotReady for the first of these purposes that lacks something."""
    for purpose in purposes:
        missing = unhealthy(findings, purpose)
        if missing:
            raise NotReady(missing)


def denied(findings: list[Finding], error: psycopg.Error) -> NotReady:
    """What a login lacks that was refused a right of the schema: never nothing."""
    missing = unhealthy(findings, "migrate", "start")
    refused = Finding(
        subject="rights",
        needed_for="start",
        healthy=False,
        finding=postgres.reason(error),
        advice=GRANT_ADVICE,
    )
    return NotReady(missing or [refused])


async def grant_missing(owner_dsn: str, login_dsn: str, prefix: str) -> tuple[list[str], list[str]]:
    """Makes the login of `login_dsn` a member of the roles of worker and API, as the owner.

    Answers the statements that ran, and those that the owner may not run.
    """
    missing = unhealthy(await examine(login_dsn, prefix), "start")
    done: list[str] = []
    refused: list[str] = []
    async with await postgres.connect(owner_dsn) as connection:
        for found in missing:
            if not found.subject.startswith(_MEMBERSHIP):
                continue
            try:
                await postgres.run_script(connection, found.advice)
            except psycopg.errors.InsufficientPrivilege:
                refused.append(found.advice)
            else:
                done.append(found.advice)
    return done, refused
