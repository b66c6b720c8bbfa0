"""A pytest plugin of bin/test: prints requirements and measurements of a battery as a table."""

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
    """A line: the scenario, the requirement and the measurement."""

    scenario: str
    required: str
    measured: str
    holds: bool


def score(scenario: str, *, required: str, measured: str, holds: bool) -> None:
    """Records a line, and fails if it does not hold."""
    line = Score(scenario=scenario, required=required, measured=measured, holds=holds)
    if _VARIABLE in os.environ:
        with Path(os.environ[_VARIABLE]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")
    assert holds, f"{scenario}: required {required}, measured {measured}"


def scores() -> list[Score]:
    """Returns the recorded lines."""
    path = Path(os.environ.get(_VARIABLE, os.devnull))
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Score(**json.loads(line)) for line in lines]


def merged(listed: list[Score]) -> list[Score]:
    """Merges the cases of a scenario into one line with their count."""
    groups: dict[tuple[str, str], list[Score]] = {}
    for row in listed:
        groups.setdefault((row.scenario, row.required), []).append(row)
    return [
        group[0]
        if len(group) == 1
        else Score(
            scenario=scenario,
            required=required,
            measured=f"{sum(row.holds for row in group)} of {len(group)} cases",
            holds=all(row.holds for row in group),
        )
        for (scenario, required), group in groups.items()
    ]


def pytest_configure() -> None:
    """Chooses one file for all processes of this run, in the first of them."""
    if _VARIABLE not in os.environ:
        os.environ[_VARIABLE] = str(Path(tempfile.mkdtemp(prefix="rowhook-")) / "scores")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the table."""
    listed = merged(scores())
    if not listed:
        return
    terminalreporter.section("SCOREBOARD")
    wide = max(len(row.scenario) for row in listed)
    width = max(len(row.required) for row in listed)
    for row in listed:
        mark = "ok  " if row.holds else "FAIL"
        terminalreporter.line(
            f"{mark} {row.scenario.ljust(wide)}  {row.required.ljust(width)}  {row.measured}"
        )
