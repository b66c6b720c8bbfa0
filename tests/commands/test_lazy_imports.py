"""Imports of commands: a command that sends nothing starts without renderer and queue."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PRINT = """
import importlib, sys
for name in sys.argv[1].split(","):
    importlib.import_module(f"rowhook.cli.{name}")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize(
    ("commands", "unneeded"),
    [
        ("options", {"psycopg", "cryptography", "jinja2", "pgqueuer"}),
        (
            "status_commands,worker_command",
            {"jinja2", "jsonschema", "litestar", "pgqueuer", "pydantic"},
        ),
        (
            "delivery_commands,credential_commands,watch_command,retention_command",
            {"jinja2", "jsonschema", "litestar", "pgqueuer", "pydantic"},
        ),
        (
            "webhook_commands,organization_commands,configuration_commands,installation_commands",
            {"jinja2", "jsonschema", "litestar", "pgqueuer", "pydantic"},
        ),
    ],
)
def test_commands_import_only_what_they_need(commands: str, unneeded: set[str]) -> None:
    imported = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-P", "-c", _PRINT, commands], capture_output=True, text=True, check=True
    ).stdout.split()
    assert unneeded.isdisjoint(imported)
