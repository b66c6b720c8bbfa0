"""Two PostgreSQL nodes under Patroni with etcd, which can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import time
import urllib.request
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psycopg
import yaml

from bench.child_process import bound_command
from bench.ha.patroni_parts import Parts

_PATIENCE_S = 120.0
_POLL_S = 0.02
# The shortest that Patroni accepts.
_TTL_S = 20
_LOG_CHARACTERS = 3_000
_SCOPE = "rowhook"


def free_port() -> int:
    """Returns a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def wait_until(
    holds: Callable[[], Awaitable[bool]], description: str, *, poll_s: float = _POLL_S
) -> None:
    """Waits for a condition; a server that cannot be reached does not meet it."""
    begun = time.monotonic()
    while True:
        with suppress(psycopg.OperationalError):
            if await holds():
                return
        if time.monotonic() - begun > _PATIENCE_S:
            raise TimeoutError(f"{description} did not come about within {_PATIENCE_S:g} s.")
        await asyncio.sleep(poll_s)


@dataclass(slots=True)
class Node:
    """A PostgreSQL server and the Patroni that runs it."""

    name: str
    folder: Path
    port: int = field(default_factory=free_port)
    rest_port: int = field(default_factory=free_port)
    patroni: Process | None = None

    @property
    def data(self) -> Path:
        """The folder of the server."""
        return self.folder / "data"

    def dsn(self, database: str = "postgres") -> str:
        """Returns the address of this node for the superuser."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    async def is_writable(self) -> bool:
        """Whether the server accepts writes."""
        async with await psycopg.AsyncConnection.connect(
            self.dsn(), autocommit=True, connect_timeout=2
        ) as connection:
            cursor = await connection.execute("select not pg_is_in_recovery()")
            return await cursor.fetchone() == (True,)

    def kill(self) -> None:
        """Kills Patroni and the server with SIGKILL, as a host that loses its power."""
        if self.patroni is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.patroni.pid, signal.SIGKILL)
        for pid in self._server_processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _server_processes(self) -> list[int]:
        """Returns the postmaster and its processes."""
        try:
            postmaster = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            tasks = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        except (OSError, ValueError):
            return []
        return [postmaster, *map(int, tasks)]


class Cluster:
    """Node and etcd processes; see `cluster`."""

    def __init__(self, parts: Parts, folder: Path) -> None:
        self.parts = parts
        self.folder = folder
        self.nodes = [Node("one", folder / "one"), Node("two", folder / "two")]
        self._etcd_port = free_port()
        self._etcd: Process | None = None
        self._logs: list[IO[bytes]] = []

    def dsn(self, user: str, database: str) -> str:
        """Returns an address with both nodes, of which libpq takes the writable one."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://{user}@{hosts}/{database}?target_session_attrs=read-write"

    async def start(self) -> None:
        """Starts etcd and both nodes, and waits until the second one is synchronous."""
        self.parts.account.own(self.folder)
        self._etcd = await self._start("etcd", str(self.parts.etcd), *self._etcd_options())
        for node in self.nodes:
            await self.start_node(node)
        await wait_until(self.is_synchronous, "a synchronous standby", poll_s=0.2)

    async def start_node(self, node: Node) -> None:
        """Starts Patroni, which starts the server."""
        node.folder.mkdir(exist_ok=True)
        self.parts.account.own(node.folder)
        configuration = node.folder / "patroni.yml"
        configuration.write_text(yaml.safe_dump(self._configuration(node)))
        node.patroni = await self._start(node.name, *self.parts.patroni, str(configuration))

    async def restart_node(self, node: Node) -> None:
        """Starts a node that was killed."""
        if node.patroni is not None:
            await node.patroni.wait()
        await self.start_node(node)

    async def leader(self) -> tuple[Node, Node]:
        """Returns the writable node and the other one."""
        first, second = self.nodes
        try:
            return (first, second) if await first.is_writable() else (second, first)
        except psycopg.OperationalError:
            return second, first

    async def is_synchronous(self) -> bool:
        """Whether a leader runs and the other node is its synchronous standby."""
        for node in self.nodes:
            state = await asyncio.to_thread(
                _read_json, f"http://127.0.0.1:{node.rest_port}/cluster"
            )
            roles = {member["role"]: member["state"] for member in state.get("members", ())}
            if roles == {"leader": "running", "sync_standby": "streaming"}:
                return True
        return False

    async def stop(self) -> None:
        """Stops everything."""
        for node in self.nodes:
            node.kill()
            if node.patroni is not None:
                await node.patroni.wait()
        if self._etcd is not None:
            with suppress(ProcessLookupError):
                self._etcd.kill()
            await self._etcd.wait()
        for log in self._logs:
            log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _start(self, name: str, *command: str) -> Process:
        log = (self.folder / f"{name}.log").open("ab")
        self._logs.append(log)
        # In this order, because a change of the account ends the bond with this process.
        program, *arguments = self.parts.as_account(*bound_command(*command))
        return await asyncio.create_subprocess_exec(
            shutil.which(program) or program,
            *arguments,
            stdin=DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )

    def _etcd_options(self) -> list[str]:
        client = f"http://127.0.0.1:{self._etcd_port}"
        peer = f"http://127.0.0.1:{free_port()}"
        return [
            *("--name", "only", "--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync"),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"only={peer}", "--log-level", "error"),
        ]

    def _configuration(self, node: Node) -> dict[str, Any]:
        superuser = {"username": "postgres"}
        return {
            "scope": _SCOPE,
            "name": node.name,
            "restapi": {
                "listen": f"127.0.0.1:{node.rest_port}",
                "connect_address": f"127.0.0.1:{node.rest_port}",
            },
            "etcd3": {"host": f"127.0.0.1:{self._etcd_port}"},
            "bootstrap": {
                "dcs": {
                    "ttl": _TTL_S,
                    "loop_wait": 1,
                    "retry_timeout": 3,
                    # A commit is acknowledged when the other node has it.
                    "synchronous_mode": True,
                    "postgresql": {"use_pg_rewind": True, "use_slots": True},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "no-sync"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{node.port}",
                "connect_address": f"127.0.0.1:{node.port}",
                "data_dir": str(node.data),
                "bin_dir": str(self.parts.postgres),
                "pgpass": str(node.folder / "pgpass"),
                "authentication": dict.fromkeys(("superuser", "replication", "rewind"), superuser),
                "remove_data_directory_on_diverged_timelines": True,
                "remove_data_directory_on_rewind_failure": True,
                "parameters": {"unix_socket_directories": "", "wal_log_hints": "on"},
                "pg_hba": [
                    "host all all 127.0.0.1/32 trust",
                    "host replication all 127.0.0.1/32 trust",
                ],
            },
        }


def _read_json(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  # our own address
            document: dict[str, Any] = json.load(response)
    except (OSError, ValueError):
        return {}
    return document


def _print_logs(folder: Path) -> None:
    for log in sorted(folder.glob("*.log")):
        sys.stderr.write(f"--- {log.name}\n{log.read_text(errors='replace')[-_LOG_CHARACTERS:]}\n")


@asynccontextmanager
async def cluster(parts: Parts, folder: Path) -> AsyncIterator[Cluster]:
    """Runs a cluster in a new folder."""
    running = Cluster(parts, folder)
    try:
        await running.start()
        yield running
    except Exception:
        _print_logs(folder)
        raise
    finally:
        await running.stop()
