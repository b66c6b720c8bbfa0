"""What a server that was killed leaves behind: its process, its pid file, its socket.

No process is ever signalled for its number alone: it must be a postgres whose working folder is
this very cluster, and the signal goes to the process that was looked at, not to its number.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from rowhook.embedded.folder import Folder
from rowhook.embedded.refusal import INSTEAD, EmbeddedUnavailable


def interrupt(cluster: Path) -> None:
    """Asks the server of `cluster`, if it lives, for a fast shutdown."""
    _signal(cluster, signal.SIGINT)


def quit_now(cluster: Path) -> None:
    """Asks the server of `cluster`, if it lives, for an immediate shutdown."""
    _signal(cluster, signal.SIGQUIT)


def clear(folder: Folder) -> None:
    """Removes the pid file and socket of a dead server: their numbers may be somebody else's now.

    Needs the server's lock. Raises EmbeddedUnavailable if a server that others started works here.
    """
    pid = _noted(folder.cluster)
    if pid is not None and _serves(pid, folder.cluster):
        raise EmbeddedUnavailable(
            f"process {pid} is a Postgres on {folder.cluster} that rowhook did not start:"
            f" stop it, or {INSTEAD}"
        )
    for stale in (folder.cluster / "postmaster.pid", *folder.socket.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)


def _noted(cluster: Path) -> int | None:
    try:
        first = (cluster / "postmaster.pid").read_bytes()[:20].split(b"\n")[0]
    except FileNotFoundError:
        return None
    return int(first) if first.isdigit() and int(first) > 1 else None


def _serves(pid: int, cluster: Path) -> bool:
    """Whether the process is a postgres in this cluster. False where that cannot be seen."""
    try:
        program = Path(f"/proc/{pid}/exe").readlink().name
        return program.split(" ")[0] == "postgres" and Path(f"/proc/{pid}/cwd").samefile(cluster)
    except OSError:
        return False


def _signal(cluster: Path, number: signal.Signals) -> None:
    pid = _noted(cluster)
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
