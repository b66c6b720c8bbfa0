"""The maximum time that a test waits for a condition.

It is not a performance requirement: waiting ends as soon as the condition holds. Benchmarks
measure performance.
"""

from __future__ import annotations

DEADLINE_S = 60.0
DEADLINE_MS = DEADLINE_S * 1000
