"""Verifies the signatures of a request, for use by receivers.

One file that needs only the standard library of Python 3.8 or later, to be copied.
The checks and messages are the same as in `verify.mjs`.
"""

from __future__ import annotations

import hmac
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping

TOLERANCE_S = 300
PREFIX = "whsec_"
_MIN_SECRET_BYTES = 24
_SECRET = re.compile(r"whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)")
_REMEDY = (
    f"Copy the complete {PREFIX}… value that was displayed at creation or rotation, without "
    "spaces or line breaks, or rotate the secret of the webhook."
)
# More digits would overflow the comparison with a float.
_SECONDS = re.compile(r"[0-9]{1,15}")


class VerificationFailed(ValueError):
    """A request is not authentic; the message says which check failed."""


class InvalidSecret(ValueError):
    """A signing secret is not valid; the message never contains it."""


def verify(
    *,
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    now: float | None = None,
    tolerance_s: int = TOLERANCE_S,
    brand: str = "Roxels",
) -> None:
    """Verifies `X-<Brand>-Signature` and `webhook-signature` over the raw body, in constant time.

    `now` is in Unix seconds; by default the clock's. Raises VerificationFailed for a malformed
    secret, a header that is missing or not ASCII, a timestamp more than `tolerance_s` seconds away,
    different timestamps in the two signatures, or a signature that does not match.
    """
    key = _key(secret)
    fields = {name.lower(): value for name, value in headers.items()}
    name = f"x-{brand.lower()}-signature"
    timestamp, signatures = _parse(_field(fields, name), name)
    if timestamp != _field(fields, "webhook-timestamp"):
        raise VerificationFailed(f"The timestamps in {name} and webhook-timestamp differ.")
    _check_time(timestamp, time.time() if now is None else now, tolerance_s)
    content = timestamp.encode() + b"." + body
    _match(hmac.digest(secret.encode(), content, "sha256").hex(), signatures, name)
    _check_standard(fields, key, content)


def standard_key(secret: str) -> bytes:
    """Returns the key of Standard Webhooks: the base64-decoded part after `whsec_`.

    Raises InvalidSecret unless the secret is `whsec_` and the padded base64 of at least 24 bytes
    (Standard Webhooks 1.0: 24 to 64).
    """
    # A full match, so that decoding cannot fail: its error would contain the secret.
    match = _SECRET.fullmatch(secret)
    if match is None:
        raise InvalidSecret(f"The signing secret is malformed: {_defect(secret)}. {_REMEDY}")
    key = b64decode(match[1])
    if len(key) < _MIN_SECRET_BYTES:
        raise InvalidSecret(
            f"The signing secret is too short: it has {len(key)} bytes after {PREFIX}, "
            f"but needs at least {_MIN_SECRET_BYTES}. {_REMEDY}"
        )
    return key


def _defect(secret: str) -> str:
    if not secret.startswith(PREFIX):
        return f"it does not begin with {PREFIX}"
    return f"the part after {PREFIX} is not padded base64"


def _key(secret: str) -> bytes:
    try:
        return standard_key(secret)
    except ValueError as error:
        raise VerificationFailed(str(error)) from error


def _field(fields: Mapping[str, str], name: str) -> str:
    if name not in fields:
        raise VerificationFailed(f"The header {name} is missing.")
    if not fields[name].isascii():
        raise VerificationFailed(f"The header {name} is not ASCII. It was changed in transit.")
    return fields[name]


def _parse(header: str, name: str) -> tuple[str, list[str]]:
    """Returns the timestamp and the `v1` signatures of `t=…,v1=…`."""
    parts = [part.partition("=") for part in header.split(",")]
    times = [value for key, _, value in parts if key == "t"]
    if len(times) != 1:
        raise VerificationFailed(f"{name} must have one timestamp, t=…, but has {len(times)}.")
    return times[0], [value for key, _, value in parts if key == "v1"]


def _check_time(text: str, now: float, tolerance_s: int) -> None:
    if not _SECONDS.fullmatch(text):
        raise VerificationFailed("The timestamp is not a number of seconds.")
    # Written this way, the comparison also fails if `now` is NaN.
    if not abs(now - int(text)) <= tolerance_s:
        raise VerificationFailed(f"The timestamp is more than {tolerance_s} s away from now.")


def _check_standard(fields: Mapping[str, str], key: bytes, content: bytes) -> None:
    standard_content = _field(fields, "webhook-id").encode() + b"." + content
    expected = b64encode(hmac.digest(key, standard_content, "sha256")).decode()
    parts = [part.partition(",") for part in _field(fields, "webhook-signature").split(" ")]
    _match(expected, [value for version, _, value in parts if version == "v1"], "webhook-signature")


def _match(expected: str, signatures: list[str], name: str) -> None:
    # All are compared, so that the time does not reveal which one matches.
    matches = [hmac.compare_digest(expected.encode(), value.encode()) for value in signatures]
    if not any(matches):
        raise VerificationFailed(
            f"No signature in {name} matches. The secret is wrong, or the body was changed."
        )
