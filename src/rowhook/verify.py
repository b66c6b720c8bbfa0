"""For receivers: whether a request was signed with a webhook's secret, both ways, just now. Pure."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping

from rowhook.sign import standard_key

TOLERANCE_S = 300


class VerificationFailed(ValueError):
    """The request must not be trusted; the message says which check it failed."""


def verify(
    *, secret: str, headers: Mapping[str, str], body: bytes, now: float,
    tolerance_s: int = TOLERANCE_S, brand: str = "Roxels",
) -> None:  # fmt: skip
    """Checks `X-<Brand>-Signature` and `webhook-signature` over the raw body, in constant time.

    `now` is Unix seconds. Raises VerificationFailed for a header that is missing, a timestamp
    more than `tolerance_s` away, or a signature that does not match.
    """
    given = {name.lower(): value for name, value in headers.items()}
    _check_ours(given, f"x-{brand.lower()}-signature", secret, body, now, tolerance_s)
    _check_standard(given, secret, body, now, tolerance_s)


def _field(given: Mapping[str, str], name: str) -> str:
    if name not in given:
        raise VerificationFailed(f"the header {name} is missing")
    return given[name]


def _check_time(text: str, now: float, tolerance_s: int) -> None:
    if not (text.isascii() and text.isdigit()):
        raise VerificationFailed("the timestamp is not a number of seconds")
    if abs(now - int(text)) > tolerance_s:
        raise VerificationFailed(f"the timestamp is more than {tolerance_s} s away from now")


def _check_ours(
    given: Mapping[str, str], name: str, secret: str, body: bytes, now: float, tolerance_s: int
) -> None:
    parts = [part.partition("=") for part in _field(given, name).split(",")]
    at = next((value for key, _, value in parts if key == "t"), "")
    _check_time(at, now, tolerance_s)
    wanted = hmac.digest(secret.encode(), at.encode() + b"." + body, "sha256").hex()
    _match(wanted, [value for key, _, value in parts if key == "v1"], name)


def _check_standard(
    given: Mapping[str, str], secret: str, body: bytes, now: float, tolerance_s: int
) -> None:
    at = _field(given, "webhook-timestamp")
    _check_time(at, now, tolerance_s)
    signed = f"{_field(given, 'webhook-id')}.{at}.".encode() + body
    wanted = b64encode(hmac.digest(standard_key(secret), signed, "sha256")).decode()
    marks = [one.partition(",") for one in _field(given, "webhook-signature").split(" ")]
    _match(wanted, [mark for version, _, mark in marks if version == "v1"], "webhook-signature")


def _match(wanted: str, offered: list[str], name: str) -> None:
    # Every offer is compared: how long it takes tells nothing of which one was near.
    matches = [hmac.compare_digest(wanted.encode(), one.encode()) for one in offered]
    if not any(matches):
        raise VerificationFailed(f"no signature in {name} matches: wrong secret, or a changed body")
