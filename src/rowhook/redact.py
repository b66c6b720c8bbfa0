"""Takes secrets out of text that came from outside, in every encoding they may come back in. Pure.

A value of fewer than 4 characters is left alone: it would make every text unreadable, and our own
requests never show it, since they are shown from their placeholders.
"""

from __future__ import annotations

import html
import json
import re
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple
from urllib.parse import quote, quote_plus

_SHORTEST = 4
# The first scan looks for beginnings: whole values would make it quadratic for `aaaa…`.
_BEGINNING = 16
# JSON or HTML inside a percent-encoded form, or the other way round.
_ROUNDS = 2
_HEX = "[0-9a-fA-F]"
# However often it was escaped: JSON in JSON doubles backslashes, HTML in HTML repeats `amp;`,
# percent in percent repeats `25`.
_ESCAPE = re.compile(
    rf"""\\+(?:u(?P<high>[dD][89abAB]{_HEX}{{2}})\\+u(?P<low>[dD][c-fC-F]{_HEX}{{2}})
      |u(?P<unit>{_HEX}{{4}})
      |(?P<letter>["'/bfnrt])
      |)
    |&(?:amp;)*(?:(?P<name>lt|gt|amp|quot|apos)
      |\#0{{0,8}}(?P<decimal>[0-9]{{1,7}})
      |\#[xX]0{{0,8}}(?P<hexadecimal>{_HEX}{{1,6}}));
    |%(?:25)*(?P<byte>{_HEX}{{2}})""".encode(),
    re.VERBOSE,
)
_NAMES = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"apos": b"'"}
# `\n` and `\\n` cannot be told apart once backslashes were doubled, nor a form's `+` and a space.
_FOLD = bytes.maketrans(b"\b\f\n\r\t ", b"bfnrt+")
_ESCAPED = (r'\\["\\/bfnrtu\']', "%[0-9a-fA-F][0-9a-fA-F]", "&#", "&(?:lt|gt|amp|quot|apos);")


class _Span(NamedTuple):
    start: int
    end: int
    label: str


class _Plain(NamedTuple):
    """Bytes without their escapes; for each, where in the text it begins and ends."""

    data: bytes
    starts: Sequence[int]
    ends: Sequence[int]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _percent(data: bytes) -> Iterator[str]:
    whole = "".join(f"%{byte:02X}" for byte in data)
    for form in (quote(data, safe=""), quote(data), quote_plus(data), whole):
        yield form
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), form)


def _base64(data: bytes) -> Iterator[str]:
    for encode in (b64encode, urlsafe_b64encode):
        yield encode(data).decode().rstrip("=")
        for before in (1, 2):
            # Inside a longer text the neighbours share its first and last characters.
            text = encode(b"\0" * before + data).decode()
            inside = text[before + 1 : len(text) - (4 if text.endswith("=") else 0)]
            if len(inside) >= 2 * _SHORTEST:
                yield inside
        whole = encode(data[: len(data) - len(data) % 3]).decode()
        if len(whole) >= 2 * _SHORTEST:
            yield whole


def _json(value: str) -> Iterator[str]:
    for escaped in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")


def _forms(value: str) -> Iterator[str]:
    data = _utf8(value)
    yield value
    # A header is read as Latin-1, whatever its sender meant.
    yield data.decode("latin-1")
    for once in _json(value):
        yield once
        yield from _json(once)
    yield from _percent(data)
    yield from _base64(data)
    yield data.hex()
    yield data.hex().upper()
    yield html.escape(value)
    yield html.escape(value, quote=False)


def _written(value: str) -> set[str]:
    """The value, and as a writer of UTF-8 leaves it that has no bytes for a lone surrogate."""
    mended = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return {value, mended, _utf8(value).decode("utf-8", "replace")}


def _character(number: int) -> bytes:
    return _utf8(chr(number)) if number <= sys.maxunicode else b""


def _unescaped(found: re.Match[bytes]) -> bytes:
    kind, text = found.lastgroup, found[found.lastgroup or 0]
    match kind:
        case "unit" | "hexadecimal":
            return _character(int(text, 16))
        case "decimal":
            return _character(int(text))
        case "byte":
            return bytes((int(text, 16),))
        case "low":
            return _utf8(bytes.fromhex((found["high"] + text).decode()).decode("utf-16-be"))
    # A letter stands for itself; backslashes before anything else for nothing.
    return _NAMES.get(text, text) if kind else b""


