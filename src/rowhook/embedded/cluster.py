"""Makes a cluster, whole or not at all, and writes the settings that it is started with."""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

from rowhook.embedded.child import Stage
from rowhook.embedded.folder import Folder, is_temporary
from rowhook.embedded.refusal import INSTEAD, EmbeddedUnavailable, explained

DATABASE = "rowhook"
_ROOM = 128 * 2**20  # a new cluster takes 40 MB, our database 8, the first WAL files the rest
_LOG_MOST = 16 * 2**20
_SETTINGS = """\
# Written at each start. `alter system` wins over it; the socket and the port are fixed.
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
    """Beside the cluster and ours, so that nothing is written where another account may write."""
    return folder.base / "postgresql.conf"


def write_settings(folder: Folder) -> None:
    """Writes this version's settings, if they are not there, and turns an old log over."""
    settings = settings_file(folder)
    with explained(folder.base):
        if not settings.exists() or settings.read_text(encoding="utf-8") != _SETTINGS:
            part = settings.with_suffix(".part")
            part.write_text(_SETTINGS, encoding="utf-8")
            part.chmod(0o644)
            part.replace(settings)
        if folder.log.exists() and folder.log.stat().st_size > _LOG_MOST:
            folder.log.replace(folder.log.with_suffix(".log.1"))


async def create(stage: Stage, folder: Folder) -> None:
    """Runs initdb aside and gives the result its name: a cluster that exists is whole.

    It is not yet forced to disk, which takes initdb longer than all the rest: `force_to_disk` does
    that beside the server's first seconds.
    """
    aside = folder.base / "cluster.new"
    with explained(folder.base):
        if aside.exists():
            shutil.rmtree(aside)
        _require_room(folder.base)
        aside.mkdir(mode=0o700)
        stage.account.own(aside)
    await stage.run(
        "initdb",
        "--pgdata",
        str(aside),
        "--username",
        DATABASE,
        "--auth",
        "trust",
        "--no-locale",
        "--encoding",
        "UTF8",
        "--no-sync",
    )
    aside.rename(folder.cluster)


def _require_room(base: Path) -> None:
    free = shutil.disk_usage(base).free
    if free < _ROOM:
        raise EmbeddedUnavailable(
            f"the disk is full: a new database needs {_ROOM >> 20} MB at {base}, {free >> 20} MB"
            f" are free: make room, or {INSTEAD}"
        )


def force_to_disk(folder: Folder) -> None:
    """Has a new cluster written to disk, once, by a thread that nobody waits for.

    Until that is done it is begun again at each start. File by file, as initdb does it, it would
    hold up the server's first commits for seconds. A temporary cluster does not need it.
    """
    if not (folder.base / "synced").exists() and not is_temporary(folder.own):
        threading.Thread(target=_force, args=(folder.base,), daemon=True).start()


def _force(base: Path) -> None:
    os.sync()
    with suppress(OSError):
        (base / "synced").touch()


async def create_database(stage: Stage, folder: Folder) -> None:
    """Makes the database `rowhook`, once."""
    done = folder.base / "created"
    if done.exists():
        return
    said = stage.position()
    try:
        await stage.run(
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
            log.seek(said)
            if b'database "rowhook" already exists' not in log.read():
                raise
    done.touch()
