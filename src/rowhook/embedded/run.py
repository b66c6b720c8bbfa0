"""Starts and stops the embedded server."""

from __future__ import annotations

import asyncio
import atexit
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from rowhook.embedded import cluster, hold, leftover
from rowhook.embedded.account import server_account
from rowhook.embedded.child import Child, Programs
from rowhook.embedded.folder import Folder, open_own, prepare, recorded_folder, temporary_roots
from rowhook.embedded.wheel import usable_binaries

_READY_S = 300.0  # crash recovery may be slow; a server that dies is noticed at once
_POLL_S = 0.005


@asynccontextmanager
async def embedded_postgres(
    data_dir: Path,
    binaries: Path | None = None,
    on_relocation: Callable[[Path], None] | None = None,
) -> AsyncIterator[str]:
    """Runs PostgreSQL on `data_dir`; yields the superuser's DSN over a private socket.

    The cluster and its database `rowhook` are created at the first start, with the programs of the
    wheel or those in `binaries`. `on_relocation` is called with the folder of the cluster if it is
    not in `data_dir`. The server is stopped (fast shutdown) at the end, and if this process is
    killed. Raises EmbeddedUnavailable.
    """
    account = server_account()
    binaries_folder = usable_binaries(account, binaries)
    own = open_own(data_dir, account)
    with hold.owner(own), hold.server(own) as lock:
        folder = prepare(own, account)
        if folder.base != own:
            _remove_orphaned_clusters()
            atexit.register(_remove_if_orphaned, folder.base)
            if on_relocation is not None:
                on_relocation(folder.cluster)
        await hold.wait_for_server(lock, folder)
        programs = Programs(binaries=binaries_folder, account=account, log=folder.log, lock=lock)
        try:
            async with _running_server(programs, folder):
                yield folder.dsn
        finally:
            # The server is still running only if its watcher was killed.
            leftover.interrupt(folder.cluster)


@asynccontextmanager
async def _running_server(programs: Programs, folder: Folder) -> AsyncIterator[None]:
    leftover.clear(folder)
    cluster.write_settings(folder)
    if not folder.cluster.exists():
        await cluster.create(programs, folder)
    start = programs.log_size()
    async with programs.watched("postgres", *_arguments(folder)) as child:
        await _wait_until_ready(child, programs, folder, start)
        await cluster.create_database(programs, folder)
        child.send(b"keep")
        cluster.force_to_disk(folder)
        yield


def _arguments(folder: Folder) -> tuple[str, ...]:
    return (
        *("-D", str(folder.cluster), "-p", "5432", "-k", str(folder.socket)),
        *("-c", "listen_addresses=", "-c", f"config_file={cluster.settings_file(folder)}"),
    )


async def _wait_until_ready(child: Child, programs: Programs, folder: Folder, start: int) -> None:
    """Waits for `ready` on the last line of the server's pid file."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    while not _is_ready(folder):
        if child.process.returncode is not None:
            raise programs.failure("The embedded PostgreSQL did not start", start)
        if clock() - begun > _READY_S:
            summary = f"The embedded PostgreSQL is not ready after {_READY_S:.0f} s"
            raise programs.failure(summary, start)
        await asyncio.sleep(_POLL_S)


def _is_ready(folder: Folder) -> bool:
    try:
        return (folder.cluster / "postmaster.pid").read_bytes().split()[-1:] == [b"ready"]
    except FileNotFoundError:
        return False


def discard(data_dir: Path) -> None:
    """Deletes the embedded cluster of `data_dir`. Raises EmbeddedUnavailable if it is in use."""
    own = data_dir.expanduser().resolve() / "embedded"
    if not own.is_dir():
        return
    folder = recorded_folder(own)
    with hold.owner(own):
        for path in (folder.socket, folder.base, own):
            shutil.rmtree(path, ignore_errors=True)


def _remove_if_orphaned(base: Path) -> None:
    """Removes a relocated cluster whose data folder was deleted."""
    with suppress(OSError):
        own = Path((base / "origin").read_text(encoding="utf-8"))
        if not own.exists():
            shutil.rmtree(base)


def _remove_orphaned_clusters() -> None:
    """Removes clusters of deleted temporary data folders, left by killed processes."""
    for root in temporary_roots():
        for base in root.glob("*"):
            _remove_if_orphaned(base)
