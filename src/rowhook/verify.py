"""For receivers: whether a request was signed with a webhook's secret, both ways, now. Pure."""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping

from rowhook.sign import standard_key

TOLERANCE_S = 300
# More digits than any clock shows would overflow the comparison with one.
_SECONDS = re.compile(r"[0-9]{1,15}")


class VerificationFailed(ValueError):
    """The request must not be trusted; the message says which check it failed."""


def verify(
    *,
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    now: float,
    tolerance_s: int = TOLERANCE_S,
    brand: str = "Roxels",
) -> None:
    """Checks `X-<Brand>-Signature` and `webhook-signature` over the raw body, in constant time.

    `now` is Unix seconds. Raises VerificationFailed, and nothing else, for a malformed secret, a
    header that is missing or not ASCII, a timestamp more than `tolerance_s` away, two signatures
    of different timestamps, or a signature that does not match.
    """
    key = _key(secret)
    given = {name.lower(): value for name, value in headers.items()}
    ours = f"x-{brand.lower()}-signature"
    at, marks = _parts(_field(given, ours), ours)
    if at != _field(given, "webhook-timestamp"):
        raise VerificationFailed(f"The timestamps in {ours} and webhook-timestamp differ.")
    _check_time(at, now, tolerance_s)
    signed = at.encode() + b"." + body
    _match(hmac.digest(secret.encode(), signed, "sha256").hex(), marks, ours)
    _check_standard(given, key, signed)


def _key(secret: str) -> bytes:
    try:
        return standard_key(secret)
    except ValueError as error:
        raise VerificationFailed(str(error)) from error


def _field(given: Mapping[str, str], name: str) -> str:
    if name not in given:
        raise VerificationFailed(f"The header {name} is missing.")
    if not given[name].isascii():
        raise VerificationFailed(f"The header {name} is not ASCII. It was changed in transit.")
    return given[name]


def _parts(header: str, name: str) -> tuple[str, list[str]]:
    """The one timestamp and the `v1` signatures of `t=…,v1=…`."""
    parts = [part.partition("=") for part in header.split(",")]
    times = [value for key, _, value in parts if key == "t"]
    if len(times) != 1:
        raise VerificationFailed(f"{name} must have one timestamp, t=…, but has {len(times)}.")
    return times[0], [value for key, _, value in parts if key == "v1"]


def _check_time(text: str, now: float, tolerance_s: int) -> None:
    if not _SECONDS.fullmatch(text):
        raise VerificationFailed("The timestamp is not a number of seconds.")
    # Said this way round, a clock that is not a number is refused too.
    if not abs(now - int(text)) <= tolerance_s:
        raise VerificationFailed(f"The timestamp is more than {tolerance_s} s away from now.")


def _check_standard(given: Mapping[str, str], key: bytes, signed: bytes) -> None:
    whole = _field(given, "webhook-id").encode() + b"." + signed
    wanted = b64encode(hmac.digest(key, whole, "sha256")).decode()
    marks = [one.partition(",") for one in _field(given, "webhook-signature").split(" ")]
    _match(wanted, [mark for version, _, mark in marks if version == "v1"], "webhook-signature")


def _match(wanted: str, offered: list[str], name: str) -> None:
    # Every offer is compared: how long it takes tells nothing of which one was near.
    matches = [hmac.compare_digest(wanted.encode(), one.encode()) for one in offered]
    if not any(matches):
        raise VerificationFailed(
            f"No signature in {name} matches. The secret is wrong, or the body was changed."
        )
