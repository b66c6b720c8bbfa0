"""Finds secrets in a text, in every form and below its escapes, and puts their labels there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from rowhook.redact.forms import SHORTEST, forms, utf8, written
from rowhook.redact.layers import LAYERS, SIGNS, as_it_is, layers, sought

# The first scan looks for beginnings: whole values would make it quadratic for `aaaa…`.
_BEGINNING = 16


class _Span(NamedTuple):
    start: int
    end: int
    label: str


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
        self._hidden = [(label, value) for label, value in hidden if len(value) >= SHORTEST]

    @cached_property
    def _literals(self) -> dict[str, str]:
        return {
            form: label
            for label, value in self._hidden
            for one in written(value)
            for form in forms(one)
        }

    @cached_property
    def _needles(self) -> list[dict[bytes, str]]:
        """What to look for in the text as it is, then in each layer below its escapes."""
        found: list[dict[bytes, str]] = [{utf8(form): of for form, of in self._literals.items()}]
        found += [{} for _ in range(LAYERS)]
        for label, value in self._hidden:
            for one in written(value):
                for needles, needle in zip(found[1:], sought(utf8(one)), strict=True):
                    if len(needle) >= SHORTEST:
                        needles[needle] = label
        return found

    @cached_property
    def _scan(self) -> re.Pattern[str]:
        """Finds whatever may be a secret's beginning, or an escape that one may hide behind."""
        beginnings = dict.fromkeys(re.escape(form[:_BEGINNING]) for form in self._literals)
        return re.compile("|".join((*SIGNS, *beginnings)))

    def _spans(self, data: bytes) -> Iterator[_Span]:
        for needles, layer in zip(self._needles, (as_it_is(data), *layers(data)), strict=True):
            for needle, label in needles.items():
                for start, end in _places(needle, layer.data):
                    yield _Span(layer.starts[start], layer.ends[end - 1], label)

    def text(self, text: str) -> str:
        """The text with each secret replaced by `[secret:<label>]`; overlapping ones as one."""
        if not text or not self._hidden or self._scan.search(text) is None:
            return text
        data, at, shown = utf8(text), 0, b""
        for start, end, labels in _merged(list(self._spans(data))):
            shown += data[at:start] + b"".join(utf8(f"[secret:{label}]") for label in labels)
            at = end
        return (shown + data[at:]).decode("utf-8", "surrogatepass")
