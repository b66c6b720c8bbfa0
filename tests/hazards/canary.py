"""Canary values, and a search for them in every encoding."""

from __future__ import annotations

import html
import json
import quopri
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from urllib.parse import quote

_TEXTS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "JSON": lambda value: json.dumps(value)[1:-1],
    "JSON, every character": lambda value: "".join(
        f"\\u{pair[0]:02x}{pair[1]:02x}" for pair in _pairs(value.encode("utf-16-be"))
    ),
    "JSON in JSON": lambda value: json.dumps(json.dumps(value))[3:-3],
    "percent": lambda value: quote(value, safe=""),
    "percent, every byte": lambda value: _bytewise(value, "%{:02X}"),
    "base64": lambda value: b64encode(value.encode()).decode(),
    "base64 in a credential": lambda value: b64encode(f"user:{value}".encode()).decode(),
    "hex": lambda value: value.encode().hex(),
    "HTML": html.escape,
    "HTML, every character": lambda value: "".join(f"&#{ord(character)};" for character in value),
    "quoted-printable": lambda value: quopri.encodestring(value.encode()).decode(),
    "backslashes": lambda value: _bytewise(value, "\\x{:02x}"),
}


def _encoded(form: Callable[[str], str], value: str) -> bytes:
    return form(value).encode()


# How a receiver may encode a value in its response.
ENCODINGS: dict[str, Callable[[str], bytes]] = {
    **{name: partial(_encoded, form) for name, form in _TEXTS.items()},
    "UTF-16": lambda value: value.encode("utf-16-le"),
    "UTF-16, big-endian": lambda value: value.encode("utf-16-be"),
}
# JSON and COPY double backslashes.
_BACKSLASHES = re.compile(r"\\+")


def _pairs(data: bytes) -> Iterable[bytes]:
    return (data[at : at + 2] for at in range(0, len(data), 2))


def _bytewise(value: str, form: str) -> str:
    return "".join(form.format(byte) for byte in value.encode())


def _needles(core: str) -> Iterable[str]:
    """Encodings of the alphanumeric core of a canary, in lower case."""
    yield core
    for form in ("%{:02x}", "\\x{:02x}", "={:02x}", "&#{};", "&#x{:x};", "\\u{:04x}", "{:02x}"):
        yield _bytewise(core, form)
    for gap in ("\0", "\ufffd", "\\u0000"):
        yield gap.join(core)
    yield from _base64(core.encode())
    yield from _base64(core.encode("utf-16-le"))
    yield from _base64(b64encode(core.encode()))


def _base64(data: bytes) -> Iterable[str]:
    for before in range(3):
        text = b64encode(b"\0" * before + data).decode()
        # Without the bits shared with adjacent characters.
        yield text[4 * (before > 0) : 4 * ((before + len(data)) // 3)]


def find_canaries(surfaces: Mapping[str, str], cores: Iterable[str]) -> list[str]:
    """Returns `surface: text` for every canary in every text."""
    needles = {needle.lower() for core in cores for needle in _needles(core)}
    return [
        f"{name}: {needle} in …{text[max(0, at - 60) : at + 90]}…"
        for name, surface in surfaces.items()
        for text in {surface.lower(), _BACKSLASHES.sub(r"\\", surface.lower())}
        for needle in needles
        if (at := text.find(needle)) >= 0
    ]
