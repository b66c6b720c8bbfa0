"""The two locks of a data folder, which the kernel releases when their holders end.

`owner.lock` is held by the process that started the server. `server.lock` is inherited by all
processes of the server and is held until the last of them ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rowhook.embedded import leftover
from rowhook.embedded.folder import Folder
from rowhook.embedded.refusal import ADVICE, EmbeddedUnavailable, os_errors_explained

_INTERRUPT_S, _QUIT_S, _TIMEOUT_S = 0.3, 20.0, 30.0
_POLL_S = 0.01


def _open(path: Path) -> int:
    with os_errors_explained(path):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def owner(own: Path) -> Iterator[None]:
    """Locks the data folder. Raises EmbeddedUnavailable, naming the process that uses it."""
    descriptor = _open(own / "owner.lock")
    try:
        if not _try_lock(descriptor):
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise EmbeddedUnavailable(
                f"{own.parent} is already in use by process {holder}. Stop it, or {ADVICE}"
            )
        with os_errors_explained(own):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def server(own: Path) -> Iterator[int]:
    """Opens the lock file that the server inherits, without locking it.

    The descriptor is closed but never unlocked, which would unlock it for the server too.
    """
    descriptor = _open(own / "server.lock")
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_free(own: Path) -> bool:
    """Whether the data folder has no owner and no running server process."""
    for name in ("owner.lock", "server.lock"):
        descriptor = _open(own / name)
        try:
            if not _try_lock(descriptor):
                return False
        finally:
            os.close(descriptor)
    return True


async def wait_for_server(descriptor: int, folder: Folder) -> None:
    """Takes the server lock as soon as the server of an earlier owner has ended.

    Its watcher stops it. If the watcher was killed too, the server is signalled here, provided that
    it is the server of this cluster. Raises EmbeddedUnavailable after 30 s.
    """
    clock = asyncio.get_running_loop().time
    begun, signals = clock(), 0
    while not _try_lock(descriptor):
        elapsed = clock() - begun
        if elapsed > _TIMEOUT_S:
            raise EmbeddedUnavailable(
                f"The PostgreSQL server of an earlier run in {folder.cluster} does not stop."
                f" Stop it, or {ADVICE}"
            )
        if signals < 1 and elapsed > _INTERRUPT_S:
            signals = 1
            leftover.interrupt(folder.cluster)
        elif signals < 2 and elapsed > _QUIT_S:  # noqa: PLR2004  # the second and last signal
            signals = 2
            leftover.quit_now(folder.cluster)
        await asyncio.sleep(_POLL_S)
