"""Starts workers quickly: imports the build once and forks a process per worker.

Reads a JSON line per command: {"start": {variable: value}, "log": path} responds with the pid,
{"wait": pid} with the exit code, {"poll": pid} with the exit code or null.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

from rowhook.cli import main

_PR_SET_PDEATHSIG = 1  # prctl(2)


def _become_worker(environment: dict[str, str], log: str) -> None:
    # An interrupted battery leaves no processes.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    log_file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for place, source in ((0, null), (1, null), (2, log_file)):
        os.dup2(source, place)
    os.environ.update(environment)
    sys.argv = ["rowhook", "worker"]
    main()


def _ended(pid: int, options: int) -> int | None:
    ended_pid, status = os.waitpid(pid, options)
    return os.waitstatus_to_exitcode(status) if ended_pid else None


def _answer(command: dict[str, Any]) -> int | None:
    if "start" in command:
        pid = os.fork()
        if pid == 0:
            _become_worker(command["start"], command["log"])
        return pid
    if "wait" in command:
        return _ended(command["wait"], 0)
    return _ended(command["poll"], os.WNOHANG)


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), flush=True)  # noqa: T201  # the parent reads it
