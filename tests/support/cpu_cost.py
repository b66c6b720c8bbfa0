"""CPU time in multiples of a fixed loop, independent of the machine."""

from __future__ import annotations

import gc
import time
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# A work with more loops is measured again, since another process may have slowed it down.
COSTLY_LOOPS, TRIES = 10.0, 4
_ADDITIONS = 200_000


def cpu_loops(work: Callable[[], object]) -> float:
    """Returns the CPU time of the work in loops: the minimum of up to four runs."""
    least = cpu_s(work) / _fast_loop_s()
    for _ in range(TRIES - 1):
        if least < COSTLY_LOOPS:
            break
        before = loop_s()
        spent = cpu_s(work)
        least = min(least, 2 * spent / (before + loop_s()))
    return least


def cpu_s(work: Callable[[], object]) -> float:
    """Returns the CPU time of this thread for one run, in seconds."""
    # Objects of earlier tests are hidden from the garbage collector, since traversing them would
    # take longer than most of the measured work.
    gc.freeze()
    try:
        began = time.thread_time()
        work()
        return time.thread_time() - began
    finally:
        gc.unfreeze()


def loop_s() -> float:
    """Returns the current CPU time of one loop, in seconds."""
    return cpu_s(lambda: sum(number for number in range(_ADDITIONS)))


@cache
def _fast_loop_s() -> float:
    return min(loop_s() for _ in range(5))
