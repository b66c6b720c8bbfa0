"""A pytest plugin of bin/test: runs format, lint, types, imports and docs parallel to the tests."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKS = {
    "format": ("ruff", "format", "--check"),
    "lint": ("ruff", "check", "--quiet"),
    "types": ("mypy", "--no-error-summary"),
    "imports": ("lint-imports",),
    "docs": (
        "mkdocs",
        "build",
        "--strict",
        "--site-dir",
        str(Path(tempfile.gettempdir()) / "rowhook-site"),
    ),
}
# mkdocs-material advertises its successor otherwise.
_ENVIRONMENT = {"NO_MKDOCS_2_WARNING": "1"}
_DEADLINE_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A started check."""

    name: str
    process: subprocess.Popen[str]

    def error(self) -> str | None:
        """Waits for its end; returns its output if it failed."""
        output, _ = self.process.communicate(timeout=_DEADLINE_S)
        return output if self.process.returncode != 0 else None

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def start(name: str, *command: str) -> Check:
    process = subprocess.Popen(  # noqa: S603  # a command of CHECKS
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | _ENVIRONMENT,
    )
    return Check(name=name, process=process)


class Checks:
    """Starts all checks when the session begins, and fails the session if one fails."""

    def __init__(self) -> None:
        self.started: list[Check] = []
        self.errors: dict[str, str] = {}

    def pytest_sessionstart(self) -> None:
        self.started = [start(name, *command) for name, command in CHECKS.items()]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Collects the results before the terminal prints its summary."""
        if exitstatus == pytest.ExitCode.INTERRUPTED:
            return
        errors = {check.name: check.error() for check in self.started}
        self.errors = {name: error for name, error in errors.items() if error is not None}
        if self.errors and exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for name, error in self.errors.items():
            terminalreporter.section(f"CHECK FAILED: {name}", sep="!", red=True)
            terminalreporter.line(error)

    def pytest_unconfigure(self) -> None:
        for check in self.started:
            check.stop()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--checks", action="store_true", help="run the checks beside the tests")


def pytest_configure(config: pytest.Config) -> None:
    """Runs the checks only in the first process, not in the workers of xdist."""
    if config.getoption("checks") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Checks(), "rowhook-checks")
