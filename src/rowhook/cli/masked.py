"""The effective settings with secrets masked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rowhook.embedded import running_dsn
from rowhook.settings import NAMES, SECRET, Settings, environment_name

_CREDENTIALS = re.compile(r"://[^@/]*@")
_PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*@|(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)")


def masked_settings(settings: Settings) -> dict[str, Any]:
    """Returns each setting by name; `database_url` is usable for the embedded database too."""
    values = {name: _display_value(name, getattr(settings, name)) for name in NAMES}
    if settings.database_url is None:
        values["database_url"] = running_dsn(settings.data_dir)
    return values


def setting_lines(settings: Settings) -> dict[str, str]:
    """Returns each setting as text by environment variable; empty if it is not set."""
    return {
        environment_name(name): "" if value is None else str(value)
        for name, value in masked_settings(settings).items()
    }


def _display_value(name: str, value: Any) -> Any:
    if value is not None and name in SECRET:
        return _mask(name, value)
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value) if isinstance(value, Path) else value


def _mask(name: str, value: str) -> str:
    if name == "egress_proxy":
        return _CREDENTIALS.sub("://***@", value)
    if not name.startswith("database"):
        return "***"
    return _PASSWORD.sub(lambda match: f"{match[1] or match[2]}***{'@' if match[1] else ''}", value)
