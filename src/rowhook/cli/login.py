"""The actor of a command in the audit log."""

from __future__ import annotations

import getpass
import os


def actor() -> str:
    """Returns `cli:` and the login name, or the user id if it has no name, as in containers."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"
