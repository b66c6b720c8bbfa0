"""Runs a program as another account, and ends it when its caller asks for that or ends.

This is a separate script (`python -I -S watch.py uid gid log program …`) in a separate session, so
that neither Ctrl-C nor SIGKILL of the caller leaves a server behind. It signals only its child.
On standard input, `k` keeps the program running (it is restarted if it dies); anything else, or
end of file, ends it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

TYPE_CHECKING = False  # importing typing would take a third of the start-up time
if TYPE_CHECKING:
    from collections.abc import Callable

# Signals with delays in seconds: PostgreSQL's fast shutdown, immediate shutdown, and SIGKILL.
_ESCALATION = ((signal.SIGINT, 0.0), (signal.SIGQUIT, 20.0), (signal.SIGKILL, 30.0))
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TICK_S = 1.0
_RESTART_DELAYS_S = (0.2, 1.0, 5.0)  # after the first, second and later deaths


def _start(uid: int, gid: int, log: int, program: list[str]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        _become(uid, gid, log)
        os.execve(program[0], program, dict(os.environ))  # noqa: S606  # no shell
    except OSError as error:
        os.write(2, f"cannot run {program[0]}: {error}\n".encode())
    os._exit(126)


def _become(uid: int, gid: int, log: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for number in (*_STOP_SIGNALS, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    if uid != -1:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.umask(0o077)
    os.chdir("/")


def _exit_code(child: int) -> int | None:
    pid, status = os.waitpid(child, os.WNOHANG)
    return None if pid == 0 else os.waitstatus_to_exitcode(status)


def _wake_on_signals() -> int:
    """Returns a descriptor that becomes readable when a child ends or a stop signal arrives."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (*_STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reading


def _wait_for_command(wakeup: int, caller: int, wait_s: float) -> str:
    """Returns the command received within `wait_s`: `keep`, `end`, or an empty string."""
    readable, _, _ = select.select([0, wakeup], [], [], wait_s)
    if os.getppid() != caller:
        return "end"
    if wakeup in readable and set(os.read(wakeup, 512)) - {signal.SIGCHLD}:
        return "end"
    if 0 in readable:
        return "keep" if os.read(0, 1) == b"k" else "end"
    return ""


def _end(child: int, wakeup: int) -> int:
    started_at = time.monotonic()
    pending = list(_ESCALATION)
    while (code := _exit_code(child)) is None:
        elapsed = time.monotonic() - started_at
        if pending and elapsed >= pending[0][1]:
            os.kill(child, pending.pop(0)[0])
        if select.select([wakeup], [], [], 0.05)[0]:
            os.read(wakeup, 512)
    return code


def _watch(start: Callable[[], int]) -> int:
    caller = os.getppid()
    wakeup = _wake_on_signals()
    child, is_kept, deaths = start(), False, 0
    while True:
        command = _wait_for_command(wakeup, caller, _TICK_S)
        if command == "end":
            return _end(child, wakeup)
        is_kept = is_kept or command == "keep"
        code = _exit_code(child)
        if code is None:
            continue
        delay = _RESTART_DELAYS_S[min(deaths, 2)]
        if not is_kept or _wait_for_command(wakeup, caller, delay) == "end":
            return abs(code)
        deaths += 1
        child = start()


def main(arguments: list[str]) -> int:
    """Returns the exit code of the program, or the signal number if it was killed."""
    uid, gid, path, *program = arguments
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return _watch(lambda: _start(int(uid), int(gid), log, program))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
