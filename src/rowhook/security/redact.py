"""Replaces secrets in a text by labels, in every encoding and through escapes."""

from __future__ import annotations

import html
import json
import quopri
import re
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple
from urllib.parse import quote, quote_plus

MIN_LENGTH = 4
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
# The first scan searches for prefixes, because whole values would be quadratic for `aaaa…`.
_PREFIX_LENGTH = 16


def utf8(text: str) -> bytes:
    """Encodes a text that may contain lone surrogates."""
    return text.encode("utf-8", "surrogatepass")


def variants(value: str) -> set[str]:
    """Returns the value, and with lone surrogates replaced as UTF-8 encoders do."""
    replaced = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return {value, replaced, utf8(value).decode("utf-8", "replace")}


def encodings(value: str) -> Iterator[str]:
    """Yields the value in every encoding."""
    data = utf8(value)
    yield value
    # Headers are decoded as Latin-1.
    yield data.decode("latin-1")
    for escaped in _json(value):
        yield escaped
        yield from _json(escaped)
    yield from _percent(data)
    yield from _base64(data)
    yield from _base64(b64encode(data).rstrip(b"="))
    yield data.hex()
    yield data.hex().upper()
    yield html.escape(value)
    yield html.escape(value, quote=False)
    yield quopri.encodestring(data, quotetabs=True).decode("latin-1")
    yield from _utf16(value)


def _percent(data: bytes) -> Iterator[str]:
    all_encoded = "".join(f"%{byte:02X}" for byte in data)
    for form in (quote(data, safe=""), quote(data), quote_plus(data), all_encoded):
        yield form
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), form)


def _base64(data: bytes) -> Iterator[str]:
    for encode in (b64encode, urlsafe_b64encode):
        yield encode(data).decode().rstrip("=")
        for before in (1, 2):
            # In a longer text, the neighbouring bytes affect the first and last characters.
            text = encode(b"\0" * before + data).decode()
            inside = text[before + 1 : len(text) - (4 if text.endswith("=") else 0)]
            if len(inside) >= 2 * MIN_LENGTH:
                yield inside
        whole = encode(data[: len(data) - len(data) % 3]).decode()
        if len(whole) >= 2 * MIN_LENGTH:
            yield whole


def _json(value: str) -> Iterator[str]:
    for escaped in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")


def _utf16(value: str) -> Iterator[str]:
    for order in ("utf-16-le", "utf-16-be"):
        data = value.encode(order, "surrogatepass")
        # Bodies are decoded as UTF-8, headers as Latin-1; PowerShell encodes UTF-16-LE as base64.
        yield data.decode("utf-8", "replace")
        yield data.decode("latin-1")
        yield from _base64(data)


class Layer(NamedTuple):
    """Unescaped bytes, with the start and end of each in the original text."""

    data: bytes
    starts: Sequence[int]
    ends: Sequence[int]


def unchanged(data: bytes) -> Layer:
    """Returns the text as a layer."""
    return Layer(data, range(len(data)), range(1, len(data) + 1))


def decoded_layers(data: bytes) -> Iterator[Layer]:
    """Yields the text after each round of unescaping, then after decoding quoted-printable."""
    layer = unchanged(data)
    for _ in range(_ROUNDS):
        plain = _decode(layer, _ESCAPE, _unescape)
        layer = plain._replace(data=plain.data.translate(_FOLD))
        yield layer
    yield _decode(unchanged(data), _QUOTED, _unquote)


def search_terms(data: bytes) -> Iterator[bytes]:
    """Yields the form of a value to search for in each layer."""
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
    """Removes one layer of escapes."""
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


class _Span(NamedTuple):
    start: int
    end: int
    label: str


def _last_occurrence(needle: bytes, data: bytes, low: int, high: int) -> int:
    """Returns the last occurrence that begins in low..high, by bisection, or -1."""
    last = -1
    while low < high:
        middle = (low + high) // 2
        position = data.find(needle, middle, high - 1 + len(needle))
        if position < 0:
            high = middle
        else:
            last, low = position, position + 1
    return last


def _occurrences(needle: bytes, data: bytes) -> Iterator[tuple[int, int]]:
    """Yields occurrences, merging overlapping ones, without quadratic cost for `aaaa…`."""
    start = data.find(needle)
    while start >= 0:
        at = start
        while (later := _last_occurrence(needle, data, at + 1, at + len(needle))) >= 0:
            at = later
        yield start, at + len(needle)
        start = data.find(needle, at + len(needle))


def _merged(spans: list[_Span]) -> Iterator[tuple[int, int, list[str]]]:
    """Merges overlapping spans, with the labels of those not contained in another."""
    start = end = -1
    labels: list[str] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.start >= end:
            if labels:
                yield start, end, labels
            start, end, labels = span.start, span.end, [span.label]
        elif span.end > end:
            end = span.end
            if span.label != labels[-1]:
                labels.append(span.label)
    if labels:
        yield start, end, labels


class Redactor:
    """Redacts (label, value) pairs; a text without secrets takes one scan."""

    def __init__(self, hidden: Sequence[tuple[str, str]]) -> None:
        self._hidden = [(label, value) for label, value in hidden if len(value) >= MIN_LENGTH]

    @cached_property
    def _literals(self) -> dict[str, str]:
        return {
            encoded: label
            for label, value in self._hidden
            for variant in variants(value)
            for encoded in encodings(variant)
        }

    @cached_property
    def _needles(self) -> list[dict[bytes, str]]:
        """The search terms for the original text and each decoded layer, with their labels."""
        needles: list[dict[bytes, str]] = [
            {utf8(text): label for text, label in self._literals.items()}
        ]
        needles += [{} for _ in range(LAYER_COUNT)]
        for label, value in self._hidden:
            for variant in variants(value):
                for layer, needle in zip(needles[1:], search_terms(utf8(variant)), strict=True):
                    if len(needle) >= MIN_LENGTH:
                        layer[needle] = label
        return needles

    @cached_property
    def _scan(self) -> re.Pattern[str]:
        """The pattern of every prefix of a secret, and every sign of an escape."""
        prefixes = dict.fromkeys(re.escape(text[:_PREFIX_LENGTH]) for text in self._literals)
        return re.compile("|".join((*ESCAPE_SIGNS, *prefixes)))

    def _spans(self, data: bytes) -> Iterator[_Span]:
        for needles, layer in zip(
            self._needles, (unchanged(data), *decoded_layers(data)), strict=True
        ):
            for needle, label in needles.items():
                for start, end in _occurrences(needle, layer.data):
                    yield _Span(layer.starts[start], layer.ends[end - 1], label)

    def text(self, text: str) -> str:
        """Returns the text with each secret replaced by `[secret:<label>]`."""
        if not text or not self._hidden or self._scan.search(text) is None:
            return text
        data, at, redacted = utf8(text), 0, b""
        for start, end, labels in _merged(list(self._spans(data))):
            redacted += data[at:start] + b"".join(utf8(f"[secret:{label}]") for label in labels)
            at = end
        return (redacted + data[at:]).decode("utf-8", "surrogatepass")
