"""bin/test: the tests that its arguments select, and its end on a signal."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from tests.support.deadline import DEADLINE_S
from tests.support.worker_rig import until

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
DEFAULT = ["--checks", "-n", "3", "--dist", "worksteal", "-m", "not long and not battery"]
PRINTS = """#!/bin/sh
printf '%s\\n' "$@"
"""
# Ends some time after SIGTERM, and prints whether the folder still exists.
SERVES = """#!/bin/sh
trap 'sleep 0.5; [ -d "$TMPDIR" ] && echo torn down >>"$HOME/log"; exit 2' TERM
touch "$HOME/started"
while :; do sleep 0.05; done
"""
SESSION = """
import os, pathlib, time, pytest
@pytest.fixture(scope="session")
def server():
    yield
    pathlib.Path({folder!r}, f"stopped-{{os.getpid()}}").touch()
@pytest.mark.parametrize("n", range(2))
def test_waits(server, n):
    pathlib.Path({folder!r}, f"began-{{n}}").touch()
    time.sleep(600)
"""


def clone(folder: Path, python: str) -> Path:
    """A clone that needs no preparation, with another `python`."""
    programs = {"bin/prepare": "#!/bin/sh\n", ".venv/bin/python": python}
    for name, text in programs.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o700)
    shutil.copy(ROOT / "bin" / "test", folder / "bin")
    return folder / "bin" / "test"


async def test_prepare_refuses_a_set_of_dependencies_that_does_not_exist(folder: Path) -> None:
    (folder / "bin").mkdir()
    shutil.copy(ROOT / "bin" / "prepare", folder / "bin")
    process = await run(folder, folder / "bin" / "prepare", "--help")
    _, err = await process.communicate()
    assert (process.returncode, b"bin/prepare development" in err) == (1, True)
    assert not (folder / ".venv").exists()


def count(folder: Path, pattern: str) -> int:
    return len(list(folder.glob(pattern)))


async def run(folder: Path, *command: str | Path) -> Process:
    return await asyncio.create_subprocess_exec(
        *command,
        stdout=PIPE,
        stderr=PIPE,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)},
    )


@pytest.mark.parametrize(
    ("arguments", "selected"),
    [
        ([], DEFAULT),
        (["--durations=10"], [*DEFAULT, "--durations=10"]),
        (["-k", "some name", "-x"], [*DEFAULT, "-k", "some name", "-x"]),
        (["-x", "tests/test_a.py"], ["-x", "tests/test_a.py"]),
        (["tests/test_a.py::test_b", "-x"], ["tests/test_a.py::test_b", "-x"]),
        (["-x", "tests"], ["-x", "tests"]),
        (["faults", "-x"], ["-m", "faults", "-x"]),
        (["soak"], ["-m", "soak"]),
    ],
    ids=" ".join,
)
async def test_options_keep_the_default_selection_and_a_path_replaces_it(
    folder: Path, arguments: list[str], selected: list[str]
) -> None:
    process = await run(folder, "sh", clone(folder, PRINTS), *arguments)
    out, err = await process.communicate()
    lines = out.decode().splitlines()
    assert (process.returncode, lines[lines.index("tests.support.checks") + 1 :]) == (
        0,
        selected,
    ), err


@pytest.mark.parametrize("signal", ["TERM", "HUP"])
async def test_a_signal_is_forwarded_to_pytest_and_the_folder_is_removed_after_its_exit(
    folder: Path, signal: str
) -> None:
    process = await run(folder, "sh", clone(folder, SERVES), "tests")

    async def has_started() -> bool:
        return count(folder, "started") == 1

    await until(has_started, description="the start of pytest")
    await (await run(folder, "kill", f"-{signal}", str(process.pid))).wait()
    async with asyncio.timeout(DEADLINE_S):
        assert await process.wait() == 143
    assert (folder / "log").read_text() == "torn down\n"
    assert count(folder, "rowhook-test.*") == 0


@pytest.mark.long
@pytest.mark.parametrize("workers", [0, 2])
async def test_pytest_tears_down_its_fixtures_on_termination(folder: Path, workers: int) -> None:
    file = folder / "test_waits.py"
    file.write_text(SESSION.format(folder=str(folder)))
    process = await run(
        folder,
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.support.termination",
        "-n",
        str(workers),
        "-p",
        "no:cacheprovider",
        f"--rootdir={folder}",
        str(file),
    )

    async def has_begun() -> bool:
        return count(folder, "began-*") == max(workers, 1)

    await until(has_begun, description="the tests")
    process.terminate()
    async with asyncio.timeout(DEADLINE_S):
        out, _ = await process.communicate()
    assert process.returncode == pytest.ExitCode.INTERRUPTED, out
    assert count(folder, "stopped-*") == max(workers, 1)


async def test_bench_is_the_one_of_the_clone_in_any_working_directory(tmp_path: Path) -> None:
    other = tmp_path / "bench"
    other.mkdir()
    (other / "__init__.py").touch()
    (other / "__main__.py").write_text("print('another bench')")
    process = await asyncio.create_subprocess_exec(
        ROOT / "bin" / "rowhook", "bench", "--help", cwd=tmp_path, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert "Usage: rowhook bench" in output.decode()
