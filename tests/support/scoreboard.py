"""A pytest plugin of bin/test: what a battery was asked and what it measured, a line each."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


_VARIABLE = "ROWHOOK_SCOREBOARD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One line: what was done, what was asked for, what came of it."""

    scenario: str
    asked: str
    measured: str
    holds: bool


def score(scenario: str, *, asked: str, measured: str, holds: bool) -> None:
    """Writes a line down, and fails if it does not hold."""
    line = Score(scenario=scenario, asked=asked, measured=measured, holds=holds)
    if _VARIABLE in os.environ:
        with Path(os.environ[_VARIABLE]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")
    assert holds, f"{scenario}: asked {asked}, measured {measured}"


def scores() -> list[Score]:
    """The lines so far."""
    path = Path(os.environ.get(_VARIABLE, os.devnull))
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Score(**json.loads(line)) for line in lines]


def merged(listed: list[Score]) -> list[Score]:
    """Cases of one scenario as one line, which counts them."""
    groups: dict[tuple[str, str], list[Score]] = {}
    for row in listed:
        groups.setdefault((row.scenario, row.asked), []).append(row)
    return [
        group[0]
        if len(group) == 1
        else Score(
            scenario=scenario,
            asked=asked,
            measured=f"{sum(row.holds for row in group)} of {len(group)} cases",
            holds=all(row.holds for row in group),
        )
        for (scenario, asked), group in groups.items()
    ]


def pytest_configure() -> None:
    """One file for all processes of this run; the first of them names it."""
    if _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = str(Path(tempfile.mkdtemp(prefix="rowhook-")) / "scores")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table."""
    listed = merged(scores())
    if not listed:
        return
    terminalreporter.section("SCOREBOARD")
    wide = max(len(row.scenario) for row in listed)
    width = max(len(row.asked) for row in listed)
    for row in listed:
        mark = "ok  " if row.holds else "FAIL"
        terminalreporter.line(
            f"{mark} {row.scenario.ljust(wide)}  {row.asked.ljust(width)}  {row.measured}"
        )
