"""Runs a program that ends together with the process that started it.

A benchmark that is killed cannot stop its receiver and its workers itself.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)


def bound_command(*arguments: str) -> tuple[str, ...]:
    """Returns the command that runs a program, and that stops it when this process dies (Linux)."""
    return (sys.executable, "-I", "-S", __file__, str(os.getpid()), *arguments)


def _main(parent: str, *arguments: str) -> None:
    if sys.platform == "linux":
        # The request outlasts exec.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == int(parent):
        os.execv(arguments[0], arguments)  # noqa: S606  # the arguments of this package


if __name__ == "__main__":
    _main(*sys.argv[1:])
