"""Parsers of URLs, of Rowhook and three libraries: scheme, host and port, or None if rejected."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, ip_network

import ada_url
import httpx
import urllib3
from urllib3.exceptions import LocationParseError

from rowhook.egress.errors import TargetForbidden, UrlRejected
from rowhook.egress.policy import EgressPolicy
from rowhook.egress.target_url import parse_target

PORTS = {"http": 80, "https": 443}
# All addresses are allowed, since only parsing is compared.
OPEN = EgressPolicy(allow_networks=(ip_network("0.0.0.0/0"), ip_network("::/0")), allow_http=True)

Endpoint = tuple[str, str, int]


def rowhook_endpoint(url: str) -> Endpoint | None:
    try:
        target = parse_target(url, OPEN)
    except (TargetForbidden, UrlRejected):
        return None
    return target.scheme, target.host, target.port


def whatwg_endpoint(url: str) -> Endpoint | None:
    try:
        read = ada_url.URL(url)
    except ValueError:
        return None
    scheme = read.protocol.removesuffix(":")
    return scheme, normalize_host(read.hostname), int(read.port or PORTS.get(scheme, 0))


def urllib3_endpoint(url: str) -> Endpoint | None:
    try:
        read = urllib3.util.parse_url(url)
    except LocationParseError:
        return None
    scheme = read.scheme or ""
    return scheme, normalize_host(read.host or ""), read.port or PORTS.get(scheme, 0)


def httpx_endpoint(url: str) -> Endpoint | None:
    try:
        read = httpx.URL(url)
    except httpx.InvalidURL:
        return None
    return (
        read.scheme,
        normalize_host(read.raw_host.decode()),
        read.port or PORTS.get(read.scheme, 0),
    )


def normalize_host(host: str) -> str:
    """Returns the host without brackets, with an IPv6 address in its canonical form."""
    inside = host.removeprefix("[").removesuffix("]")
    return str(IPv6Address(inside)) if ":" in inside else inside


PARSERS: dict[str, Callable[[str], Endpoint | None]] = {
    "WHATWG (ada)": whatwg_endpoint,
    "urllib3": urllib3_endpoint,
    "httpx": httpx_endpoint,
}
