"""The limits of the template language, and the state of a render, which counts against them.

The docstrings of the constants are published in the reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowhook.template.faults import RenderFault, StepsExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Expression = Callable[["RenderState"], object]
    Statement = Callable[["RenderState"], None]
    # A static text is written without a call.
    Step = Statement | str

MAX_SOURCE: Final = 64 * 1024
"""Bytes of a template's source, as UTF-8."""
MAX_OUTPUT: Final = 1024 * 1024
"""Bytes of a rendered body, as UTF-8."""
MAX_URL: Final = 8 * 1024
"""Bytes of a rendered URL."""
MAX_HEADER: Final = 8 * 1024
"""Bytes of a rendered header value."""
MAX_TEXT: Final = 1024 * 1024
"""Characters of an intermediate text of a filter or `~`."""
MAX_STEPS: Final = 1_000_000
"""Steps of all templates of one request: at most about 100 ns each, so they end within 100 ms."""
INLINE_STEPS: Final = 100_000
"""Steps of a request in the event loop of a worker. A request that needs more runs in a thread."""
INLINE_OUTPUT: Final = 256 * 1024
"""Characters of a body in the event loop of a worker. A longer body is rendered in a thread."""
MAX_TOKENS: Final = 12_000
"""Tokens inside the tags of one template."""
MAX_DEPTH: Final = 40
"""Operators, filters and keys nested in one expression."""
MAX_BRACKETS: Final = 16
"""Brackets nested in one tag."""
MAX_BLOCKS: Final = 16
"""Nested `if` and `for` tags."""
MAX_WIDTH: Final = 200
"""Width and precision of a number or text of the filter `format`."""
MAX_LAYERS: Final = 4
"""JSON texts inside one another, as strings."""
MAX_DIGITS: Final = 400
"""Digits of a number in calculations. Numbers that only pass through may be longer."""
MAX_LITERAL: Final = 40
"""Characters of a number literal."""
MAX_JSON_DEPTH: Final = 512
"""Lists and objects nested in the data."""
MAX_FAULTS: Final = 20
"""Faults in one error response."""

_SHORT_TEXT = 4096
# the value of a slot whose `set` has not run
UNSET = object()


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
        """Charges a new text of this length, so that steps bound the memory as well."""
        self.spend(1 + length // (64 if length < _SHORT_TEXT else 8))

    def spend_items(self, count: int) -> None:
        """Charges a new list of this length, so that steps bound the memory as well."""
        self.spend(1 + count // 2)

    def spend(self, steps: int) -> None:
        """Charges steps. Raises RenderFault if the budget is exceeded."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise steps_exceeded()


def steps_exceeded() -> RenderFault:
    """Returns the fault of a render that exceeds its steps."""
    return StepsExceeded(
        f"The templates take more than {MAX_STEPS:,} steps. Loop over fewer items, or send the "
        "data itself with raw_payload."
    )


def output_exceeded() -> RenderFault:
    """Returns the fault of a render that exceeds its output."""
    return RenderFault(
        f"The output is too long. Limits: {MAX_OUTPUT // 2**20} MiB for a body, "
        f"{MAX_URL // 2**10} KiB for a URL and {MAX_HEADER // 2**10} KiB for a header."
    )