def _unescape(given: _Plain) -> _Plain:
    """One layer of escapes taken off, with each byte's place in the text kept."""
    data, at = bytearray(), 0
    starts: list[int] = []
    ends: list[int] = []
    for found in _ESCAPE.finditer(given.data):
        start, end = found.span()
        one = _unescaped(found)
        data += given.data[at:start] + one
        starts += given.starts[at:start]
        starts += [given.starts[start]] * len(one)
        ends += given.ends[at:start]
        ends += [given.ends[end - 1]] * len(one)
        at = end
    data += given.data[at:]
    starts += given.starts[at:]
    ends += given.ends[at:]
    return _Plain(bytes(data).translate(_FOLD), starts, ends)


def _as_it_is(data: bytes) -> _Plain:
    return _Plain(data, range(len(data)), range(1, len(data) + 1))


def _layers(data: bytes) -> Iterator[_Plain]:
    layer = _as_it_is(data)
    for _ in range(_ROUNDS):
        layer = _unescape(layer)
        yield layer


def _last(needle: bytes, data: bytes, low: int, high: int) -> int:
    """Where the last occurrence that begins in low..high begins, by halves; -1 for none."""
    last = -1
    while low < high:
        middle = (low + high) // 2
        found = data.find(needle, middle, high - 1 + len(needle))
        if found < 0:
            high = middle
        else:
            last, low = found, found + 1
    return last


def _places(needle: bytes, data: bytes) -> Iterator[tuple[int, int]]:
    """Each occurrence; those that overlap as one, at a cost that `aaaa…` cannot square."""
    start = data.find(needle)
    while start >= 0:
        at = start
        while (later := _last(needle, data, at + 1, at + len(needle))) >= 0:
            at = later
        yield start, at + len(needle)
        start = data.find(needle, at + len(needle))


def _merged(spans: list[_Span]) -> Iterator[tuple[int, int, list[str]]]:
    """Overlapping spans as one, with the labels of those that none of the others holds."""
    start = end = -1
    labels: list[str] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
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
    """Made once for a webhook of pairs (label, value); a text without secrets costs one scan."""

    def __init__(self, hidden: Sequence[tuple[str, str]]) -> None:
        self._hidden = [(label, value) for label, value in hidden if len(value) >= _SHORTEST]

    @cached_property
    def _literals(self) -> dict[str, str]:
        return {
            form: label
            for label, value in self._hidden
            for written in _written(value)
            for form in _forms(written)
        }

    @cached_property
    def _needles(self) -> list[dict[bytes, str]]:
        """What to look for in the text as it is, then in each layer below its escapes."""
        layers: list[dict[bytes, str]] = [{_utf8(form): of for form, of in self._literals.items()}]
        layers += [{} for _ in range(_ROUNDS)]
        for label, value in self._hidden:
            for written in _written(value):
                for needles, layer in zip(layers[1:], _layers(_utf8(written)), strict=True):
                    if len(layer.data) >= _SHORTEST:
                        needles[layer.data] = label
        return layers

    @cached_property
    def _scan(self) -> re.Pattern[str]:
        """Finds whatever may be a secret's beginning, or an escape that one may hide behind."""
        beginnings = dict.fromkeys(re.escape(form[:_BEGINNING]) for form in self._literals)
        return re.compile("|".join((*_ESCAPED, *beginnings)))

    def _spans(self, data: bytes) -> Iterator[_Span]:
        for needles, layer in zip(self._needles, (_as_it_is(data), *_layers(data)), strict=True):
            for needle, label in needles.items():
                for start, end in _places(needle, layer.data):
                    yield _Span(layer.starts[start], layer.ends[end - 1], label)

    def text(self, text: str) -> str:
        """The text with each secret replaced by `[secret:<label>]`; overlapping ones as one."""
        if not text or not self._hidden or self._scan.search(text) is None:
            return text
        data, at, shown = _utf8(text), 0, b""
        for start, end, labels in _merged(list(self._spans(data))):
            shown += data[at:start] + b"".join(_utf8(f"[secret:{label}]") for label in labels)
            at = end
        return (shown + data[at:]).decode("utf-8", "surrogatepass")
