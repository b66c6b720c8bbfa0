"""Replaces secrets in a text by labels, in every encoding and through escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from rowhook.security.decoders import (
    ESCAPE_SIGNS,
    LAYER_COUNT,
    MIN_LENGTH,
    decoded_layers,
    encodings,
    search_terms,
    unchanged,
    utf8,
    variants,
)

# The first scan searches for prefixes, because whole values would be quadratic for `aaaa…`.
_PREFIX_LENGTH = 16


class _Span(NamedTuple):
    start: int
    end: int
    label: str


def _last_occurrence(needle: bytes, data: bytes, low: int, high: int) -> int:
    """Return the last occurrence that begins in low..high, by bisection, or -1."""
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
    """Yield occurrences, merging overlapping ones, without quadratic cost for `aaaa…`."""
    start = data.find(needle)
    while start >= 0:
        at = start
        while (later := _last_occurrence(needle, data, at + 1, at + len(needle))) >= 0:
            at = later
        yield start, at + len(needle)
        start = data.find(needle, at + len(needle))


def _merged(spans: list[_Span]) -> Iterator[tuple[int, int, list[str]]]:
    """Merge overlapping spans, with the labels of those not contained in another."""
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
        """Matches every prefix of a secret, and every sign of an escape."""
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
        """Return the text with each secret replaced by `[secret:<label>]`."""
        if not text or not self._hidden or self._scan.search(text) is None:
            return text
        data, at, redacted = utf8(text), 0, b""
        for start, end, labels in _merged(list(self._spans(data))):
            redacted += data[at:start] + b"".join(utf8(f"[secret:{label}]") for label in labels)
            at = end
        return (redacted + data[at:]).decode("utf-8", "surrogatepass")
