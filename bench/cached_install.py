"""Installs packages into a cache folder, once for each version of their lists."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Awaitable, Callable
from pathlib import Path

_TIMEOUT_S = 300.0
_EXCERPT_CHARACTERS = 300


class NotInstalled(Exception):
    """Packages cannot be installed; the message is the reason."""


async def install_python(folder: Path, requirements: Path) -> None:
    """Creates a virtual environment with the packages of a file."""
    python = str(folder / "bin" / "python")
    if shutil.which("uv"):
        await run(
            "uv", "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)
        )
        await run("uv", "pip", "install", "--quiet", "--python", python, "-r", str(requirements))
        return
    await run(sys.executable, "-m", "venv", str(folder))
    options = ("--quiet", "--disable-pip-version-check")
    await run(python, "-m", "pip", "install", *options, "-r", str(requirements))


async def cached(
    name: str, sources: tuple[Path, ...], install_into: Callable[[Path], Awaitable[None]]
) -> Path:
    """Returns a folder with the packages of `sources`, complete since it is renamed at the end."""
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
    digest.update(sys.version.encode())
    folder = _home() / f"{name}-{digest.hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as part:
            await install_into(Path(part))
            os.rename(part, folder)  # noqa: PTH104  # one system call
    except OSError as error:
        raise NotInstalled(f"Cannot write {folder}: {error.strerror}.") from error
    return folder


def _home() -> Path:
    """Returns the folder of the installations."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "rowhook-bench"


async def run(*command: str, folder: Path | None = None) -> str:
    """Runs a command; returns its output. Raises NotInstalled with the end of it on failure."""
    child = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=PIPE, stderr=STDOUT)
    try:
        output, _ = await asyncio.wait_for(child.communicate(), _TIMEOUT_S)
    except TimeoutError:
        raise NotInstalled(f"{command[0]} did not end within {_TIMEOUT_S:g} s.") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    text = output.decode(errors="replace")
    if child.returncode:
        excerpt = " ".join(text.split())[-_EXCERPT_CHARACTERS:]
        raise NotInstalled(f"{' '.join(command[:3])} failed: {excerpt}")
    return text
