"""Errors of the embedded PostgreSQL, with advice."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADVICE = "set ROWHOOK_DATA_DIR to another folder, or DATABASE_URL to another server."
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class EmbeddedUnavailable(RuntimeError):
    """The embedded PostgreSQL cannot start; the message contains advice."""


@contextmanager
def os_errors_explained(path: Path) -> Iterator[None]:
    """Converts an OSError at `path` into EmbeddedUnavailable."""
    try:
        yield
    except OSError as error:
        location = error.filename or path
        if error.errno in _DISK_FULL:
            raise EmbeddedUnavailable(
                f"The disk is full at {location}. Free some space, or {ADVICE}"
            ) from error
        raise EmbeddedUnavailable(
            f"Cannot use {location} ({error.strerror}). Make it writable, or {ADVICE}"
        ) from error
