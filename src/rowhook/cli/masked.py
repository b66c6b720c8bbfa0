"""The settings as they are in force, with their secrets masked: for people to read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rowhook.embedded import running_dsn
from rowhook.settings import NAMES, SECRET, Settings, environment_name

_CREDENTIALS = re.compile(r"://[^@/]*@")
_PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*@|(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)")


def masked(settings: Settings) -> dict[str, Any]:
    """Each setting by its name, with the usable `database_url`, the embedded one's too."""
    shown = {name: _shown(name, getattr(settings, name)) for name in NAMES}
    if settings.database_url is None:
        shown["database_url"] = running_dsn(settings.data_dir)
    return shown


def lines(settings: Settings) -> dict[str, str]:
    """The same as texts by the names of the environment; what is not set is empty."""
    return {
        environment_name(name): "" if value is None else str(value)
        for name, value in masked(settings).items()
    }


def _shown(name: str, value: Any) -> Any:
    if value is not None and name in SECRET:
        return _hidden(name, value)
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value) if isinstance(value, Path) else value


def _hidden(name: str, value: str) -> str:
    if name == "egress_proxy":
        return _CREDENTIALS.sub("://***@", value)
    if not name.startswith("database"):
        return "***"
    return _PASSWORD.sub(lambda found: f"{found[1] or found[2]}***{'@' if found[1] else ''}", value)
