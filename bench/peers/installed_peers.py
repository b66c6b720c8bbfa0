"""Installs the peers into a cache folder: with npm, and in a virtual environment of their own."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bench.peers.peer_list import Peer

_FOLDER = Path(__file__).parent
_ROOT = _FOLDER.parents[1]
_NODE = _FOLDER / "node"
_REQUIREMENTS = _FOLDER / "requirements.txt"
_OLDEST_NODE = 20
_TIMEOUT_S = 300.0
_EXCERPT_CHARACTERS = 300


class NotInstalled(Exception):
    """The packages of a peer cannot be installed; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The command that runs a peer, and the variables that it needs."""

    command: tuple[str, ...]
    environment: dict[str, str]


async def install(peer: Peer) -> Program:
    """Installs a peer unless it is installed already. Raises NotInstalled."""
    return await _RUNTIMES[peer.runtime](peer)


async def _node_program(peer: Peer) -> Program:
    node = await _require_node()
    sources = (_NODE / "package.json", _NODE / "package-lock.json")
    folder = await _cached("node", sources, _install_node)
    for script in _NODE.glob("*.mjs"):
        # Node resolves imports from the folder of a script.
        shutil.copy(script, folder)
    return Program(command=(node, str(folder / peer.program)), environment={})


async def _require_node() -> str:
    """Returns the path of Node."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise NotInstalled("node and npm are not on the PATH. Install Node 20 or later.")
    version = (await _run(node, "--version")).strip()
    if int(version.removeprefix("v").split(".")[0]) < _OLDEST_NODE:
        raise NotInstalled(f"Node {version} is too old. Install Node {_OLDEST_NODE} or later.")
    return node


async def _install_node(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_NODE / name, folder)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    await _run("npm", "ci", *options, folder=folder)


async def _python_program(peer: Peer) -> Program:
    folder = await _cached("python", (_REQUIREMENTS,), _install_python)
    return Program(
        command=(str(folder / "bin" / "python"), "-P", "-m", peer.program),
        environment={"PYTHONPATH": str(_ROOT)},
    )


async def _install_python(folder: Path) -> None:
    python = str(folder / "bin" / "python")
    if shutil.which("uv"):
        await _run(
            "uv", "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)
        )
        await _run("uv", "pip", "install", "--quiet", "--python", python, "-r", str(_REQUIREMENTS))
        return
    await _run(sys.executable, "-m", "venv", str(folder))
    options = ("--quiet", "--disable-pip-version-check")
    await _run(python, "-m", "pip", "install", *options, "-r", str(_REQUIREMENTS))


_RUNTIMES: dict[str, Callable[[Peer], Awaitable[Program]]] = {
    "node": _node_program,
    "python": _python_program,
}


async def _cached(
    name: str, sources: tuple[Path, ...], install_into: Callable[[Path], Awaitable[None]]
) -> Path:
    """Returns a folder with what `sources` name; it is complete, since it is renamed at the end."""
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


async def _run(*command: str, folder: Path | None = None) -> str:
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
