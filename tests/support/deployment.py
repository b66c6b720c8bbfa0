"""Shared parts of the files for a deployment: commands, images and the time of a drain."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from rowhook.cli import http_server, rowhook
from rowhook.render import configuration
from rowhook.worker.recorder import Recorder

ROOT = Path(__file__).parents[2]
PROJECT: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
IMAGE = f"rowhook:{PROJECT['version']}"
_CLOSE_TIMEOUT_S = inspect.signature(Recorder).parameters["close_timeout_s"].default
# A worker ends its requests, waits 5 s for the scheduler, and records; an API ends its requests.
DRAIN_S = max(
    configuration._MAX_TIMEOUT_S + 5 + _CLOSE_TIMEOUT_S,
    http_server._DRAIN_S,
)


def check_command(verb: str, *arguments: str) -> None:
    """Checks that a command exists with these arguments."""
    command = rowhook.get_command(click.Context(rowhook), verb)
    assert command is not None
    context = command.make_context(verb, list(arguments), resilient_parsing=True)
    assert not context.args


def secrets_of(names: Sequence[str]) -> set[str]:
    """Returns which of these variables hold a secret."""
    secret = {"DATABASE_URL", "DATABASE_DIRECT_URL", "ROWHOOK_MASTER_KEYS", "ROWHOOK_ADMIN_KEY"}
    return secret & set(names)


# The secrets that a process may read: only the migration has the owner's login.
SECRETS = {
    "migrate": {"DATABASE_URL", "DATABASE_DIRECT_URL"},
    "api": {"DATABASE_URL", "ROWHOOK_MASTER_KEYS", "ROWHOOK_ADMIN_KEY"},
    "worker": {"DATABASE_URL", "ROWHOOK_MASTER_KEYS"},
}
