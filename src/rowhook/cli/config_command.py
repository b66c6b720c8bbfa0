"""`rowhook config`: the effective settings, with secrets masked."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import rich_click as click

from rowhook.cli.options import with_listed_settings
from rowhook.embedded.data_folder import running_dsn
from rowhook.settings import NAMES, SECRET, Databases, Settings, environment_name

_CREDENTIALS = re.compile(r"://[^@/]*@")
_PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*@|(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)")


def masked_settings(settings: Settings) -> dict[str, Any]:
    """Returns each setting by name; `database_url` is usable for the embedded database too."""
    values = {name: _display_value(name, getattr(settings, name)) for name in NAMES}
    if settings.database_url is None and settings.databases is None:
        values["database_url"] = running_dsn(settings.data_dir)
    return values


def setting_lines(settings: Settings) -> dict[str, str]:
    """Returns each setting as text by environment variable; empty if it is not set."""
    return {
        environment_name(name): "" if value is None else _format(value)
        for name, value in masked_settings(settings).items()
    }


def _display_value(name: str, value: Any) -> Any:
    if isinstance(value, Databases):
        return ",".join(value.named)
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


def child_environment(dsn: str | None, settings: Settings) -> dict[str, str]:
    """Returns the environment for a child process that uses `dsn` and exactly these settings.

    Without `master_keys`, the child reads those of the data folder. None is for several databases,
    or for the chosen one of them, whose settings are complete.
    """
    variables = {environment_name(name) for name in NAMES}
    variables |= {f"{name}_FILE" for name in variables}
    environment = {name: text for name, text in os.environ.items() if name not in variables}
    for name in NAMES:
        value = getattr(settings, name)
        if value is not None and name != "database":
            environment[environment_name(name)] = _format(value)
    if dsn is None:
        return environment
    environment["DATABASE_URL"] = dsn
    if settings.master_keys is None:
        environment["ROWHOOK_MASTER_KEYS_FILE"] = str(settings.data_dir / "master_keys")
    return environment


def _format(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.15g}"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_listed_settings
def config(settings: Settings, *, as_json: bool) -> None:
    """Print the effective settings, with the usable database_url. Starts nothing.

    A setting is an environment variable, and an option of every command. The option takes
    precedence. A variable with _FILE at the end names a file that holds the value.
    """
    if as_json:
        click.echo(json.dumps(masked_settings(settings), indent=2))
        return
    for name, value in setting_lines(settings).items():
        click.echo(f"{name}={value}")
