"""Lock a data folder, and clean up after a server that was killed."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rowhook.embedded.data_folder import Folder
from rowhook.embedded.server_process import ADVICE, EmbeddedUnavailable, os_errors_explained

_INTERRUPT_S, _QUIT_S, _TIMEOUT_S = 0.3, 20.0, 30.0
_POLL_S = 0.01


def interrupt(cluster: Path) -> None:
    """Signals a running server of `cluster` for a fast shutdown."""
    _signal(cluster, signal.SIGINT)


def quit_now(cluster: Path) -> None:
    """Signals a running server of `cluster` for an immediate shutdown."""
    _signal(cluster, signal.SIGQUIT)


def clear(folder: Folder) -> None:
    """Removes the pid file and the socket of a dead server.

    Requires the server lock. Raises EmbeddedUnavailable if a foreign server uses the cluster.
    """
    pid = _read_pid(folder.cluster)
    if pid is not None and _serves(pid, folder.cluster):
        raise EmbeddedUnavailable(
            f"Process {pid} is a PostgreSQL server on {folder.cluster} that rowhook did not start."
            f" Stop it, or {ADVICE}"
        )
    for stale in (folder.cluster / "postmaster.pid", *folder.socket.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)


def _read_pid(cluster: Path) -> int | None:
    try:
        first = (cluster / "postmaster.pid").read_bytes()[:20].split(b"\n")[0]
    except FileNotFoundError:
        return None
    return int(first) if first.isdigit() and int(first) > 1 else None


def _serves(pid: int, cluster: Path) -> bool:
    """Whether the process is a postgres of this cluster. False if that cannot be determined."""
    try:
        program = Path(f"/proc/{pid}/exe").readlink().name
        return program.split(" ")[0] == "postgres" and Path(f"/proc/{pid}/cwd").samefile(cluster)
    except OSError:
        return False


def _signal(cluster: Path, number: signal.Signals) -> None:
    pid = _read_pid(cluster)
    if pid is None or sys.platform != "linux":
        return
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if _serves(pid, cluster):
            signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        return
    finally:
        os.close(process)


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


async def wait_for_server(descriptor: int, folder: Folder) -> None:
    """Takes the server lock as soon as the server of an earlier owner has ended.

    Its watcher stops it. If the watcher was killed too, the server is signalled here, provided that
    it is the server of this cluster. Raises EmbeddedUnavailable after 30 s.
    """
    clock = asyncio.get_running_loop().time
    started_at, signals = clock(), 0
    while not _try_lock(descriptor):
        elapsed = clock() - started_at
        if elapsed > _TIMEOUT_S:
            raise EmbeddedUnavailable(
                f"The PostgreSQL server of an earlier run in {folder.cluster} does not stop."
                f" Stop it, or {ADVICE}"
            )
        if signals < 1 and elapsed > _INTERRUPT_S:
            signals = 1
            interrupt(folder.cluster)
        elif signals < 2 and elapsed > _QUIT_S:  # noqa: PLR2004  # the second and last signal
            signals = 2
            quit_now(folder.cluster)
        await asyncio.sleep(_POLL_S)
