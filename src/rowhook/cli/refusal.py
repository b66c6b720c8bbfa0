"""What can go wrong at the command line: its words and its exit code, in one place."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

from rowhook import embedded, migrate, operations, postgres, vault
from rowhook.compose import Fault
from rowhook.settings import SettingsRejected

USAGE = 2
UNREACHABLE = 3
_NO_RIGHT = "42501"
_TOLD_BY_US = ("22", "RH")
_REJECTED = "it cannot be done as it stands:"
_AWAY = (
    "the database cannot be reached: check DATABASE_URL, or unset it to use the embedded Postgres"
)


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
    postgres.RevisionMoved,
    postgres.Refused,
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


def _refused(error: postgres.Refused) -> list[str]:
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
    (postgres.RevisionMoved, lambda error: [f"{error}: read it again, then change it"]),
    (postgres.Unreachable, lambda error: [str(error).strip(), _AWAY]),
    (postgres.Refused, _refused),
    (Exception, lambda error: [str(error).strip()]),
)
