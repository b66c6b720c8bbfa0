"""Encodes a value in every form in which it may occur literally in a text."""

from __future__ import annotations

import html
import json
import quopri
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

MIN_LENGTH = 4


def utf8(text: str) -> bytes:
    """Encode a text that may contain lone surrogates."""
    return text.encode("utf-8", "surrogatepass")


def variants(value: str) -> set[str]:
    """Return the value, and with lone surrogates replaced as UTF-8 encoders do."""
    replaced = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return {value, replaced, utf8(value).decode("utf-8", "replace")}


def encodings(value: str) -> Iterator[str]:
    """Yield the value in every encoding."""
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
