"""What can go wrong at the command line: its words and its exit code, in one place."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

from rowhook import embedded, migrate, operations, postgres, vault
from rowhook.compose import Fault
from rowhook.postgres import Cause
from rowhook.settings import SettingsRejected

USAGE = 2
UNREACHABLE = 3
_NO_RIGHT = "42501"
_TOLD_BY_US = ("22", "RH")
_REJECTED = "it cannot be done as it stands:"
# What to do, by what keeps the connection from being opened.
_ADVICE = {
    Cause.PASSWORD: "Check the user and the password in DATABASE_URL.",
    Cause.NO_LOGIN: "Create that login, let it log in, or name another in DATABASE_URL.",
    Cause.NOT_ADMITTED: (
        "The server's pg_hba.conf does not admit this user, database and host in this way: add a"
        " line for them, or connect as DATABASE_URL's server expects."
    ),
    Cause.NO_DATABASE: "Create the database, or name another in DATABASE_URL.",
    Cause.NO_CONNECT_RIGHT: (
        "Grant CONNECT on the database to the login of DATABASE_URL, or name another database."
    ),
    Cause.ROLE_NOT_GRANTED: (
        "Run rowhook doctor: it says which right is missing and what grants it."
    ),
    Cause.NO_ROLE: "Run rowhook migrate against the database of DATABASE_URL: it creates the role.",
    Cause.TOO_MANY: (
        "End idle sessions, raise the limit (max_connections, or the login's or the database's"
        " own), run fewer Rowhook processes, or put a transaction pooler in front (DATABASE_URL,"
        " with DATABASE_DIRECT_URL past it)."
    ),
    Cause.POOL_BUSY: "Every connection of this process is in use: try again.",
    Cause.STARTING: "The server is starting or stopping: try again in a moment.",
    Cause.CERTIFICATE: (
        "Check sslmode, sslrootcert and the host name in DATABASE_URL against the server's"
        " certificate."
    ),
    Cause.TLS: "Check sslmode in DATABASE_URL against what the server offers.",
    Cause.REFUSED: (
        "Nothing accepts connections there: check that the server runs, and the host and the port"
        " in DATABASE_URL."
    ),
    Cause.UNKNOWN_HOST: "Check the host name in DATABASE_URL, and this machine's DNS.",
    Cause.SILENT: (
        "Nothing answers there: check the host and the port in DATABASE_URL, and any firewall"
        " between."
    ),
    Cause.OTHER: "Check DATABASE_URL, or unset it to use the embedded Postgres.",
}


class Stopped(Exception):
    """A command cannot go on. `lines` stand under the message, `code` is the exit code."""

    def __init__(self, message: str, *lines: str, code: int = 1) -> None:
        super().__init__(message)
        self.lines = lines
        self.code = code


_FAILURES = (
    embedded.EmbeddedUnavailable,
    migrate.MigrationRejected,
    migrate.NotReady,
    vault.KeyringRejected,
    operations.Rejected,
    operations.NotReadable,
    operations.NotFound,
    operations.Conflict,
    operations.TooMany,
    postgres.RevisionConflict,
    postgres.StatementError,
)


def code_of(error: Exception) -> int | None:
    """The exit code of what a person can do something about; None for a bug of ours."""
    if isinstance(error, Stopped):
        return error.code
    if isinstance(error, SettingsRejected):
        return USAGE
    if isinstance(error, postgres.Unreachable):
        return UNREACHABLE
    return 1 if isinstance(error, _FAILURES) else None


def lines_of(error: Exception) -> list[str]:
    """What to say of it, the first line first."""
    first, *more = _said(error)
    return [first, *more, *getattr(error, "__notes__", [])]


def _said(error: Exception) -> list[str]:
    return next(words(error) for kind, words in _WORDS if isinstance(error, kind))


def _fault(fault: Fault) -> str:
    return f"{fault.pointer}: {fault.message}" if fault.pointer else fault.message


def _unreachable(error: Any) -> list[str]:
    cause = postgres.cause_of(error)
    first, *more = postgres.reason(error).splitlines()
    if cause is Cause.INTERRUPTED:
        return [first, *more, "The server ended the statement: run the command again."]
    return [f"the database cannot be reached: {first}", *map(str.strip, more), _ADVICE[cause]]


def _refused(error: postgres.StatementError) -> list[str]:
    state = error.sqlstate or ""
    said = error.diag.message_primary or str(error).strip()
    if state == _NO_RIGHT:
        return [said, "Run rowhook doctor: it says which right is missing and what grants it."]
    if state.startswith(_TOLD_BY_US):
        hint = error.diag.message_hint
        return [said, hint] if hint else [said]
    return [str(error).strip()]


def _not_ready(error: migrate.NotReady) -> list[str]:
    lines = ["The database cannot be used yet:"]
    for found in error.findings:
        lines += [f"{found.subject}: {found.finding}", f"  {found.advice}"]
    return lines


# The first that fits: what cannot be reached is a refusal by class too.
_WORDS: tuple[tuple[Any, Callable[[Any], list[str]]], ...] = (
    (Stopped, lambda error: [str(error), *error.lines]),
    (migrate.NotReady, _not_ready),
    (operations.Rejected, lambda error: [_REJECTED, *map(_fault, error.faults)]),
    (operations.Conflict, lambda error: [str(error), *(one["message"] for one in error.errors)]),
    (operations.TooMany, lambda error: [f"{error}: try again in {ceil(error.wait_s)} s"]),
    (postgres.RevisionConflict, lambda error: [f"{error} Read it again, then change it."]),
    (postgres.Unreachable, _unreachable),
    (postgres.StatementError, _refused),
    (Exception, lambda error: [str(error).strip()]),
)
