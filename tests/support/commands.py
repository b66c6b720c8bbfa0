"""Runs the command line as a process, and its output and exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.deadline import DEADLINE_S
from tests.support.forked_commands import forked_command

SOURCE = Path(__file__).parents[2] / "src"
# As `before`: where the start, the memory or the command line of the process is tested.
NEW_INTERPRETER = ("env",)

# A bench takes 45 s on a quiet machine; the limit only ends a command that hangs.
_COMMAND_S = 5 * DEADLINE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """The result of a command."""

    code: int
    out: str
    err: str

    def refused(self, code: int, *texts: str) -> None:
        """Checks the exit code and the text on standard error, without a traceback."""
        assert self.code == code, self.err
        assert "Traceback" not in self.err + self.out
        for text in texts:
            assert text in self.err, self.err


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Returns an environment with its own home and without settings of this machine."""
    return {
        "HOME": str(home),
        "TMPDIR": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{SOURCE}:{SOURCE.parent}",
        "ROWHOOK_DATA_DIR": str(home / "data"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "200",
        **variables,
    }


@asynccontextmanager
async def running_command(
    home: Path,
    *arguments: str,
    before: tuple[str, ...] = (),
    module: str = "rowhook",
    **variables: str,
) -> AsyncIterator[Process]:
    """Runs a command; it and its child processes are ended at the exit.

    It is forked from a process that has imported `rowhook`, except behind another program, such as
    `NEW_INTERPRETER`, or with other sources.
    """
    if not before and "PYTHONPATH" not in variables:
        forked = forked_command(
            home,
            module,
            arguments,
            variables=environment(home, **variables),
            common=environment(Path(os.sep)),
        )
        async with forked as process, _ended(process):
            yield process
        return
    process = await asyncio.create_subprocess_exec(
        *before,
        sys.executable,
        "-m",
        module,
        *arguments,
        env=environment(home, **variables),
        stdout=PIPE,
        stderr=PIPE,
        cwd=home,
    )
    async with _ended(process):
        yield process


@asynccontextmanager
async def _ended(process: Process) -> AsyncIterator[None]:
    """Ends a process and its child processes at the exit."""
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(DEADLINE_S):
                    await process.communicate()
            except TimeoutError:
                for pid in (*children(process.pid), process.pid):
                    os.kill(pid, signal.SIGKILL)
                await process.communicate()
                raise


async def wait_for_exit(process: Process) -> CommandResult:
    """Waits for the end of a command."""
    async with asyncio.timeout(_COMMAND_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    return CommandResult(code=process.returncode, out=out.decode(), err=err.decode())


async def run_command(
    home: Path,
    *arguments: str,
    before: tuple[str, ...] = (),
    module: str = "rowhook",
    **variables: str,
) -> CommandResult:
    """Runs a command to its end."""
    async with running_command(
        home, *arguments, before=before, module=module, **variables
    ) as process:
        return await wait_for_exit(process)


def free_port() -> int:
    """Returns a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children(pid: int) -> list[int]:
    """Returns the running child processes of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Returns whether a process exists."""
    return Path(f"/proc/{pid}").exists()


def command_lines_with(path: Path) -> list[str]:
    """Returns the command lines of all processes that contain a path."""
    command_lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().decode(errors="replace")
        except OSError:  # it has just ended
            continue
        if str(path) in line:
            command_lines.append(line)
    return command_lines
