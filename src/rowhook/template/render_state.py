"""The state of one render: variables, output and remaining budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowhook.template.faults import RenderFault, StepsExceeded
from rowhook.template.limits import (
    MAX_HEADER,
    MAX_OUTPUT,
    MAX_STEPS,
    MAX_URL,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Expression = Callable[["RenderState"], object]
    Statement = Callable[["RenderState"], None]


_SHORT_TEXT = 4096
# the value of a slot whose `set` has not run
UNSET: Final = object()


class Budget:
    """The steps that the templates of one request share."""

    __slots__ = ("limit", "steps_left")

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.limit = self.steps_left = steps


class RenderState:
    """The state of one render. `slots` hold the variables of loops and of `set`."""

    __slots__ = ("emit", "out", "output_left", "slots", "steps_left", "variables")

    def __init__(
        self, variables: Mapping[str, object], max_output: int, slots: int, steps: int = MAX_STEPS
    ) -> None:
        self.variables = variables
        self.out: list[str] = []
        self.emit = self.out.append
        self.output_left = max_output
        self.steps_left = steps
        self.slots: list[object] = [UNSET] * slots if slots else []

    def spend_text(self, length: int) -> None:
        """Charge a new text of this length, so that steps bound the memory as well."""
        self.spend(1 + length // (64 if length < _SHORT_TEXT else 8))

    def spend_items(self, count: int) -> None:
        """Charge a new list of this length, so that steps bound the memory as well."""
        self.spend(1 + count // 2)

    def spend(self, steps: int) -> None:
        """Charge steps. Raises RenderFault if the budget is exceeded."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise steps_exceeded()


def steps_exceeded() -> RenderFault:
    """Return the fault of a render that exceeds its steps."""
    return StepsExceeded(
        f"The templates take more than {MAX_STEPS:,} steps. Loop over fewer items, or send the "
        "data itself with raw_payload."
    )


def output_exceeded() -> RenderFault:
    """Return the fault of a render that exceeds its output."""
    return RenderFault(
        f"The output is too long. Limits: {MAX_OUTPUT // 2**20} MiB for a body, "
        f"{MAX_URL // 2**10} KiB for a URL and {MAX_HEADER // 2**10} KiB for a header."
    )
