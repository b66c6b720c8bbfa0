"""A pytest plugin of bin/test: SIGTERM and SIGHUP end the tests as Ctrl-C does."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Termination:
    """Turns the first signal into KeyboardInterrupt, and forwards it to the workers of xdist."""

    def __init__(self) -> None:
        self._workers: list[int] = []

    def install(self) -> None:
        for number in _SIGNALS:
            signal.signal(number, self._interrupt)
        # A shell starts background commands with SIGINT ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        self._workers.append(node.gateway._io.popen.pid)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        # `timeout` signals the whole process group, so the same signal may come twice. The teardown
        # must not be cut off.
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        for pid in self._workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        raise KeyboardInterrupt


def pytest_configure(config: pytest.Config) -> None:
    termination = Termination()
    config.pluginmanager.register(termination, "rowhook-termination")
    termination.install()
