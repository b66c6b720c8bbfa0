"""A text without its escapes, one layer after the other, each byte's place in the text kept."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rowhook.redact.forms import utf8

# Three kinds inside one another: JSON inside HTML inside a percent-encoded form.
_ROUNDS = 3
# The escaped layers, and that of quoted-printable.
LAYERS = _ROUNDS + 1
_HEX = "[0-9a-fA-F]"
# However often it was escaped: JSON in JSON doubles backslashes, HTML in HTML repeats `amp;`,
# percent in percent repeats `25`.
_ESCAPE = re.compile(
    rf"""\\+(?:u(?P<high>[dD][89abAB]{_HEX}{{2}})\\+u(?P<low>[dD][c-fC-F]{_HEX}{{2}})
      |u(?P<unit>{_HEX}{{4}})
      |x(?P<escaped>{_HEX}{{2}})
      |(?P<letter>["'/bfnrt])
      |)
    |&(?:amp;)*(?:(?P<name>lt|gt|amp|quot|apos)
      |\#0{{0,8}}(?P<decimal>[0-9]{{1,7}})
      |\#[xX]0{{0,8}}(?P<hexadecimal>{_HEX}{{1,6}}));
    |%(?:25)*(?P<byte>{_HEX}{{2}})""".encode(),
    re.VERBOSE,
)
# RFC 2045, 6.7: a byte, or the end of a line that was broken.
_QUOTED = re.compile(rf"=(?:(?P<byte>{_HEX}{{2}})|[ \t]*\r?\n)".encode())
_NAMES = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"apos": b"'"}
# `\n` and `\\n` cannot be told apart once backslashes were doubled, nor a form's `+` and a space.
_FOLD = bytes.maketrans(b"\b\f\n\r\t ", b"bfnrt+")
# What shows that a text may have a layer below it.
SIGNS = (
    r'\\["\\/bfnrtux\']',
    "%[0-9a-fA-F][0-9a-fA-F]",
    "&#",
    "&(?:lt|gt|amp|quot|apos);",
    "=[0-9a-fA-F][0-9a-fA-F]",
    "=[ \t]*\r?\n",
)


class Plain(NamedTuple):
    """Bytes without their escapes; for each, where in the text it begins and ends."""

    data: bytes
    starts: Sequence[int]
    ends: Sequence[int]


def as_it_is(data: bytes) -> Plain:
    """The text itself."""
    return Plain(data, range(len(data)), range(1, len(data) + 1))


def layers(data: bytes) -> Iterator[Plain]:
    """What stands below the escapes, then below quoted-printable."""
    layer = as_it_is(data)
    for _ in range(_ROUNDS):
        bare = _without(layer, _ESCAPE, _unescaped)
        layer = bare._replace(data=bare.data.translate(_FOLD))
        yield layer
    yield _without(as_it_is(data), _QUOTED, _unquoted)


def sought(data: bytes) -> Iterator[bytes]:
    """What a value is looked for as, in each of the layers."""
    *escaped, _ = layers(data)
    yield from (layer.data for layer in escaped)
    yield data


def _character(number: int) -> bytes:
    return utf8(chr(number)) if number <= sys.maxunicode else b""


def _unescaped(found: re.Match[bytes]) -> bytes:
    kind, text = found.lastgroup, found[found.lastgroup or 0]
    match kind:
        case "unit" | "hexadecimal":
            return _character(int(text, 16))
        case "decimal":
            return _character(int(text))
        case "byte" | "escaped":
            return bytes((int(text, 16),))
        case "low":
            return utf8(bytes.fromhex((found["high"] + text).decode()).decode("utf-16-be"))
    # A letter stands for itself; backslashes before anything else for nothing.
    return _NAMES.get(text, text) if kind else b""


def _unquoted(found: re.Match[bytes]) -> bytes:
    return bytes((int(found["byte"], 16),)) if found["byte"] else b""


def _without(
    given: Plain, pattern: re.Pattern[bytes], meaning: Callable[[re.Match[bytes]], bytes]
) -> Plain:
    """One layer taken off."""
    data, at = bytearray(), 0
    starts: list[int] = []
    ends: list[int] = []
    for found in pattern.finditer(given.data):
        start, end = found.span()
        one = meaning(found)
        data += given.data[at:start] + one
        starts += given.starts[at:start]
        starts += [given.starts[start]] * len(one)
        ends += given.ends[at:start]
        ends += [given.ends[end - 1]] * len(one)
        at = end
    data += given.data[at:]
    starts += given.starts[at:]
    ends += given.ends[at:]
    return Plain(bytes(data), starts, ends)
