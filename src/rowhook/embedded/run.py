"""The life of an embedded server: locks, cluster, start, ready, stop, each undone in reverse."""

from __future__ import annotations

import asyncio
import atexit
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from rowhook.embedded import cluster, hold, leftover
from rowhook.embedded.account import server_account
from rowhook.embedded.child import Child, Stage
from rowhook.embedded.folder import Folder, known, open_own, prepare, temporary_roots
from rowhook.embedded.wheel import usable_binaries

_READY_S = 300.0  # recovery after a crash may take its time; a server that dies is seen at once
_LOOK_S = 0.005


@asynccontextmanager
async def embedded_postgres(
    data_dir: Path,
    binaries: Path | None = None,
    where: Callable[[Path], None] | None = None,
) -> AsyncIterator[str]:
    """A running Postgres on `data_dir`, as the superuser's DSN over a socket in a 0700 folder.

    The cluster and its database `rowhook` are made at the first start, with the programs of the
    wheel or those in `binaries`. `where` is told the cluster's folder if it is not in `data_dir`.
    Raises EmbeddedUnavailable. The server is stopped (fast) at the end, and if we are killed.
    """
    account = server_account()
    programs = usable_binaries(account, binaries)
    own = open_own(data_dir, account)
    with hold.owner(own), hold.server(own) as lock:
        folder = prepare(own, account)
        if folder.base != own:
            _forget_lost_clusters()
            atexit.register(_remove_if_lost, folder.base)
            if where is not None:
                where(folder.cluster)
        await hold.wait_for_server(lock, folder)
        stage = Stage(binaries=programs, account=account, log=folder.log, lock=lock)
        try:
            async with _serving(stage, folder):
                yield folder.dsn
        finally:
            leftover.interrupt(
                folder.cluster
            )  # nothing is left to ask, unless its watcher was killed


@asynccontextmanager
async def _serving(stage: Stage, folder: Folder) -> AsyncIterator[None]:
    leftover.clear(folder)
    cluster.write_settings(folder)
    if not folder.cluster.exists():
        await cluster.create(stage, folder)
    said = stage.position()
    async with stage.watched("postgres", *_arguments(folder)) as child:
        await _until_ready(child, stage, folder, said)
        await cluster.create_database(stage, folder)
        child.say(b"keep")
        cluster.force_to_disk(folder)
        yield


def _arguments(folder: Folder) -> tuple[str, ...]:
    return (
        *("-D", str(folder.cluster), "-p", "5432", "-k", str(folder.socket)),
        *("-c", "listen_addresses=", "-c", f"config_file={cluster.settings_file(folder)}"),
    )


async def _until_ready(child: Child, stage: Stage, folder: Folder, said: int) -> None:
    """Returns once the server says `ready` on the last line of its pid file."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    while not _is_ready(folder):
        if child.process.returncode is not None:
            raise stage.failed("the embedded Postgres did not start", said)
        if clock() - begun > _READY_S:
            raise stage.failed(f"the embedded Postgres is not ready after {_READY_S:.0f} s", said)
        await asyncio.sleep(_LOOK_S)


def _is_ready(folder: Folder) -> bool:
    try:
        return (folder.cluster / "postmaster.pid").read_bytes().split()[-1:] == [b"ready"]
    except FileNotFoundError:
        return False


def discard(data_dir: Path) -> None:
    """Removes the embedded cluster of `data_dir` for good. Raises EmbeddedUnavailable if in use."""
    own = data_dir.expanduser().resolve() / "embedded"
    if not own.is_dir():
        return
    folder = known(own)
    with hold.owner(own):
        for path in (folder.socket, folder.base, own):
            shutil.rmtree(path, ignore_errors=True)


def _remove_if_lost(base: Path) -> None:
    """Removes a cluster kept elsewhere whose data folder is gone."""
    with suppress(OSError):
        own = Path((base / "origin").read_text(encoding="utf-8"))
        if not own.exists():
            shutil.rmtree(base)


def _forget_lost_clusters() -> None:
    """Does so for those of temporary data folders, which a killed run could not remove."""
    for root in temporary_roots():
        for base in root.glob("*"):
            _remove_if_lost(base)
