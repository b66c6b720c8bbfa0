"""The state of one render: variables, output and remaining budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowhook.template.faults import RenderFault
from rowhook.template.limits import MAX_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Expression = Callable[["RenderState"], object]
    Statement = Callable[["RenderState"], None]


class RenderState:
    """The state of one render. `slots` hold the variables of loops."""

    __slots__ = ("emit", "out", "output_left", "slots", "steps_left", "variables")

    def __init__(self, variables: Mapping[str, object], max_output: int, slots: int) -> None:
        self.variables = variables
        self.out: list[str] = []
        self.emit = self.out.append
        self.output_left = max_output
        self.steps_left = MAX_STEPS
        self.slots: list[object] = [None] * slots if slots else []

    def spend(self, steps: int) -> None:
        """Charge steps. Raises RenderFault if the budget is exceeded."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise steps_exceeded()


def steps_exceeded() -> RenderFault:
    """Return the fault of a render that exceeds its steps."""
    return RenderFault(
        f"The template takes more than {MAX_STEPS} steps. Loop over fewer items or send raw data."
    )


def output_exceeded() -> RenderFault:
    """Return the fault of a render that exceeds its output."""
    return RenderFault(
        "The output is too long. Limits: 256 KiB for a body, 8 KiB for a URL or header."
    )
