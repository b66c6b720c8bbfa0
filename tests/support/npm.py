"""The packages of assets/package-lock.json, fetched once, for tests that need one of them."""

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
# What npm says when it has no network, against what it says of a lock file that is wrong.
_AWAY = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")


def run(*command: str, folder: Path) -> None:
    """Runs what needs npm; skips without npm or network, raises RuntimeError for all else."""
    if NPM is None:
        pytest.skip("npm is not installed: apt-get install npm")
    done = subprocess.run(  # noqa: S603  # our own
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode and any(sign in done.stderr for sign in _AWAY):
        pytest.skip("npm cannot reach its ctx")
    if done.returncode:
        raise RuntimeError(done.stderr)


def packages() -> Path:
    """The folder node_modules as the lock file says; of several workers one fetches it."""
    lock = ASSETS / "package-lock.json"
    made = Path(sys.prefix) / f"npm-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    made.mkdir(exist_ok=True)
    whole = made / "whole"
    with (made / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not whole.exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(ASSETS / name, made)
            run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=made)
            whole.touch()
    return made / "node_modules"
