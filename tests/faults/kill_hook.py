"""A hook for failpoints that kills its process with SIGKILL."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable

from rowhook.worker.failpoints import Failpoint


def kill_at(failpoint: str) -> Callable[[Failpoint], None]:
    """Returns a hook that kills the process at a failpoint: `claimed:7` at its eighth pass.

    The hook first writes a line to standard error, to tell this death from others.
    """
    target, _, passes = failpoint.partition(":")
    passed: Counter[str] = Counter()

    def hook(name: Failpoint) -> None:
        passed[name] += 1
        if name == target and passed[name] > int(passes):
            os.write(2, f"failpoint.killed_at {name}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    return hook
