"""A pytest plugin of bin/test: lists skipped tests with their reasons before the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    absent = _absent(terminalreporter)
    if absent:
        terminalreporter.section("NOT TESTED ON THIS MACHINE", sep="!", yellow=True)
        for reason, count in sorted(absent.items()):
            terminalreporter.line(f"{count} tests skipped: {reason}")


def _absent(terminalreporter: pytest.TerminalReporter) -> dict[str, int]:
    reasons = [
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    ]
    return {reason: reasons.count(reason) for reason in reasons}
