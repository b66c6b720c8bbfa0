"""Takes the module from Rowhook's sources, or from the source distribution that contains it."""  # noqa: INP001

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_MODULE = "rowhook_verify.py"


class TakeModule(BuildHookInterface):
    """Adds the module to wheels and source distributions."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the module; in a clone it is `src/rowhook/verify.py`."""
        root = Path(self.root)
        packed, source = root / _MODULE, root.parents[1] / "src/rowhook/verify.py"
        build_data["force_include"][str(packed if packed.exists() else source)] = _MODULE
