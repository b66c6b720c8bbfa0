"""Formats and regular expressions, each checked in time linear in the text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import re2
from jsonschema import Draft202012Validator

# RE2 rejects patterns that need more; compiling takes at most 10 ms.
_MAX_MEMORY = 1 << 20
_UNSUPPORTED = re.compile(r"\(\?[=!]|\(\?<[=!]|(?<!\\)(?:\\\\)*\\[1-9k]")
_TOKEN = re.compile(
    r"\\(?:u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|c([A-Za-z])|.)|[\[\]]", re.DOTALL
)
# ECMA-262's white space is wider than RE2's `\s`.
_SPACE = r"\s\v\x{feff}\p{Z}"
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9A-Fa-f]{2})\\u([dD][c-fC-F][0-9A-Fa-f]{2})")
Spend = Callable[[int], None]
_STOCK = Draft202012Validator.FORMAT_CHECKER
# The checks of jsonschema for these take seconds for 1,000 characters.
_REPLACED = frozenset({"regex", "iri", "iri-reference", "email", "idn-email"})
NAMES = frozenset(_STOCK.checkers) | _REPLACED
# These take up to 1.2 microseconds per character, the others less than 0.1.
_SLOW = frozenset(
    {"duration", "idn-hostname", "idn-email", "relative-json-pointer", "uri-template"}
)
SLOW_NAMES = _SLOW | {"regex"}
_COMPILING_STEPS = 2_500
_NON_ASCII = re.compile(r"[^\x00-\x7f]")
_LOCAL_PART = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*|\"(?:[^\"\\\x00-\x1f]|\\[ -~])*\""
)
_ADDRESS_LITERAL = re.compile(r"\[(?:(IPv6):)?([0-9A-Fa-f:.]+)\]")


class PatternRejected(ValueError):
    """RE2 does not support the pattern."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; `size` is the number of instructions of its automaton."""

    program: Any
    size: int

    def is_in(self, text: str) -> bool:
        """Returns whether the pattern matches anywhere in the text; patterns are not anchored."""
        return self.program.search(text.encode("utf-8", "surrogatepass")) is not None

    def steps(self, text: str) -> int:
        """Returns the worst-case cost of a search: about 4 ns per byte and instruction."""
        return 1 + len(text) * self.size // 600


def compile_pattern(pattern: str) -> Pattern:
    """Compiles an ECMA-262 pattern. Raises PatternRejected if RE2 does not support it."""
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


def conforms(text: str, name: str, spend: Spend) -> bool:
    """Returns whether a text has a format; unknown formats accept every text."""
    if name not in NAMES:
        return True
    spend(len(text) >> (1 if name in _SLOW else 5))
    if name == "regex":
        return _is_regex(text, spend)
    # Several checks end in `$`, which also matches before a final newline.
    if text.endswith("\n") and name not in {"json-pointer", "relative-json-pointer"}:
        return False
    if name in {"iri", "iri-reference"}:
        return _conforms_to_stock(_NON_ASCII.sub("%C3", text), name.replace("iri", "uri"))
    if name in {"email", "idn-email"}:
        return _is_email(text, international=name == "idn-email")
    return _conforms_to_stock(text, name)


def name_of(name: str) -> str:
    """Returns the format's name with its article, e.g. "an email"."""
    return f"{'an' if name[0] in 'aei' else 'a'} {name}"


def _conforms_to_stock(text: str, name: str) -> bool:
    return bool(_STOCK.conforms(text, name))


def _is_regex(text: str, spend: Spend) -> bool:
    spend(_COMPILING_STEPS)
    try:
        compile_pattern(text)
    except PatternRejected:
        return False
    return True


def _is_email(text: str, *, international: bool) -> bool:
    """Returns whether a text is a Mailbox of RFC 5321 §4.1.2, or of RFC 6531 if international."""
    local, at, domain = text.rpartition("@")
    if not at or not (international or text.isascii()) or not _LOCAL_PART.fullmatch(local):
        return False
    literal = _ADDRESS_LITERAL.fullmatch(domain)
    if literal:
        return _conforms_to_stock(literal[2], "ipv6" if literal[1] else "ipv4")
    return _conforms_to_stock(domain, "idn-hostname" if international else "hostname")
