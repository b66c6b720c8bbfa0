"""Checks server, login and database before anything starts; prints the SQL for a DBA."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

import psycopg
from psycopg import AsyncRawCursor, sql
from psycopg.rows import class_row

from rowhook.db import connection_errors, connection_pool, statements
from rowhook.migrate.steps import read_sql, sql_folder

_VARIABLE = re.compile(r":([\"'])(owner|login|database)\1")
Purpose = Literal["server", "write", "migrate", "start"]
GRANT_ADVICE = (
    "Run rowhook migrate with DATABASE_DIRECT_URL set to a login that owns the schema rowhook, to"
    " grant the missing privileges."
)
_MEMBERSHIP = "membership in "


def bootstrap_sql(*, owner: str, login: str, database: str, prefix: str) -> str:
    """Returns idempotent SQL for roles, schemas and grants.

    `owner` runs migrations; `login` is the one that workers and the API connect with.
    """
    names = {"owner": owner, "login": login, "database": database}

    def quoted(variable: re.Match[str]) -> str:
        name = names[variable[2]]
        kind = sql.Identifier if variable[1] == '"' else sql.Literal
        return kind(name).as_string(None)

    folder = sql_folder()
    parts = (read_sql(folder / name, prefix) for name in ("roles.sql", "bootstrap_by_dba.sql"))
    return _VARIABLE.sub(quoted, "".join(parts))


class Finding(NamedTuple):
    """The result of one check. `advice` is the remedy if it is not healthy."""

    subject: str
    needed_for: Purpose
    healthy: bool
    finding: str
    advice: str


class NotReady(RuntimeError):
    """Server, database or login do not meet the requirements; `findings` contain the remedies."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(f"{finding.subject}: {finding.finding}" for finding in findings))
        self.findings = findings


async def examine(dsn: str, prefix: str) -> list[Finding]:
    """Runs all checks for the login of a connection string, over a new connection."""
    async with await connection_pool.connect(dsn) as connection:
        return await examine_over(connection, prefix)


async def examine_over(connection: psycopg.AsyncConnection, prefix: str) -> list[Finding]:
    """Runs all checks for the login of this connection."""
    query = (sql_folder() / "preflight.sql").read_bytes()
    async with AsyncRawCursor(connection, row_factory=class_row(Finding)) as cursor:
        await cursor.execute(query, (prefix,))
        return await cursor.fetchall()


def unhealthy(findings: Iterable[Finding], *purposes: Purpose) -> list[Finding]:
    """Returns the failed checks for these purposes."""
    return [
        finding for finding in findings if finding.needed_for in purposes and not finding.healthy
    ]


def require(findings: list[Finding], *purposes: Purpose) -> None:
    """Raises NotReady for the first of these purposes with a failed check."""
    for purpose in purposes:
        missing = unhealthy(findings, purpose)
        if missing:
            raise NotReady(missing)


def denied(findings: list[Finding], error: psycopg.Error) -> NotReady:
    """Returns an error for a login that lacks a privilege, with at least one finding."""
    missing = unhealthy(findings, "migrate", "start")
    fallback = Finding(
        subject="rights",
        needed_for="start",
        healthy=False,
        finding=connection_errors.reason(error),
        advice=GRANT_ADVICE,
    )
    return NotReady(missing or [fallback])


async def grant_missing(owner_dsn: str, login_dsn: str, prefix: str) -> tuple[list[str], list[str]]:
    """Grants the roles of worker and API to the login of `login_dsn`, as the owner.

    Returns the statements that were executed, and those that the owner may not execute.
    """
    missing = unhealthy(await examine(login_dsn, prefix), "start")
    executed: list[str] = []
    refused: list[str] = []
    async with await connection_pool.connect(owner_dsn) as connection:
        for finding in missing:
            if not finding.subject.startswith(_MEMBERSHIP):
                continue
            try:
                await statements.run_script(connection, finding.advice)
            except psycopg.errors.InsufficientPrivilege:
                refused.append(finding.advice)
            else:
                executed.append(finding.advice)
    return executed, refused
