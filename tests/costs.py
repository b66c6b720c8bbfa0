"""What a piece of work costs, apart from what a long test run and a busy machine cost."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# What takes longer is tried again: a host that takes the core away is counted as our work.
DEAR_S, TRIES = 0.1, 4


def cpu_seconds(work: Callable[[], object]) -> float:
    """Run it and return the CPU time of this thread, in seconds: the least of up to four runs."""
    least = _cpu_seconds(work)
    for _ in range(TRIES - 1):
        if least < DEAR_S:
            break
        least = min(least, _cpu_seconds(work))
    return least


def _cpu_seconds(work: Callable[[], object]) -> float:
    # What the tests before it left in memory is kept from the garbage collector meanwhile: to look
    # through that takes longer than most of the work that is measured here.
    gc.freeze()
    try:
        began = time.thread_time()
        work()
        return time.thread_time() - began
    finally:
        gc.unfreeze()
