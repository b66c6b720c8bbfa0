"""What one render carries along: variables, output so far, and what may still be spent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .faults import RenderFault
from .limits import MAX_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Expression = Callable[["Frame"], object]
    Statement = Callable[["Frame"], None]


class Frame:
    """One render. `room` is the output that is left, `left` the steps; `slots` hold loops."""

    __slots__ = ("emit", "left", "out", "room", "slots", "variables")

    def __init__(self, variables: Mapping[str, object], room: int, slots: int) -> None:
        self.variables = variables
        self.out: list[str] = []
        self.emit = self.out.append
        self.room = room
        self.left = MAX_STEPS
        self.slots: list[object] = [None] * slots if slots else []

    def spend(self, steps: int) -> None:
        """Charge what was or will be done. Raises RenderFault when nothing is left."""
        self.left -= steps
        if self.left < 0:
            raise exhausted()


def exhausted() -> RenderFault:
    """Return the fault of a render that takes too long."""
    return RenderFault(
        f"The template takes more than {MAX_STEPS} steps. Loop over fewer items or send raw data."
    )


def overflowing() -> RenderFault:
    """Return the fault of a render that writes too much."""
    return RenderFault(
        "The output is too long. Limits: 256 KiB for a body, 8 KiB for a URL or header."
    )
