"""Modules run as processes that are forked from one that has imported those of `rowhook`."""

from __future__ import annotations

import asyncio
import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.command_template import REQUEST_SIZE

_KILLED = -signal.SIGKILL


@functools.cache
def _template(environment: tuple[tuple[str, str], ...]) -> socket.socket:
    """Starts the process that forks the commands, once; it ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(  # noqa: S603  # our own module
            (sys.executable, "-m", "tests.support.command_template", str(theirs.fileno())),
            env=dict(environment),
            cwd=os.sep,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
        )
    atexit.register(process.wait)
    atexit.register(ours.close)
    return ours


@dataclass(slots=True, kw_only=True)
class _Streams:
    """The part of a protocol that `asyncio.subprocess.Process` reads."""

    stdin: None
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader


class _Forked:
    """The part of a transport that `asyncio.subprocess.Process` uses, for a forked command."""

    def __init__(self, pid: int, pipes: dict[int, asyncio.ReadTransport]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._pipes = pipes
        self.ended = asyncio.Event()

    async def watch(self, report: socket.socket) -> None:
        """Waits for the exit code. The process that sends it may be killed together with it."""
        code = await asyncio.get_running_loop().sock_recv(report, REQUEST_SIZE)
        self.returncode = int(code or _KILLED)
        self.ended.set()

    def get_pid(self) -> int:
        return self.pid

    def get_returncode(self) -> int | None:
        return self.returncode

    def get_pipe_transport(self, descriptor: int) -> asyncio.ReadTransport:
        return self._pipes[descriptor]

    async def _wait(self) -> int | None:
        await self.ended.wait()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


async def _readable(descriptor: int) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    return reader, transport


def _request(
    channel: socket.socket, document: dict[str, Any], report: socket.socket
) -> tuple[int, int]:
    """Sends a request; returns the ends of the pipes of its output and error."""
    out, out_written = os.pipe()
    err, err_written = os.pipe()
    with ExitStack() as handed_over:
        for descriptor in (out_written, err_written):
            handed_over.callback(os.close, descriptor)
        null = os.open(os.devnull, os.O_RDONLY)
        handed_over.callback(os.close, null)
        descriptors = [null, out_written, err_written, report.fileno()]
        socket.send_fds(channel, [json.dumps(document).encode()], descriptors)
    return out, err


@asynccontextmanager
async def forked_command(
    folder: Path,
    module: str,
    arguments: tuple[str, ...],
    *,
    variables: dict[str, str],
    common: dict[str, str],
) -> AsyncIterator[Process]:
    """Runs a module in a folder; the caller waits for its end.

    `common` is the environment in which modules are imported.
    """
    loop = asyncio.get_running_loop()
    channel = _template(tuple(sorted(common.items())))
    document = {
        "folder": str(folder),
        "module": module,
        "arguments": arguments,
        "environment": variables,
    }
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(0)
    with ours:
        with theirs:
            out, err = await asyncio.to_thread(_request, channel, document, theirs)
        pipes = {1: await _readable(out), 2: await _readable(err)}
        transport = _Forked(
            int(await loop.sock_recv(ours, REQUEST_SIZE)),
            {descriptor: pipe for descriptor, (_, pipe) in pipes.items()},
        )
        watching = asyncio.create_task(transport.watch(ours))
        try:
            streams = _Streams(stdin=None, stdout=pipes[1][0], stderr=pipes[2][0])
            yield Process(transport, streams, loop)  # type: ignore[arg-type]
        finally:
            await watching
            for _, pipe in pipes.values():
                pipe.close()
