"""Runs one program as a given account and ends it when its caller says so or is gone.

A script of its own (`python -I -S watch.py uid gid log program …`), in a session of its own, so
that neither Ctrl-C nor SIGKILL of the caller leaves a server behind. It signals its child alone.
On standard input: `k` keeps the program running (it is started again if it dies); anything else,
or the end of the input, ends it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

TYPE_CHECKING = False  # typing itself would cost a third of the start
if TYPE_CHECKING:
    from collections.abc import Callable

# SIGINT is Postgres's fast shutdown, SIGQUIT its immediate one; each after so many seconds.
_ESCALATION = ((signal.SIGINT, 0.0), (signal.SIGQUIT, 20.0), (signal.SIGKILL, 30.0))
_TOLD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TICK_S = 1.0
_AGAIN_S = (0.2, 1.0, 5.0)  # before it is started again after its first, second, later deaths


def _start(uid: int, gid: int, log: int, program: list[str]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        _become(uid, gid, log)
        os.execve(program[0], program, dict(os.environ))  # noqa: S606  # no shell is wanted
    except OSError as error:
        os.write(2, f"cannot run {program[0]}: {error}\n".encode())
    os._exit(126)


def _become(uid: int, gid: int, log: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for number in (*_TOLD, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    if uid != -1:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.umask(0o077)
    os.chdir("/")


def _ended(child: int) -> int | None:
    pid, status = os.waitpid(child, os.WNOHANG)
    return None if pid == 0 else os.waitstatus_to_exitcode(status)


def _wake_on_signals() -> int:
    """A descriptor that is readable once a child ended, or once we are asked to end."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (*_TOLD, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reading


def _asked(woken: int, caller: int, wait_s: float) -> str:
    """What is asked for within `wait_s`: `keep`, `end`, or nothing."""
    readable, _, _ = select.select([0, woken], [], [], wait_s)
    if os.getppid() != caller:
        return "end"
    if woken in readable and set(os.read(woken, 512)) - {signal.SIGCHLD}:
        return "end"
    if 0 in readable:
        return "keep" if os.read(0, 1) == b"k" else "end"
    return ""


def _end(child: int, woken: int) -> int:
    begun = time.monotonic()
    left = list(_ESCALATION)
    while (code := _ended(child)) is None:
        passed = time.monotonic() - begun
        if left and passed >= left[0][1]:
            os.kill(child, left.pop(0)[0])
        if select.select([woken], [], [], 0.05)[0]:
            os.read(woken, 512)
    return code


def _watch(start: Callable[[], int]) -> int:
    caller = os.getppid()
    woken = _wake_on_signals()
    child, kept, deaths = start(), False, 0
    while True:
        asked = _asked(woken, caller, _TICK_S)
        if asked == "end":
            return _end(child, woken)
        kept = kept or asked == "keep"
        code = _ended(child)
        if code is None:
            continue
        if not kept or _asked(woken, caller, _AGAIN_S[min(deaths, 2)]) == "end":
            return abs(code)
        deaths += 1
        child = start()


def main(arguments: list[str]) -> int:
    """The exit code of the program, a signal's number if it was killed."""
    uid, gid, path, *program = arguments
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return _watch(lambda: _start(int(uid), int(gid), log, program))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
