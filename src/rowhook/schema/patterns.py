"""Runs ECMA-262 patterns with RE2, in linear time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import re2

# RE2 rejects patterns that need more; compiling takes at most 10 ms.
_MAX_MEMORY = 1 << 20
_UNSUPPORTED = re.compile(r"\(\?[=!]|\(\?<[=!]|(?<!\\)(?:\\\\)*\\[1-9k]")
_TOKEN = re.compile(
    r"\\(?:u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|c([A-Za-z])|.)|[\[\]]", re.DOTALL
)
# ECMA-262's white space is wider than RE2's `\s`.
_SPACE = r"\s\v\x{feff}\p{Z}"
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})")


class PatternRejected(ValueError):
    """RE2 does not support the pattern."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; `size` is the number of instructions of its automaton."""

    program: Any
    size: int

    def is_in(self, text: str) -> bool:
        """Return whether the pattern matches anywhere in the text; patterns are not anchored."""
        return self.program.search(text.encode("utf-8", "surrogatepass")) is not None

    def steps(self, text: str) -> int:
        """Return the worst-case cost of a search: about 4 ns per byte and instruction."""
        return 1 + len(text) * self.size // 600


def compile_pattern(pattern: str) -> Pattern:
    """Compile an ECMA-262 pattern. Raises PatternRejected if RE2 does not support it."""
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MAX_MEMORY
    try:
        program = re2.compile(_translate(pattern).encode("utf-8"), options)
    except UnicodeEncodeError:
        raise PatternRejected("The pattern contains half of a surrogate pair.") from None
    except re2.error as error:
        raise PatternRejected(_advice(pattern, error)) from error
    return Pattern(program, program.programsize)


def _translate(pattern: str) -> str:
    pattern = _SURROGATES.sub(_join_surrogates, pattern)
    pieces, last, in_class = [], 0, False
    for token in _TOKEN.finditer(pattern):
        pieces += [pattern[last : token.start()], _translate_token(token, in_class=in_class)]
        last = token.end()
        in_class = token[0] == "[" or (in_class and token[0] != "]")
    return "".join([*pieces, pattern[last:]])


def _join_surrogates(pair: re.Match[str]) -> str:
    high, low = (int(half, 16) for half in pair.groups())
    return f"\\u{{{0x10000 + (high - 0xD800 << 10) + low - 0xDC00:x}}}"


def _translate_token(token: re.Match[str], *, in_class: bool) -> str:
    short, braced, control = token.groups()
    if control:
        return f"\\x{{{ord(control) & 31:x}}}"
    if short or braced:
        return f"\\x{{{short or braced}}}"
    if token[0] == r"\s":
        return _SPACE if in_class else f"[{_SPACE}]"
    return f"[^{_SPACE}]" if token[0] == r"\S" and not in_class else token[0]


def _advice(pattern: str, error: Exception) -> str:
    reason = error.args[0].decode("utf-8", "replace") if error.args else "unknown"
    if _UNSUPPORTED.search(pattern):
        return (
            f"The pattern cannot run in linear time ({reason}). Look-around and back-references "
            "are not supported. Use several patterns under allOf, or one under not."
        )
    return f"RE2 cannot run the pattern ({reason}). Unicode classes are written \\p{{L}}."
