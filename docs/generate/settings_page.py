"""The page of settings, from the code."""

from __future__ import annotations

from dataclasses import fields

from rowhook.settings import MEANINGS, SECRET, Settings, default_text, environment_name

_HEAD = """\
# Settings

Every setting is an environment variable and a flag of every command. A flag takes precedence over
the variable. `X_FILE` names a file that holds the value of `X`, for example
`ROWHOOK_MASTER_KEYS_FILE=/run/secrets/master_keys`; it takes precedence over `X`.
`rowhook config` prints the effective settings with secrets masked; `rowhook config --help` has the
same list.

| variable | flag | default | meaning |
|---|---|---|---|
"""
_FOOT = """
Settings marked *secret* are masked in `rowhook config`, in logs and in `GET /v1/system`.
"""


def settings_page() -> str:
    """The whole page. Raises KeyError for a setting without a meaning."""
    rows = [_row(field.name, field.default) for field in fields(Settings)]
    return _HEAD + "".join(rows) + _FOOT


def _row(name: str, default: object) -> str:
    meaning = MEANINGS[name] + (" *Secret.*" if name in SECRET else "")
    flag = "--" + name.replace("_", "-")
    text = default_text(default)
    cell = "none" if text is None else f"`{text}`"
    return f"| `{environment_name(name)}` | `{flag}` | {cell} | {meaning} |\n"
