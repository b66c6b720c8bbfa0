"""deploy/systemd: the syntax of the units, and how far they are confined."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.deployment import DRAIN_S, ROOT, check_command

UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
PROGRAM = "/opt/rowhook/bin/rowhook"
analyzes = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def settings(unit: Path) -> dict[str, list[str]]:
    """Returns the values of each setting of a unit."""
    values: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        values.setdefault(name, []).append(value)
    return values


def analyze(*arguments: str) -> str:
    command = ["systemd-analyze", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.fixture
def installed(folder: Path) -> list[Path]:
    """The units with a program that exists."""
    for unit in UNITS:
        (folder / unit.name).write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
    return [folder / unit.name for unit in UNITS]


@analyzes
def test_systemd_accepts_every_unit(installed: list[Path]) -> None:
    assert analyze("verify", *map(str, installed)) == ""


@analyzes
def test_every_unit_is_confined(installed: list[Path]) -> None:
    for unit in installed:
        # 0 is the least exposed; a service without restrictions has 9.6.
        analyze("security", "--offline=true", "--threshold=15", str(unit))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_every_unit_runs_an_existing_command(unit: Path) -> None:
    (command,) = settings(unit)["ExecStart"]
    program, verb, *arguments = command.split()
    assert program == PROGRAM
    check_command(verb, *arguments)
    assert unit.stem == f"rowhook-{verb}"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_only_the_migration_reads_the_login_of_the_owner(unit: Path) -> None:
    reads = "/etc/rowhook/owner.env" in settings(unit)["EnvironmentFile"]
    assert reads == (unit.stem == "rowhook-migrate")


@pytest.mark.parametrize("name", ["rowhook-api", "rowhook-worker"])
def test_a_stop_leaves_time_for_the_drain_and_an_end_restarts(name: str) -> None:
    unit = settings(ROOT / f"deploy/systemd/{name}.service")
    assert int(unit["TimeoutStopSec"][0]) > DRAIN_S
    assert unit["Restart"] == ["always"]
