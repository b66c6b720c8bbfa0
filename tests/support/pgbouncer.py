"""PgBouncer as a transaction pooler with one server connection."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rowhook.embedded.server_process import server_account
from tests.support.deadline import DEADLINE_S

_PORT = 6432
_SETTINGS = """\
[databases]
{database} = {target}
[pgbouncer]
pool_mode = transaction
default_pool_size = 1
reserve_pool_size = 0
auth_type = any
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
logfile =
pidfile =
"""


@asynccontextmanager
async def pooled_dsn(dsn: str, folder: Path) -> AsyncIterator[str]:
    """Runs PgBouncer in transaction mode and yields the DSN of the database through its socket.

    The test is skipped without PgBouncer, and bin/test reports it.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        _SETTINGS.format(
            database=conninfo_to_dict(dsn)["dbname"],
            target=to_keywords(dsn),
            port=_PORT,
            folder=folder,
        )
    )
    # uvloop cannot start a process as another account.
    process = subprocess.Popen(  # noqa: ASYNC220, S603  # returns at once; our own arguments
        [program, str(settings)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        **_server_account_options(folder),
    )
    try:
        await _wait_for_socket(process, folder / f".s.PGSQL.{_PORT}")
        yield make_conninfo(dsn, host=str(folder), port=_PORT)
    finally:
        process.terminate()
        await asyncio.to_thread(process.communicate, timeout=DEADLINE_S)


def to_keywords(dsn: str) -> str:
    """Returns the DSN as `name=value …`, since PgBouncer accepts no URLs."""
    return " ".join(f"{name}={value}" for name, value in conninfo_to_dict(dsn).items())


def _server_account_options(folder: Path) -> dict[str, Any]:
    # PgBouncer refuses to run as root, and the server of root accepts only its own account.
    account = server_account()
    if not account.is_other:
        return {}
    for path in (folder, *folder.iterdir()):
        os.chown(path, account.uid, account.gid)
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


async def _wait_for_socket(process: subprocess.Popen[bytes], socket: Path) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not socket.exists():  # noqa: ASYNC240  # a check of a folder in memory
            if process.poll() is not None and process.stderr is not None:
                raise OSError(process.stderr.read().decode())
            await asyncio.sleep(0.01)
