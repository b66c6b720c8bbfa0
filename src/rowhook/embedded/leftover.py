"""Cleans up after a killed server: its process, pid file and socket.

A process is only signalled if it is a postgres whose working directory is this cluster, and through
a pidfd, so that a reused pid is never signalled.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from rowhook.embedded.folder import Folder
from rowhook.embedded.refusal import ADVICE, EmbeddedUnavailable


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
