"""Installs the peers into a cache folder: with npm, and in a separate virtual environment."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bench import cached_install
from bench.cached_install import NotInstalled, run
from bench.peers.peer_list import Peer

_FOLDER = Path(__file__).parent
_ROOT = _FOLDER.parents[1]
_NODE = _FOLDER / "node"
_REQUIREMENTS = _FOLDER / "requirements.txt"
_OLDEST_NODE = 20


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
    folder = await cached_install.cached("node", sources, _install_node)
    for script in _NODE.glob("*.mjs"):
        # Node resolves imports from the folder of a script.
        shutil.copy(script, folder)
    return Program(command=(node, str(folder / peer.program)), environment={})


async def _require_node() -> str:
    """Returns the path of Node."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise NotInstalled("node and npm are not on the PATH. Install Node 20 or later.")
    version = (await run(node, "--version")).strip()
    if int(version.removeprefix("v").split(".")[0]) < _OLDEST_NODE:
        raise NotInstalled(f"Node {version} is too old. Install Node {_OLDEST_NODE} or later.")
    return node


async def _install_node(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_NODE / name, folder)
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    await run("npm", "ci", *options, folder=folder)


async def _python_program(peer: Peer) -> Program:
    folder = await cached_install.cached("python", (_REQUIREMENTS,), _install_python)
    return Program(
        command=(str(folder / "bin" / "python"), "-P", "-m", peer.program),
        environment={"PYTHONPATH": str(_ROOT)},
    )


async def _install_python(folder: Path) -> None:
    await cached_install.install_python(folder, _REQUIREMENTS)


_RUNTIMES: dict[str, Callable[[Peer], Awaitable[Program]]] = {
    "node": _node_program,
    "python": _python_program,
}
