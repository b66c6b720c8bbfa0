"""What a piece of work costs, apart from what a long test run costs."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def cpu_seconds(work: Callable[[], object]) -> float:
    """Run it and return the CPU time of this process, in seconds.

    What the tests before it left in memory is kept from the garbage collector meanwhile: to look
    through that takes longer than most of the work that is measured here.
    """
    gc.freeze()
    try:
        began = time.process_time()
        work()
        return time.process_time() - began
    finally:
        gc.unfreeze()
