"""The formats that are asserted, each in time linear to the text."""

from __future__ import annotations

import re
from collections.abc import Callable

from jsonschema import Draft202012Validator

from rowhook.schema.patterns import PatternRejected, compile_pattern

Spend = Callable[[int], None]
_STOCK = Draft202012Validator.FORMAT_CHECKER
# jsonschema's own checks of these take seconds for 1,000 characters: an Earley parser, Python's re.
_OURS = frozenset({"regex", "iri", "iri-reference", "email", "idn-email"})
NAMES = frozenset(_STOCK.checkers) | _OURS
# One character of these costs up to 1.2 microseconds, of the others under 0.1.
_SLOW = frozenset(
    {"duration", "idn-hostname", "idn-email", "relative-json-pointer", "uri-template"}
)
_COMPILING_STEPS = 2_500
_NON_ASCII = re.compile(r"[^\x00-\x7f]")
_LOCAL_PART = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*|\"(?:[^\"\\\x00-\x1f]|\\[ -~])*\""
)
_ADDRESS_LITERAL = re.compile(r"\[(?:(IPv6):)?([0-9A-Fa-f:.]+)\]")


def conforms(text: str, name: str, spend: Spend) -> bool:
    """Whether the text is of the named format; a format that nobody defined asserts nothing."""
    if name not in NAMES:
        return True
    spend(len(text) >> (1 if name in _SLOW else 5))
    if name == "regex":
        return _is_regex(text, spend)
    # Several of the checks end in `$`, which in Python also matches before a last newline.
    if text.endswith("\n") and name not in {"json-pointer", "relative-json-pointer"}:
        return False
    if name in {"iri", "iri-reference"}:
        return _is_stock(_NON_ASCII.sub("%C3", text), name.replace("iri", "uri"))
    if name in {"email", "idn-email"}:
        return _is_email(text, international=name == "idn-email")
    return _is_stock(text, name)


def name_of(name: str) -> str:
    """The format's name with its article, for a message: "an email"."""
    return f"{'an' if name[0] in 'aei' else 'a'} {name}"


def _is_stock(text: str, name: str) -> bool:
    return bool(_STOCK.conforms(text, name))


def _is_regex(text: str, spend: Spend) -> bool:
    spend(_COMPILING_STEPS)
    try:
        compile_pattern(text)
    except PatternRejected:
        return False
    return True


def _is_email(text: str, *, international: bool) -> bool:
    """RFC 5321 §4.1.2 Mailbox, and its extension RFC 6531."""
    local, at, domain = text.rpartition("@")
    if not at or not (international or text.isascii()) or not _LOCAL_PART.fullmatch(local):
        return False
    literal = _ADDRESS_LITERAL.fullmatch(domain)
    if literal:
        return _is_stock(literal[2], "ipv6" if literal[1] else "ipv4")
    return _is_stock(domain, "idn-hostname" if international else "hostname")
