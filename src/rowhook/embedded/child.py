"""Programs run as the server's account under a watcher that ends them when we are gone."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rowhook.embedded.account import Account
from rowhook.embedded.refusal import INSTEAD, EmbeddedUnavailable

_WATCH = Path(__file__).with_name("watch.py")
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # never our secrets: /proc shows them
_TAIL_LINES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A watched program. Its watcher reads `tell`; at the end of that, it ends the program."""

    process: Process
    tell: int

    def say(self, word: bytes) -> None:
        """`keep` has the program started again whenever it dies; anything else ends it."""
        with suppress(BrokenPipeError):
            os.write(self.tell, word[:1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What every program of a cluster shares. `lock` is the descriptor that they inherit."""

    binaries: Path
    account: Account
    log: Path
    lock: int

    async def run(self, name: str, *arguments: str) -> None:
        """Runs a program to its end. Raises EmbeddedUnavailable with what it said if it fails."""
        said = self.position()
        async with self.watched(name, *arguments) as child:
            code = await child.process.wait()
        if code:
            raise self.failed(f"{name} failed", said)

    @asynccontextmanager
    async def watched(self, name: str, *arguments: str) -> AsyncIterator[Child]:
        """A program that runs until the block ends, or we do."""
        told, tell = os.pipe()
        try:
            process = await self._start(told, str(self.binaries / name), arguments)
        except BaseException:
            os.close(tell)
            raise
        finally:
            os.close(told)
        child = Child(process=process, tell=tell)
        try:
            yield child
        finally:
            child.say(b"end")
            os.close(tell)
            await process.wait()

    async def _start(self, told: int, program: str, arguments: tuple[str, ...]) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_WATCH)),
            *(str(self.account.uid), str(self.account.gid), str(self.log), program, *arguments),
            stdin=told,
            pass_fds=(self.lock,),
            start_new_session=True,
            env=_environment(),
        )

    def position(self) -> int:
        """Where the log ends now, in bytes."""
        return self.log.stat().st_size if self.log.exists() else 0

    def failed(self, what: str, since: int) -> EmbeddedUnavailable:
        """The error with the last lines that were logged after `since`."""
        with self.log.open("rb") as log:
            log.seek(since)
            lines = log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        said = "\n".join(f"  {line}" for line in lines)
        return EmbeddedUnavailable(f"{what}; the end of {self.log}:\n{said}\n{_advice(said)}")


def _advice(said: str) -> str:
    full = "the disk is full: make room, or " if "No space left" in said else ""
    return f"{full}{INSTEAD}"


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
