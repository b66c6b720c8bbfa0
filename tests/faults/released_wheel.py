"""Releases as installations: the last one from its wheel, this one, and a next one."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench import cached_install
from tests.support.deadline import DEADLINE_S

# The release before this one: its version, and the commit that completed it.
VERSION, COMMIT = "0.1.0", "c544c74ab26bd5d24f8851aae07d8696b38eaa94"
# 0.1.0 answers 503 at /readyz once a newer release has migrated; later ones must not.
STAYS_READY = False
_ROOT = Path(__file__).parents[2]
_SOURCES = ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "src", "sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An installed release: its name, its Python, and variables that select its sources."""

    name: str
    stays_ready: bool
    python: Path = Path(sys.executable)
    variables: dict[str, str] = field(default_factory=dict)


THIS = Release(name="this release", stays_ready=True)


def next_release(folder: Path) -> Release:
    """Copies the sources, with a column more and a changed function."""
    for name in ("src", "sql"):
        shutil.copytree(
            _ROOT / name, folder / "next" / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    sql = folder / "next/sql"
    (sql / "tables/9999_next.sql").write_text(
        "alter table rowhook.webhook add column next_release int not null default 0;\n"
    )
    for function in ("functions/20_claim.sql", "functions/30_record.sql"):
        (sql / function).write_text((sql / function).read_text() + "-- of the next release\n")
    path = {"PYTHONPATH": str(folder / "next/src")}
    return Release(name="the next release", stays_ready=True, variables=path)


async def last_release(folder: Path) -> Release:
    """Builds and installs the wheel of the last release. Skips if the clone lacks its commit."""
    if shutil.which("git") is None or not _has_commit():
        pytest.skip(f"the clone has no history: git fetch --unshallow, for commit {COMMIT[:7]}")
    sources, environment = folder / "release", folder / "environment"
    sources.mkdir()
    archive = folder / "release.tar"
    await cached_install.run(
        *("git", "-C", str(_ROOT), "archive", "--output", str(archive), COMMIT, *_SOURCES)
    )
    await cached_install.run("tar", "-xf", str(archive), folder=sources)
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    await cached_install.run(*build, folder=sources)
    requirements = folder / "requirements.txt"
    wheel = folder / f"rowhook-{VERSION}-py3-none-any.whl"
    requirements.write_text(f"rowhook[mcp] @ file://{wheel}\n")
    await cached_install.install_python(environment, requirements)
    return Release(name=VERSION, stays_ready=STAYS_READY, python=environment / "bin" / "python")


def _has_commit() -> bool:
    command = ["git", "-C", str(_ROOT), "cat-file", "-e", COMMIT]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603  # our own


class RowhookProcess:
    """A process of one release, with its log."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self.log = log

    async def stop(self) -> int:
        """Sends SIGTERM and returns the exit code."""
        self.process.terminate()
        async with asyncio.timeout(DEADLINE_S):
            return await self.process.wait()


@asynccontextmanager
async def rowhook(
    release: Release, folder: Path, name: str, *arguments: str, **variables: str
) -> AsyncIterator[RowhookProcess]:
    """Runs a command of a release."""
    path = folder / f"{name}.log"
    with path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(release.python),
            "-P",
            "-m",
            "rowhook",
            *arguments,
            env={"HOME": str(folder), "PATH": os.environ["PATH"]} | release.variables | variables,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            yield RowhookProcess(process, path)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
