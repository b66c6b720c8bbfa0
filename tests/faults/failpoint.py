"""Part of a test build alone: kills its process at a named point.

`ROWHOOK_FAILPOINT=claimed:7` kills it when it passes `claimed` for the eighth time; its last words
say so, for it may well die of something else before.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


def reach(name: str) -> None:
    """Passes a failpoint, or dies there."""
    expected, _, times = os.environ.get("ROWHOOK_FAILPOINT", "").partition(":")
    if name == expected:
        _passed[name] += 1
        if _passed[name] > int(times):
            os.write(2, f"failpoint.killed_at {name}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
