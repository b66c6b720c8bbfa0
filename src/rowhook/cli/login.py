"""Who runs a command, as the audit names it."""

from __future__ import annotations

import getpass
import os


def actor() -> str:
    """`cli:` and the login; the number of the account where it has no name, as in containers."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"
