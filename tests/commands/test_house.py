"""The repository: scripts, wheel and file sizes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = (
    "bin/rowhook",
    "bin/prepare",
    "bin/assets",
    "bin/test",
    ".ci/run",
    "deploy/image/lock",
    "deploy/postgres/create-logins.sh",
)
PYTHON = sorted(path.relative_to(ROOT) for path in (ROOT / "src").rglob("*.py"))
SQL = sorted(path.relative_to(ROOT) for path in (ROOT / "sql").rglob("*.sql"))
ASSETS = sorted(path.relative_to(ROOT) for path in (ROOT / "src/rowhook/api/assets").iterdir())
DASHBOARD = ROOT / "src/rowhook/dashboard"
SHOWN = sorted(
    path.relative_to(ROOT)
    for kind in ("static", "templates", "preset_bodies")
    for path in (DASHBOARD / kind).rglob("*")
    if path.is_file()
)
LONGEST = 400


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_executable_posix_shell(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    assert (ROOT / script).read_text().startswith("#!/bin/sh\n")
    subprocess.run(["/bin/sh", "-n", str(ROOT / script)], check=True)  # noqa: S603  # our own


def test_the_wheel_contains_every_module_and_sql_file(folder: Path) -> None:
    source = folder / "clone"
    for name in ("src", "sql"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)  # noqa: S603  # our own
    packaged = set(zipfile.ZipFile(next(folder.glob("*.whl"))).namelist())
    assert {str(path.relative_to("src")) for path in PYTHON} <= packaged
    assert {f"rowhook/{path}" for path in SQL} <= packaged
    assert {str(path.relative_to("src")) for path in (*ASSETS, *SHOWN)} <= packaged
    assert "rowhook/verify.mjs" in packaged
    assert not [name for name in packaged if "kill_hook" in name]


@pytest.mark.parametrize("path", [*PYTHON, *SQL], ids=str)
def test_files_have_at_most_400_lines(path: Path) -> None:
    assert len((ROOT / path).read_text().splitlines()) <= LONGEST


def test_base_names_of_modules_are_unique() -> None:
    names = Counter(
        path.name
        for folder in ("src", "bench", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if path.stem not in {"__init__", "__main__", "conftest"}
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_no_table_or_sequence_is_unlogged() -> None:
    # A promoted standby cannot read an unlogged sequence whose creation it replayed.
    assert "UNLOGGED" not in (ROOT / "tests/engine/schema.sql").read_text()


def test_the_license_is_the_complete_apache_license() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
