"""A process that has imported the command line and forks itself for each command.

Importing the modules takes 0.8 s of CPU, more than most commands of a test. A request is a JSON
document with four descriptors: standard input, output and error, and the socket that gets the
process id and then the exit code.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import tempfile
import time
from typing import NoReturn

import rowhook.cli

REQUEST_SIZE = 100_000
_STANDARD = 3


def main() -> None:
    """Forks for each request until the other end of the channel is closed."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    for module in pkgutil.iter_modules(rowhook.cli.__path__, "rowhook.cli."):
        importlib.import_module(module.name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel, REQUEST_SIZE, _STANDARD + 1)
        if not request:
            return
        if os.fork() == 0:
            channel.close()
            _fork_command(descriptors)
            _become(json.loads(request), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _fork_command(descriptors: list[int]) -> None:
    """Returns in the process of the command; its parent reports its id and its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    report = socket.socket(fileno=descriptors.pop())
    pid = os.fork()
    if pid == 0:
        report.close()
        return
    for descriptor in descriptors:
        os.close(descriptor)
    report.send(b"%d" % pid)
    _, status = os.waitpid(pid, 0)
    report.send(b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(request: dict[str, object], descriptors: list[int]) -> NoReturn:
    """Runs `python -m module` with the arguments, environment, folder and files of the request."""
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
    folder = str(request["folder"])
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(dict(request["environment"]))  # type: ignore[call-overload]
    time.tzset()
    tempfile.tempdir = None
    sys.path[0] = folder
    sys.argv[1:] = list(request["arguments"])  # type: ignore[call-overload]
    runpy.run_module(str(request["module"]), run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    main()
