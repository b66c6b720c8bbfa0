from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.failpoint_build import ROOT, failpoints, make_build

POINTS = [
    "answered",
    "before_claim",
    "claimed",
    "compiled",
    "composed",
    "dispatched",
    "landed",
    "recorded",
    "recording",
    "renewed",
    "swept",
    "taken",
]
PASSING = "from rowhook.failpoint import reach\nfor _ in range(3): reach('claimed'); print('on')"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_build(tmp_path_factory.mktemp("build"))


def passed(source: Path, point: str) -> subprocess.CompletedProcess[bytes]:
    """Run a process that passes `claimed` three times."""
    return subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-uc", PASSING],
        capture_output=True,
        check=False,
        env={"PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1", "ROWHOOK_FAILPOINT": point},
    )


def python_of(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))


def test_there_are_twelve_failpoints_with_unique_names() -> None:
    assert failpoints() == POINTS


def test_the_product_calls_no_failpoints() -> None:
    assert not re.search(r"failpoint(?! \w+$)|reach\(", python_of(ROOT / "src"), re.MULTILINE)


def test_a_test_build_calls_each_failpoint_once(source: Path) -> None:
    called = re.findall(
        r'^ +from rowhook\.failpoint .*reach\("(\w+)"\)$', python_of(source), re.MULTILINE
    )
    assert sorted(called) == POINTS


def test_a_process_dies_at_its_failpoint_after_the_given_number_of_passes(source: Path) -> None:
    end = passed(source, "claimed:2")
    assert end.returncode == -signal.SIGKILL
    assert end.stdout == b"on\non\n"
    assert end.stderr == b"failpoint.killed_at claimed\n"


@pytest.mark.parametrize("point", ["", "claimed:3", "recorded:0"])
def test_a_process_without_a_failpoint_continues(source: Path, point: str) -> None:
    end = passed(source, point)
    assert (end.returncode, end.stdout, end.stderr) == (0, b"on\n" * 3, b"")


def test_a_test_build_is_complete(source: Path) -> None:
    built_files = {path.relative_to(source) for path in source.rglob("*.py")}
    source_files = {path.relative_to(ROOT / "src") for path in (ROOT / "src").rglob("*.py")}
    assert built_files == source_files | {Path("rowhook/failpoint.py")}
