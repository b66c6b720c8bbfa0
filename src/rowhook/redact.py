"""Takes secrets out of text that came from outside, in every encoding they may come back in. Pure.

A value of fewer than 4 characters is left alone: it would make every text unreadable, and our own
requests never show it, since they are shown from their placeholders.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from functools import cached_property
from urllib.parse import quote, quote_plus

_SHORTEST = 4


def _percent(value: str) -> Iterator[str]:
    whole = "".join(f"%{byte:02X}" for byte in value.encode())
    for form in (quote(value, safe=""), quote(value), quote_plus(value), whole):
        yield form
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), form)


def _base64(value: str) -> Iterator[str]:
    data = value.encode()
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


def _forms(value: str) -> Iterator[str]:
    yield value
    for escaped in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")
    yield from _percent(value)
    yield from _base64(value)
    yield value.encode().hex()
    yield value.encode().hex().upper()
    yield html.escape(value)
    yield html.escape(value, quote=False)


class Redactor:
    """Made once for a webhook of pairs (label, value); a text without secrets costs one scan."""

    def __init__(self, hidden: Sequence[tuple[str, str]]) -> None:
        self._hidden = [(label, value) for label, value in hidden if len(value) >= _SHORTEST]

    @cached_property
    def _needles(self) -> tuple[re.Pattern[str], dict[str, str]]:
        labels = {form: label for label, value in self._hidden for form in _forms(value)}
        longest_first = sorted(labels, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first))), labels

    def text(self, text: str) -> str:
        """The text with each secret replaced by `[secret:<label>]`."""
        if not text or not self._hidden:
            return text
        pattern, labels = self._needles
        return pattern.sub(lambda found: f"[secret:{labels[found[0]]}]", text)
