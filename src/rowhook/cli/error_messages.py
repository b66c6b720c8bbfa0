"""Maps expected errors to messages and exit codes of the command line."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

from rowhook.db import connection_errors
from rowhook.db.connection_errors import Cause
from rowhook.db.statements import StatementError, Unreachable
from rowhook.db.webhook_queries import RevisionConflict
from rowhook.embedded.server_process import EmbeddedUnavailable
from rowhook.migrate.preflight import NotReady
from rowhook.migrate.steps import MigrationRejected
from rowhook.render.configuration import Fault
from rowhook.security import vault
from rowhook.services.context import Conflict, NotFound, RateLimited, Rejected
from rowhook.services.json_reader import InvalidDocument
from rowhook.settings import SettingsRejected

USAGE = 2
UNREACHABLE = 3
_INSUFFICIENT_PRIVILEGE = "42501"
# Classes of the SQLSTATEs that Rowhook's functions raise.
_RAISED_BY_ROWHOOK = ("22", "RH")
_INVALID = "The input is invalid:"
_DOCTOR = "Run rowhook doctor. It prints the missing right and the statement that grants it."
# Advice by the cause of a failed connection; {setting} is the setting with its address.
_ADVICE = {
    Cause.PASSWORD: "Check the user and the password in {setting}.",
    Cause.NO_LOGIN: "Create that login with LOGIN, or use another one in {setting}.",
    Cause.NOT_ADMITTED: (
        "The server's pg_hba.conf does not allow this user, database, host and encryption. Add a"
        " line for them, or change {setting} to match."
    ),
    Cause.NO_DATABASE: "Create the database, or use another one in {setting}.",
    Cause.NO_CONNECT_RIGHT: (
        "Grant CONNECT on the database to the login of {setting}, or use another database."
    ),
    Cause.ROLE_NOT_GRANTED: _DOCTOR,
    Cause.NO_ROLE: "Run rowhook migrate on the database of {setting} to create the role.",
    Cause.TOO_MANY: (
        "End idle sessions, raise the limit (max_connections, or the limit of the login or the"
        " database), run fewer Rowhook processes, or use a transaction pooler (DATABASE_URL, with"
        " DATABASE_DIRECT_URL bypassing it)."
    ),
    Cause.POOL_BUSY: "All connections of this process are in use. Try again.",
    Cause.STARTING: "The server is starting or stopping. Try again in a moment.",
    Cause.CERTIFICATE: (
        "Check sslmode, sslrootcert and the host name in {setting} against the server's"
        " certificate."
    ),
    Cause.TLS: "Check sslmode in {setting} against the TLS settings of the server.",
    Cause.REFUSED: (
        "Nothing accepts connections there. Check that the server is running, and check the host"
        " and the port in {setting}."
    ),
    Cause.UNKNOWN_HOST: "Check the host name in {setting} and the DNS of this machine.",
    Cause.SILENT: (
        "The server does not respond. Check the host and the port in {setting}, and any firewall"
        " in between."
    ),
    Cause.OTHER: "Check {setting}. Without DATABASE_URL, the embedded PostgreSQL is used.",
}


class CommandFailed(Exception):
    """The command cannot continue. `lines` follow the message; `code` is the exit code."""

    def __init__(self, message: str, *lines: str, code: int = 1) -> None:
        super().__init__(message)
        self.lines = lines
        self.code = code


_FAILURES = (
    EmbeddedUnavailable,
    MigrationRejected,
    NotReady,
    vault.KeyringRejected,
    Rejected,
    InvalidDocument,
    NotFound,
    Conflict,
    RateLimited,
    RevisionConflict,
    StatementError,
)


def exit_code(error: Exception) -> int | None:
    """Returns the exit code for an expected error; None for an internal error."""
    if isinstance(error, CommandFailed):
        return error.code
    if isinstance(error, SettingsRejected):
        return USAGE
    if isinstance(error, Unreachable):
        return UNREACHABLE
    return 1 if isinstance(error, _FAILURES) else None


def message_lines(error: Exception) -> list[str]:
    """Returns the lines to print for an expected error, its notes last."""
    lines = next(format_(error) for kind, format_ in _FORMATTERS if isinstance(error, kind))
    return [*lines, *getattr(error, "__notes__", [])]


def _fault(fault: Fault) -> str:
    return f"{fault.pointer}: {fault.message}" if fault.pointer else fault.message


def _unreachable(error: Any) -> list[str]:
    cause = connection_errors.cause_of(error)
    first, *more = connection_errors.reason(error).splitlines()
    if cause is Cause.INTERRUPTED:
        return [first, *more, "The server ended the statement. Run the command again."]
    advice = _ADVICE[cause].format(setting=connection_errors.setting_of(error))
    return [f"Cannot connect to the database: {first}", *map(str.strip, more), advice]


def _refused(error: StatementError) -> list[str]:
    state = error.sqlstate or ""
    message = error.diag.message_primary or str(error).strip()
    if state == _INSUFFICIENT_PRIVILEGE:
        return [message, _DOCTOR]
    if state.startswith(_RAISED_BY_ROWHOOK):
        hint = error.diag.message_hint
        return [message, hint] if hint else [message]
    return [str(error).strip()]


def _not_ready(error: NotReady) -> list[str]:
    lines = ["The database is not ready:"]
    for finding in error.findings:
        lines += [f"{finding.subject}: {finding.finding}", f"  {finding.advice}"]
    return lines


# The first match counts: Unreachable is a subclass of Refused.
_FORMATTERS: tuple[tuple[Any, Callable[[Any], list[str]]], ...] = (
    (CommandFailed, lambda error: [str(error), *error.lines]),
    (NotReady, _not_ready),
    (Rejected, lambda error: [_INVALID, *map(_fault, error.faults)]),
    (Conflict, lambda error: [str(error), *(item["message"] for item in error.errors)]),
    (RateLimited, lambda error: [str(error), f"Try again in {ceil(error.wait_s)} s."]),
    (RevisionConflict, lambda error: [str(error), "Read it again, then change it."]),
    (Unreachable, _unreachable),
    (StatementError, _refused),
    (Exception, lambda error: [str(error).strip()]),
)
