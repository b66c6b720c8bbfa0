"""Named points of the pipeline at which fault tests kill a worker.

Nothing happens at a failpoint, whatever the settings and the environment are, unless a test calls
`install` in the process of the worker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

Failpoint = Literal[
    "before_claim",
    "claimed",
    "taken",
    "dispatched",
    "compiled",
    "rendered",
    "answered",
    "slot_released",
    "recording",
    "recorded",
    "renewed",
    "swept",
]
FAILPOINTS: tuple[Failpoint, ...] = get_args(Failpoint)
_hook: Callable[[Failpoint], None] | None = None


def reach(name: Failpoint) -> None:
    """Calls the hook that a test has installed, if any."""
    if _hook is not None:
        _hook(name)


def install(hook: Callable[[Failpoint], None]) -> None:
    """Calls `hook` at every failpoint that this process reaches from now on. Only for tests."""
    global _hook  # noqa: PLW0603  # the cheapest test at each call
    _hook = hook
