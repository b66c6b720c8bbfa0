"""Removes escapes from a text, layer by layer, keeping the original offset of each byte."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rowhook.redact.forms import utf8

# Up to three nested escapes, e.g. JSON in HTML in a percent-encoded form.
_ROUNDS = 3
# The unescaped layers and quoted-printable.
LAYER_COUNT = _ROUNDS + 1
_HEX = "[0-9a-fA-F]"
# Matches repeated escapes: JSON in JSON doubles backslashes, HTML in HTML repeats `amp;`, and
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
# RFC 2045, 6.7: an encoded byte, or a soft line break.
_QUOTED = re.compile(rf"=(?:(?P<byte>{_HEX}{{2}})|[ \t]*\r?\n)".encode())
_NAMES = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"apos": b"'"}
# Doubled backslashes make `\n` and `\\n` ambiguous, and forms encode a space as `+`.
_FOLD = bytes.maketrans(b"\b\f\n\r\t ", b"bfnrt+")
# Signs that a text contains escapes.
ESCAPE_SIGNS = (
    r'\\["\\/bfnrtux\']',
    "%[0-9a-fA-F][0-9a-fA-F]",
    "&#",
    "&(?:lt|gt|amp|quot|apos);",
    "=[0-9a-fA-F][0-9a-fA-F]",
    "=[ \t]*\r?\n",
)


class Layer(NamedTuple):
    """Unescaped bytes, with the start and end of each in the original text."""

    data: bytes
    starts: Sequence[int]
    ends: Sequence[int]


def unchanged(data: bytes) -> Layer:
    """Return the text as a layer."""
    return Layer(data, range(len(data)), range(1, len(data) + 1))


def decoded_layers(data: bytes) -> Iterator[Layer]:
    """Yield the text after each round of unescaping, then after decoding quoted-printable."""
    layer = unchanged(data)
    for _ in range(_ROUNDS):
        plain = _decode(layer, _ESCAPE, _unescape)
        layer = plain._replace(data=plain.data.translate(_FOLD))
        yield layer
    yield _decode(unchanged(data), _QUOTED, _unquote)


def search_terms(data: bytes) -> Iterator[bytes]:
    """Yield the form of a value to search for in each layer."""
    *escaped, _ = decoded_layers(data)
    yield from (layer.data for layer in escaped)
    yield data


def _character(number: int) -> bytes:
    return utf8(chr(number)) if number <= sys.maxunicode else b""


def _unescape(match: re.Match[bytes]) -> bytes:
    kind, text = match.lastgroup, match[match.lastgroup or 0]
    match kind:
        case "unit" | "hexadecimal":
            return _character(int(text, 16))
        case "decimal":
            return _character(int(text))
        case "byte" | "escaped":
            return bytes((int(text, 16),))
        case "low":
            return utf8(bytes.fromhex((match["high"] + text).decode()).decode("utf-16-be"))
    # An escaped letter is itself; other backslashes are removed.
    return _NAMES.get(text, text) if kind else b""


def _unquote(match: re.Match[bytes]) -> bytes:
    return bytes((int(match["byte"], 16),)) if match["byte"] else b""


def _decode(
    layer: Layer, pattern: re.Pattern[bytes], replacement_of: Callable[[re.Match[bytes]], bytes]
) -> Layer:
    """Remove one layer of escapes."""
    data, at = bytearray(), 0
    starts: list[int] = []
    ends: list[int] = []
    for match in pattern.finditer(layer.data):
        start, end = match.span()
        replacement = replacement_of(match)
        data += layer.data[at:start] + replacement
        starts += layer.starts[at:start]
        starts += [layer.starts[start]] * len(replacement)
        ends += layer.ends[at:start]
        ends += [layer.ends[end - 1]] * len(replacement)
        at = end
    data += layer.data[at:]
    starts += layer.starts[at:]
    ends += layer.ends[at:]
    return Layer(bytes(data), starts, ends)
