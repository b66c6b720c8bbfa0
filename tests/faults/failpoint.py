"""Kills the process at a named point; only part of a test build.

`ROWHOOK_FAILPOINT=claimed:7` kills the process when it passes `claimed` for the eighth time. It
logs this first, to distinguish it from other causes.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


def reach(name: str) -> None:
    """Pass a failpoint, or kill the process there."""
    expected, _, times = os.environ.get("ROWHOOK_FAILPOINT", "").partition(":")
    if name == expected:
        _passed[name] += 1
        if _passed[name] > int(times):
            os.write(2, f"failpoint.killed_at {name}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
