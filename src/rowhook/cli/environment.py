"""The settings as the environment of a process of ours."""

from __future__ import annotations

import os

from rowhook.settings import NAMES, Settings, environment_name


def child_environment(dsn: str, settings: Settings) -> dict[str, str]:
    """The environment of a child that works on `dsn` under these settings and no others.

    Its `master_keys` are those of the data folder if the settings have none.
    """
    ours = {environment_name(name) for name in NAMES}
    ours |= {f"{name}_FILE" for name in ours}
    environment = {name: text for name, text in os.environ.items() if name not in ours}
    for name in NAMES:
        kept = getattr(settings, name)
        if kept is not None:
            environment[environment_name(name)] = _text(kept)
    environment["DATABASE_URL"] = dsn
    if settings.master_keys is None:
        environment["ROWHOOK_MASTER_KEYS_FILE"] = str(settings.data_dir / "master_keys")
    return environment


def _text(kept: object) -> str:
    if isinstance(kept, bool):
        return str(kept).lower()
    return ",".join(map(str, kept)) if isinstance(kept, tuple) else str(kept)
