"""A test build: the sources with a call at each failpoint comment."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
_MARKER = re.compile(r"^(?P<indent> *)# failpoint (?P<name>\w+)$", re.MULTILINE)
_IGNORED = shutil.ignore_patterns("__pycache__", ".*")


def failpoints(source: Path = ROOT / "src") -> list[str]:
    """Return the sorted names of all failpoints."""
    texts = (path.read_text(encoding="utf-8") for path in source.rglob("*.py"))
    return sorted(match["name"] for text in texts for match in _MARKER.finditer(text))


def make_build(folder: Path) -> Path:
    """Create the build in `folder` and return its PYTHONPATH."""
    shutil.copytree(ROOT / "sql", folder / "sql", ignore=_IGNORED)
    source = folder / "src"
    shutil.copytree(ROOT / "src" / "rowhook", source / "rowhook", ignore=_IGNORED)
    shutil.copy(Path(__file__).with_name("failpoint.py"), source / "rowhook")
    for path in source.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(_MARKER.sub(_call, text), encoding="utf-8")
    return source


def _call(marker: re.Match[str]) -> str:
    called = f'from rowhook.failpoint import reach; reach("{marker["name"]}")'
    return f"{marker['indent']}{called}"
