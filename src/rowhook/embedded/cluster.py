"""Creates a cluster atomically and writes the configuration file of the server."""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

from rowhook.embedded.child import Programs
from rowhook.embedded.folder import Folder, is_temporary
from rowhook.embedded.refusal import ADVICE, EmbeddedUnavailable, os_errors_explained

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
autovacuum_naptime = 10s
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
