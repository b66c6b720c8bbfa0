"""How long a test waits for what must come.

A deadline, not a speed: waiting ends as soon as it comes, and a busy machine may hold it up for
seconds. What is promised to be soon has a figure of its own, in a benchmark.
"""

from __future__ import annotations

DEADLINE_S = 60.0
DEADLINE_MS = DEADLINE_S * 1000
