"""The packages of assets/package-lock.json, installed once for the tests that need them."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ASSETS = Path(__file__).parents[2] / "assets"
NPM = shutil.which("npm")
# The errors of npm without a network, as opposed to those of an invalid lock file.
_NETWORK_ERRORS = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
)


def run(*command: str, folder: Path) -> None:
    """Runs a command that needs npm.

    Skips the test without npm or network. Raises RuntimeError if the command fails otherwise.
    """
    if NPM is None:
        pytest.skip("npm is not installed: apt-get install npm")
    result = subprocess.run(  # noqa: S603  # our own
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    if result.returncode and any(error in result.stderr for error in _NETWORK_ERRORS):
        pytest.skip("npm cannot reach its ctx")
    if result.returncode:
        raise RuntimeError(result.stderr)


def packages() -> Path:
    """Returns the folder node_modules of the lock file; one of several test workers installs it."""
    lock = ASSETS / "package-lock.json"
    cache = Path(sys.prefix) / f"npm-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    cache.mkdir(exist_ok=True)
    complete = cache / "whole"
    with (cache / "lock").open("w") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        if not complete.exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(ASSETS / name, cache)
            run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=cache)
            complete.touch()
    return cache / "node_modules"
