"""A PostgreSQL server over TCP that a test can kill, stop, restart, copy and promote."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from rowhook.embedded.server_binaries import usable_binaries
from rowhook.embedded.server_process import server_account
from tests.support.deadline import DEADLINE_S
from tests.support.servers import DEBIAN_15

# `ROWHOOK_FAULTS_SERVER=stock-15 bin/test faults` runs the battery on Debian's PostgreSQL 15 with
# the settings of initdb and JIT on; otherwise on the embedded 18 with these settings.
IS_STOCK = os.environ.get("ROWHOOK_FAULTS_SERVER") == "stock-15"
_ADDRESS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
_TUNED = {
    "max_connections": "120",
    "shared_buffers": "256MB",
    "jit": "off",
    "log_min_messages": "fatal",
    "hot_standby": "on",
    "wal_level": "replica",
    "max_wal_size": "512MB",
}


def free_port() -> int:
    """Returns a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A cluster with its own folder and port. The superuser is `owner`.

    `is_stock` selects Debian's PostgreSQL 15 with the settings of initdb.
    """

    def __init__(self, folder: Path, *, is_stock: bool = IS_STOCK) -> None:
        self.folder = folder
        self.port = free_port()
        self._account = server_account()
        self._binaries = usable_binaries(self._account, DEBIAN_15 if is_stock else None)
        self._options = _ADDRESS if is_stock else _ADDRESS | _TUNED
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        return f"postgresql://owner@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Creates an empty cluster."""
        self._own_folder()
        self._run(
            "initdb",
            "-D",
            str(self.folder),
            "-U",
            "owner",
            "-A",
            "trust",
            "--no-sync",
            "--encoding",
            "UTF8",
            "--no-locale",
        )

    def follow(self, primary: Server) -> None:
        """Creates a standby of a running server."""
        self._own_folder()
        self._run(
            "pg_basebackup",
            "-D",
            str(self.folder),
            "-h",
            "127.0.0.1",
            "-p",
            str(primary.port),
            "-U",
            "owner",
            "--checkpoint=fast",
            "--write-recovery-conf",
            "--no-sync",
        )
        # The copy has no standby.
        own = self.folder / "postgresql.auto.conf"
        lines = own.read_text().splitlines(keepends=True)
        own.write_text("".join(line for line in lines if "synchronous_standby_names" not in line))

    def start(self) -> None:
        """Starts the server; see `ready`."""
        options = [
            argument
            for name, value in self._options.items()
            for argument in ("-c", f"{name}={value}")
        ]
        program, place = str(self._binaries / "postgres"), str(self.folder)
        self._process = subprocess.Popen(  # noqa: S603  # our own arguments
            [program, "-D", place, "-p", str(self.port), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._as_account(),
        )

    async def ready(self) -> float:
        """Waits until it accepts connections; returns the monotonic time."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self.dsn, connect_timeout=2):
                    return time.monotonic()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                if self._process is not None and self._process.poll() is not None:
                    # The processes of the previous server have to end first.
                    self.start()
                await asyncio.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stops it: SIGQUIT immediately, SIGINT cleanly, SIGKILL without cleanup."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(how)
        self._process.wait(timeout=DEADLINE_S)
        # After SIGKILL, the child processes notice it and end. postmaster.pid is kept, so that the
        # next server refuses to start while they run, which would corrupt the cluster.
        self._process = None

    async def promote(self) -> float:
        """Promotes a standby to primary; returns the monotonic time."""
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            await connection.execute("select pg_promote()")
        return time.monotonic()

    async def run_writable(self, *statements: str) -> None:
        """Executes statements with `default_transaction_read_only` off."""
        writable = f"{self.dsn}?options=-cdefault_transaction_read_only%3Doff"
        async with await psycopg.AsyncConnection.connect(writable, autocommit=True) as connection:
            for statement in statements:
                await connection.execute(statement.encode())

    def remove(self) -> None:
        """Stops it and removes its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _own_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._account.own(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603  # our own arguments
            [str(self._binaries / program), *arguments],
            check=True,
            capture_output=True,
            cwd="/",
            **self._as_account(),
        )

    def _as_account(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        return {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
