"""Parses and checks target URLs, without resolving names.

The parsed target is checked and sent. The parser is strict (RFC 3986 syntax, RFC 1123
labels, IDNA 2008), so that no other parser can read a different host from the same URL.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TYPE_CHECKING
from urllib.parse import quote

import idna

from rowhook.egress.errors import TargetForbidden, UrlRejected
from rowhook.egress.policy import IPV4_LOOPBACK, network_to_allow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rowhook.egress.policy import EgressPolicy

MAX_URL = 8192
PORTS = {"http": 80, "https": 443}
# Non-public names of RFC 6761, 6762, 7686, 8375, 9476 and ICANN's private-use name.
LOCAL_SUFFIXES = (
    ".localhost",
    ".local",
    ".internal",
    ".home.arpa",
    ".onion",
    ".invalid",
    ".test",
    ".alt",
)

_SHAPE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)(?:#.*)?", re.DOTALL)
_UNSENDABLE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff\\]")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(.*))?", re.DOTALL)
_PLAIN = re.compile(r"([^:\[\]]*)(?::([^:]*))?", re.DOTALL)
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_IPV4 = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")
# Other parsers read a last label of digits, or of 0x and hex digits, as an IPv4 address.
_NUMERIC_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.DOTALL)
_PATH_SAFE = "/?:@!$&'()*+,;=%-._~[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target that is allowed, as far as its URL shows.

    `host` is ASCII (an IPv6 literal without brackets); `path` is the path and query as sent;
    `authority` is the value of the Host header.
    """

    scheme: str
    host: str
    port: int
    authority: str
    path: str
    is_literal: bool

    @property
    def url(self) -> str:
        """The URL that is requested."""
        return f"{self.scheme}://{self.authority}{self.path}"


def is_allowed_host(host: str, allowed: Iterable[str]) -> bool:
    """Returns whether the host of a target is one of the names, and IPv6 addresses in brackets."""
    return any(host == (_unbracketed(name) if name.startswith("[") else name) for name in allowed)


def _unbracketed(name: str) -> str | None:
    try:
        return str(IPv6Address(name[1:-1]))
    except AddressValueError:
        return None


# Cached, because the URL of a request is parsed twice: by the renderer, which reports the errors,
# and by the transport, which must not depend on a target that other code has checked.
@functools.lru_cache(2048)
def parse_target(url: str, policy: EgressPolicy) -> Target:
    """Parses and checks `url`.

    Raises UrlRejected if it is not an http(s) URL, or plain http where that is not allowed, and
    TargetForbidden for an address or name that is not allowed.
    """
    scheme, authority, rest = _split(url)
    host, port, is_literal = _read_authority(authority, PORTS[scheme])
    _check_host(host, is_literal=is_literal, policy=policy)
    if scheme == "http":
        _check_plain(host, is_literal=is_literal, policy=policy)
    return _build(scheme, host, port, rest, is_literal=is_literal)


def _split(url: str) -> tuple[str, str, str]:
    if len(url) > MAX_URL:
        raise UrlRejected(f"The URL is longer than {MAX_URL} characters.")
    if _UNSENDABLE.search(url):
        raise UrlRejected("The URL contains a space, a control character or a backslash.")
    shape = _SHAPE.fullmatch(url)
    if shape is None or shape[1].lower() not in PORTS:
        raise UrlRejected("The URL must begin with https:// or http://.")
    return shape[1].lower(), shape[2], shape[3]


# Cached, because the URLs of a webhook usually differ only in the path.
@functools.lru_cache(1024)
def _read_authority(authority: str, default_port: int) -> tuple[str, int, bool]:
    if "@" in authority:
        raise UrlRejected("The URL must not contain a user name or password. Use a header.")
    bracketed = _BRACKETED.fullmatch(authority)
    shape = bracketed or _PLAIN.fullmatch(authority)
    if shape is None:
        raise UrlRejected("The host of the URL is not valid.")
    port = default_port if shape[2] is None else _read_port(shape[2])
    if bracketed:
        return _read_ipv6(shape[1]), port, True
    host = _normalize(shape[1])
    return host, port, _IPV4.fullmatch(host) is not None


def _read_port(text: str) -> int:
    if _PORT.fullmatch(text) is None or int(text) > 65535:  # noqa: PLR2004 - the last port
        raise UrlRejected("The port of the URL must be a number from 1 to 65535.")
    return int(text)


def _read_ipv6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except AddressValueError as error:
        raise UrlRejected("The host of the URL in brackets is not an IPv6 address.") from error


def _normalize(host: str) -> str:
    if not host:
        raise UrlRejected("The URL has no host.")
    name = host.lower() if host.isascii() else _to_ascii(host)
    if len(name) > 253 or not all(map(_LABEL.fullmatch, name.split("."))):  # noqa: PLR2004 - RFC 1035
        raise UrlRejected("The host of the URL is not a domain name.")
    return name


def _to_ascii(host: str) -> str:
    # Rejects names that NFKC changes into another host (full-width digits, ideographic dots, the
    # Kelvin sign) and invisible joiners.
    if unicodedata.normalize("NFKC", host) != host or not host.isprintable():
        raise UrlRejected(
            "The host of the URL contains characters that are not in Unicode normal form NFKC."
        )
    try:
        return idna.encode(host.lower(), strict=True).decode("ascii")
    except idna.IDNAError as error:
        raise UrlRejected("The host of the URL is not an internationalized domain name.") from error


def _check_host(host: str, *, is_literal: bool, policy: EgressPolicy) -> None:
    if is_literal:
        if not policy.permits(_as_address(host)):
            raise TargetForbidden(_setting(network_to_allow(host), policy))
    elif host == "localhost":
        if not policy.loopback():
            raise TargetForbidden(_setting(str(IPV4_LOOPBACK), policy))
    elif "." not in host or _NUMERIC_END.fullmatch(host) or f".{host}".endswith(LOCAL_SUFFIXES):
        raise TargetForbidden


def _as_address(host: str) -> str:
    try:
        return host if ":" in host else str(IPv4Address(host))
    except AddressValueError as error:
        raise UrlRejected("The host of the URL is not an IPv4 address.") from error


def _setting(network: str | None, policy: EgressPolicy) -> str | None:
    if network is None:
        return None
    return "ROWHOOK_ALLOW_NETWORKS=" + ",".join([*map(str, policy.allow_networks), network])


def _check_plain(host: str, *, is_literal: bool, policy: EgressPolicy) -> None:
    local = host == "localhost" or (is_literal and policy.allows(host))
    if not (policy.allow_http or local):
        raise UrlRejected("Plain http is not allowed. Use https.", "ROWHOOK_ALLOW_HTTP=true")


def _build(scheme: str, host: str, port: int, rest: str, *, is_literal: bool) -> Target:
    path = quote(rest, safe=_PATH_SAFE)
    authority = bracketed(host)
    return Target(
        scheme=scheme,
        host=host,
        port=port,
        authority=authority if port == PORTS[scheme] else f"{authority}:{port}",
        path=path if path.startswith("/") else f"/{path}",
        is_literal=is_literal,
    )


def bracketed(host: str) -> str:
    """Returns a host as it is written in a URL (RFC 3986 section 3.2.2)."""
    return f"[{host}]" if ":" in host else host
