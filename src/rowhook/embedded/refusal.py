"""Why the embedded Postgres cannot be had, said with what to do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSTEAD = "set ROWHOOK_DATA_DIR to another folder, or DATABASE_URL to a Postgres of yours"
_FULL = (errno.ENOSPC, errno.EDQUOT)


class EmbeddedUnavailable(RuntimeError):
    """The embedded Postgres cannot start; the message says what to do."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what the file system refuses at `path` into EmbeddedUnavailable."""
    try:
        yield
    except OSError as error:
        place = error.filename or path
        if error.errno in _FULL:
            raise EmbeddedUnavailable(
                f"the disk is full at {place}: make room, or {INSTEAD}"
            ) from error
        raise EmbeddedUnavailable(
            f"cannot use {place} ({error.strerror}): make it writable, or {INSTEAD}"
        ) from error
