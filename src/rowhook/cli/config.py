"""`rowhook config`: the effective settings, secrets masked. Starts nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import rich_click as click

from rowhook.cli.options import with_settings
from rowhook.embedded import running_dsn
from rowhook.settings import NAMES, SECRET, Settings, environment_name

_CREDENTIALS = re.compile(r"://[^@/]*@")
_PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*@|(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSON alone, for programs.")
@with_settings
def config(settings: Settings, *, as_json: bool) -> None:
    """Print every setting as it is in force, with the usable database_url."""
    shown = {name: _shown(name, getattr(settings, name)) for name in NAMES}
    if settings.database_url is None:
        shown["database_url"] = running_dsn(settings.data_dir)
    if as_json:
        click.echo(json.dumps(shown, indent=2))
        return
    for name, value in shown.items():
        click.echo(f"{environment_name(name)}={'' if value is None else value}")


def _shown(name: str, value: Any) -> Any:
    if value is not None and name in SECRET:
        return _masked(name, value)
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value) if isinstance(value, Path) else value


def _masked(name: str, value: str) -> str:
    if name == "egress_proxy":
        return _CREDENTIALS.sub("://***@", value)
    if not name.startswith("database"):
        return "***"
    return _PASSWORD.sub(lambda found: f"{found[1] or found[2]}***{'@' if found[1] else ''}", value)
