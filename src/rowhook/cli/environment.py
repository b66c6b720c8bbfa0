"""The environment of a Rowhook child process."""

from __future__ import annotations

import os

from rowhook.settings import NAMES, Settings, environment_name


def child_environment(dsn: str, settings: Settings) -> dict[str, str]:
    """Returns the environment for a child process that uses `dsn` and exactly these settings.

    Without `master_keys`, the child reads those of the data folder.
    """
    variables = {environment_name(name) for name in NAMES}
    variables |= {f"{name}_FILE" for name in variables}
    environment = {name: text for name, text in os.environ.items() if name not in variables}
    for name in NAMES:
        value = getattr(settings, name)
        if value is not None:
            environment[environment_name(name)] = _format(value)
    environment["DATABASE_URL"] = dsn
    if settings.master_keys is None:
        environment["ROWHOOK_MASTER_KEYS_FILE"] = str(settings.data_dir / "master_keys")
    return environment


def _format(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
