"""The two locks of a data folder. The kernel lets them go, whatever ended their holder.

`owner.lock` is held by the process that started the server. `server.lock` is inherited by the
server and all its processes: while one of them lives, it is taken.
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
from rowhook.embedded.refusal import INSTEAD, EmbeddedUnavailable, explained

_INTERRUPT_S, _QUIT_S, _GIVE_UP_S = 0.3, 20.0, 30.0
_LOOK_S = 0.01


def _open(path: Path) -> int:
    with explained(path):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def owner(own: Path) -> Iterator[None]:
    """Holds the data folder. Raises EmbeddedUnavailable, naming the process that holds it."""
    descriptor = _open(own / "owner.lock")
    try:
        if not _take(descriptor):
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise EmbeddedUnavailable(
                f"{own.parent} is already in use by process {holder}: {INSTEAD}"
            )
        with explained(own):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def server(own: Path) -> Iterator[int]:
    """The descriptor that the server inherits, not locked yet.

    It is only ever closed: to unlock it would unlock it for the server too.
    """
    descriptor = _open(own / "server.lock")
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_free(own: Path) -> bool:
    """Whether no owner and no server process of the data folder lives."""
    for name in ("owner.lock", "server.lock"):
        descriptor = _open(own / name)
        try:
            if not _take(descriptor):
                return False
        finally:
            os.close(descriptor)
    return True


async def wait_for_server(descriptor: int, folder: Folder) -> None:
    """Takes the server's lock, once what an earlier owner left behind has ended.

    Its watcher ends it by itself; if the watcher was killed too, the server is asked here, after
    making sure that it is the server of this very cluster. Raises EmbeddedUnavailable after 30 s.
    """
    clock = asyncio.get_running_loop().time
    begun, asked = clock(), 0
    while not _take(descriptor):
        passed = clock() - begun
        if passed > _GIVE_UP_S:
            raise EmbeddedUnavailable(
                f"the Postgres that an earlier run left in {folder.cluster} does not end: {INSTEAD}"
            )
        if asked < 1 and passed > _INTERRUPT_S:
            asked = 1
            leftover.interrupt(folder.cluster)
        elif asked < 2 and passed > _QUIT_S:  # noqa: PLR2004  # the second and last time
            asked = 2
            leftover.quit_now(folder.cluster)
        await asyncio.sleep(_LOOK_S)
