"""The processes of the server: the account that runs them, and their end with ours."""

from __future__ import annotations

import asyncio
import errno
import os
import pwd
import stat
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ADVICE = "set ROWHOOK_DATA_DIR to another folder, or DATABASE_URL to another server."
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_CANDIDATES = ("rowhook", "postgres", "nobody")
_UNCHANGED = -1
_WATCH = Path(__file__).with_name("watcher.py")
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # no secrets: /proc shows them
_TAIL_LINES = 12


class EmbeddedUnavailable(RuntimeError):
    """The embedded PostgreSQL cannot start; the message contains advice."""


@contextmanager
def os_errors_explained(path: Path) -> Iterator[None]:
    """Converts an OSError at `path` into EmbeddedUnavailable."""
    try:
        yield
    except OSError as error:
        location = error.filename or path
        if error.errno in _DISK_FULL:
            raise EmbeddedUnavailable(
                f"The disk is full at {location}. Free some space, or {ADVICE}"
            ) from error
        raise EmbeddedUnavailable(
            f"Cannot use {location} ({error.strerror}). Make it writable, or {ADVICE}"
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account of the server. `uid` and `gid` are -1 for the account of this process."""

    uid: int = _UNCHANGED
    gid: int = _UNCHANGED
    name: str = ""

    @property
    def is_other(self) -> bool:
        """Whether the server runs as another account than this process."""
        return self.uid != _UNCHANGED

    def own(self, path: Path) -> None:
        """Makes the account the owner of `path`, with mode 0700."""
        if self.is_other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        path.chmod(0o700)

    def may(self, path: Path, access: int) -> bool:
        """Whether the account has `access` (`os.R_OK`, `os.X_OK`) by the mode of `path`."""
        if not self.is_other:
            return os.access(path, access)
        status = path.stat()
        if status.st_uid == self.uid:
            return stat.S_IMODE(status.st_mode) >> 6 & access == access
        if status.st_gid == self.gid:
            return stat.S_IMODE(status.st_mode) >> 3 & access == access
        return stat.S_IMODE(status.st_mode) & access == access


def server_account() -> Account:
    """Returns the account of this process, or for root an existing unprivileged one.

    Raises EmbeddedUnavailable if there is none.
    """
    if os.geteuid() != 0:
        return Account()
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid, name=name)
    raise EmbeddedUnavailable(
        "PostgreSQL does not run as root, and none of the accounts"
        f" {', '.join(_CANDIDATES)} exists. Add one, or run rowhook as an unprivileged user."
    )


def barrier(path: Path, account: Account) -> Path | None:
    """Returns the first folder on the way to `path` that the account cannot enter, or None."""
    if not account.is_other:
        return None
    resolved = path.resolve()
    for folder in (*reversed(resolved.parents), resolved):
        if folder.exists() and not account.may(folder, os.X_OK):
            return folder
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A watched program. Its watcher reads the pipe `control` and ends the program at EOF."""

    process: Process
    control: int

    def send(self, command: bytes) -> None:
        """Sends a command: `keep` restarts the program when it dies, anything else ends it."""
        with suppress(BrokenPipeError):
            os.write(self.control, command[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """The programs of a cluster: folder, account, log, and the lock descriptor they inherit."""

    binaries: Path
    account: Account
    log: Path
    lock: int

    async def run(self, name: str, *arguments: str) -> None:
        """Runs a program to its end. Raises EmbeddedUnavailable with its output if it fails."""
        start = self.log_size()
        async with self.watched(name, *arguments) as child:
            code = await child.process.wait()
        if code:
            raise self.failure(f"{name} failed", start)

    @asynccontextmanager
    async def watched(self, name: str, *arguments: str) -> AsyncIterator[Child]:
        """Runs a program until the block or this process ends."""
        receiving, control = os.pipe()
        try:
            process = await self._start(receiving, str(self.binaries / name), arguments)
        except BaseException:
            os.close(control)
            raise
        finally:
            os.close(receiving)
        child = Child(process=process, control=control)
        try:
            yield child
        finally:
            child.send(b"end")
            os.close(control)
            await wait_uncancelled(process)

    async def _start(self, control: int, program: str, arguments: tuple[str, ...]) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_WATCH)),
            *(str(self.account.uid), str(self.account.gid), str(self.log), program, *arguments),
            stdin=control,
            pass_fds=(self.lock,),
            start_new_session=True,
            env=_environment(),
        )

    def log_size(self) -> int:
        """Returns the current size of the log in bytes."""
        return self.log.stat().st_size if self.log.exists() else 0

    def failure(self, summary: str, since: int) -> EmbeddedUnavailable:
        """Builds the error with the last lines logged after the offset `since`."""
        with self.log.open("rb") as log:
            log.seek(since)
            lines = log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        tail = "\n".join(f"  {line}" for line in lines)
        return EmbeddedUnavailable(f"{summary}. The end of {self.log}:\n{tail}\n{_advice(tail)}")


async def wait_uncancelled(process: Process) -> None:
    """Waits for the end of a process, which a cancellation must not leave behind."""
    cancelled: asyncio.CancelledError | None = None
    while process.returncode is None:
        try:
            await process.wait()
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


def _advice(output: str) -> str:
    if "No space left" in output:
        return f"The disk is full. Free some space, or {ADVICE}"
    return f"{ADVICE[0].upper()}{ADVICE[1:]}"


def _environment() -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "LC_ALL": "C", "TZ": "UTC"}
