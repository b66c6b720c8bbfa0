from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from timeit import repeat
from typing import Any

import pytest

from rowhook.worker.failpoints import FAILPOINTS, reach
from tests.support.scoreboard import score

ROOT = Path(__file__).parents[2]
MAX_CALLS = 3
INSTALL = "from tests.faults.kill_hook import kill_at; install(kill_at({!r}))"
PASS = "for _ in range(3): reach('claimed'); print('on')"


def run(*lines: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a process that may install a hook, and then passes `claimed` three times."""
    program = "\n".join(("from rowhook.worker.failpoints import install, reach", *lines, PASS))
    return subprocess.run(  # noqa: S603  # the program is a constant
        [sys.executable, "-uc", program],
        capture_output=True,
        check=False,
        env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"} | environment,
    )


def lines_about_failpoints() -> list[str]:
    """Returns the lines of the product, outside the module itself, that mention failpoints."""
    return [
        line.strip()
        for path in (ROOT / "src").rglob("*.py")
        if path.name != "failpoints.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if "failpoint" in line
    ]


def test_the_pipeline_reaches_each_of_the_twelve_failpoints_in_one_place() -> None:
    calls = (
        re.fullmatch(r'failpoints\.reach\("(\w+)"\)', line) for line in lines_about_failpoints()
    )
    assert sorted(call[1] for call in calls if call) == sorted(FAILPOINTS)
    assert len(FAILPOINTS) == 12


def test_the_product_installs_no_hook() -> None:
    others = {line for line in lines_about_failpoints() if not line.startswith("failpoints.reach(")}
    assert others == {"from rowhook.worker import failpoints"}


def test_a_process_dies_at_its_failpoint_after_the_given_passes() -> None:
    end = run(INSTALL.format("claimed:2"))
    assert end.returncode == -signal.SIGKILL
    assert end.stdout == b"on\non\n"
    assert end.stderr == b"failpoint.killed_at claimed\n"


@pytest.mark.parametrize("point", ["claimed:3", "recorded:0"])
def test_a_process_continues_at_other_failpoints(point: str) -> None:
    end = run(INSTALL.format(point))
    assert (end.returncode, end.stdout, end.stderr) == (0, b"on\n" * 3, b"")


def test_no_environment_variable_kills_a_process() -> None:
    end = run(ROWHOOK_FAILPOINT="claimed:0", ROWHOOK_FAILPOINTS="claimed:0")
    assert (end.returncode, end.stdout, end.stderr) == (0, b"on\n" * 3, b"")


@pytest.mark.battery
@pytest.mark.faults
def test_a_failpoint_without_a_hook_costs_nothing() -> None:
    def call_ns(function: Callable[[Any], None]) -> float:
        return min(repeat('f("claimed")', globals={"f": function}, number=1000, repeat=1000)) * 1e6

    calls = call_ns(reach) / call_ns(lambda _: None)
    score(
        "a failpoint without a hook",
        required=f"< {MAX_CALLS} empty calls",
        measured=f"{calls:.1f}",
        holds=calls < MAX_CALLS,
    )
