"""The headers of a webhook: which may be named, and which are ours whatever is named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from rowhook.compose.collector import Collector
from rowhook.delivery import Headers
from rowhook.template import Place, Template

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REFUSED = frozenset(
    (
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
    )
)
_MOST_HEADERS = 50


def added_headers(brand: str) -> tuple[str, ...]:
    """The names of what every request carries, in the order sent (CONTRACT §4)."""
    standard = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return ("Idempotency-Key", f"X-{brand}-Signature", *standard)


def forced_headers(brand: str) -> frozenset[str]:
    """The names, in lower case, that are always ours (CONTRACT §4)."""
    return frozenset(name.lower() for name in (*added_headers(brand), "X-Roxels-Signature"))


def kept_headers(given: Iterable[str], brand: str) -> list[str]:
    """The names, in lower case, of those that are sent with the value that was given."""
    forced = forced_headers(brand)
    return [name.lower() for name in given if name.lower() not in forced]


def default_headers(given: Mapping[str, str], brand: str, *, sends_body: bool) -> Headers:
    """The headers that are sent where `given` does not name them."""
    ours = [("User-Agent", f"{brand}-Webhook/1")]
    if sends_body:
        ours.append(("Content-Type", "application/json"))
    named = {name.lower() for name in given}
    return tuple((name, value) for name, value in ours if name.lower() not in named)


def _header_faults(name: str, seen: set[str]) -> Iterator[str]:
    lower = name.lower()
    if _TOKEN.fullmatch(name) is None:
        yield "A header name consists of letters, digits and -_.!#$%&'*+^`|~ (RFC 9110, 5.6.2)."
    if lower in _REFUSED or lower.startswith("proxy-"):
        yield f"{name} is set by the connection. Remove it."
    if lower in seen:
        yield f"{name} occurs twice, in different case. Keep one."


def header_pointer(name: str) -> str:
    """The JSON pointer of a header in a configuration."""
    return "/headers/" + name.replace("~", "~0").replace("/", "~1")


def compile_headers(
    headers: Mapping[str, str], forced: frozenset[str], collect: Collector
) -> list[tuple[str, Template]]:
    """The headers that are sent as they are asked for, without those that are ours."""
    kept: list[tuple[str, Template]] = []
    seen: set[str] = set()
    if len(headers) > _MOST_HEADERS:
        collect.say(
            "/headers", f"Must have at most {_MOST_HEADERS} headers, but has {len(headers)}."
        )
    for name, source in headers.items():
        pointer = header_pointer(name)
        for message in _header_faults(name, seen):
            collect.say(pointer, message)
        seen.add(name.lower())
        if name.lower() in forced:
            continue
        template = collect.template(pointer, source, Place.HEADER)
        if template is not None:
            kept.append((name, template))
    return kept


def header_warnings(headers: Iterable[str], brand: str) -> list[str]:
    """A sentence for each header that is named in vain: ours is sent in its place (CONTRACT §4)."""
    forced = forced_headers(brand)
    return [
        f"{name} is set by Rowhook. The value configured here is not sent."
        for name in headers
        if name.lower() in forced
    ]


def content_type_of(headers: Mapping[str, str], collect: Collector) -> str | None:
    """The Content-Type, which is no template; None where there is none."""
    for name, value in headers.items():
        if name.lower() == "content-type":
            if "{" in value:
                collect.say(
                    f"/headers/{name}",
                    "Content-Type must not contain expressions, because it selects the escaping.",
                )
                return None
            return value
    return None
