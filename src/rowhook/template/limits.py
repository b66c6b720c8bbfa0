"""The limits of the template language. The docstrings are published in the reference."""

from __future__ import annotations

from typing import Final

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
