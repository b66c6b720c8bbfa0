"""Starts workers quickly: imports the worker once and forks a process per worker.

Reads commands, one JSON object per line. {"start": {variable: value}, "log": path, "dies_at":
point} responds with the pid of a worker that is killed at this failpoint, or at none if it is
empty; {"wait": pid} with the exit code, {"poll": pid} with the exit code or null.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

from rowhook.cli import main
from rowhook.worker import failpoints
from tests.faults.kill_hook import kill_at

_PR_SET_PDEATHSIG = 1  # prctl(2)


def _become_worker(environment: dict[str, str], log: str, dies_at: str) -> None:
    # An interrupted battery leaves no processes.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    log_file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for place, source in ((0, null), (1, null), (2, log_file)):
        os.dup2(source, place)
    os.environ.update(environment)
    if dies_at:
        failpoints.install(kill_at(dies_at))
    sys.argv = ["rowhook", "worker"]
    main()


def _ended(pid: int, options: int) -> int | None:
    ended_pid, status = os.waitpid(pid, options)
    return os.waitstatus_to_exitcode(status) if ended_pid else None


def _answer(command: dict[str, Any]) -> int | None:
    if "start" in command:
        pid = os.fork()
        if pid == 0:
            _become_worker(command["start"], command["log"], command["dies_at"])
        return pid
    if "wait" in command:
        return _ended(command["wait"], 0)
    return _ended(command["poll"], os.WNOHANG)


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), flush=True)  # noqa: T201  # the parent reads it
