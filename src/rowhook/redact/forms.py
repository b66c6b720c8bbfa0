"""How a value may stand in a text: the forms that are looked for as they are."""

from __future__ import annotations

import html
import json
import quopri
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 4


def utf8(text: str) -> bytes:
    """Bytes of any text, lone surrogates included."""
    return text.encode("utf-8", "surrogatepass")


def written(value: str) -> set[str]:
    """The value, and as a writer of UTF-8 leaves it that has no bytes for a lone surrogate."""
    mended = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return {value, mended, utf8(value).decode("utf-8", "replace")}


def forms(value: str) -> Iterator[str]:
    """The value in every encoding that does not stand letter for letter."""
    data = utf8(value)
    yield value
    # A header is read as Latin-1, whatever its sender meant.
    yield data.decode("latin-1")
    for once in _json(value):
        yield once
        yield from _json(once)
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
            if len(inside) >= 2 * SHORTEST:
                yield inside
        whole = encode(data[: len(data) - len(data) % 3]).decode()
        if len(whole) >= 2 * SHORTEST:
            yield whole


def _json(value: str) -> Iterator[str]:
    for escaped in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")


def _utf16(value: str) -> Iterator[str]:
    for order in ("utf-16-le", "utf-16-be"):
        data = value.encode(order, "surrogatepass")
        # A body is read as UTF-8, a header as Latin-1; what is base64 in PowerShell is the first.
        yield data.decode("utf-8", "replace")
        yield data.decode("latin-1")
        yield from _base64(data)
