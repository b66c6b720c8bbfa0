"""Secrets, key, time and bytes become headers: both signatures of one request. Pure.

Sources: the Standard Webhooks specification 1.0 for `webhook-*`; the `t=…,v1=…` form is the one
that Stripe's verifiers read.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence

from rowhook.delivery import Headers

PREFIX = "whsec_"
SECRET_BYTES = 32
_WIRE_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def wire_key(key: str) -> str:
    """The key as it is sent: 1–200 visible ASCII characters, else `sha256-<hex>` of its UTF-8."""
    if _WIRE_KEY.fullmatch(key):
        return key
    return f"sha256-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


def new_signing_secret(random: bytes) -> str:
    """`whsec_` and the base64 of 32 random bytes. Raises ValueError for another length."""
    if len(random) != SECRET_BYTES:
        raise ValueError(f"a signing secret is made of {SECRET_BYTES} random bytes")
    return PREFIX + b64encode(random).decode()


def standard_key(secret: str) -> bytes:
    """The bytes that Standard Webhooks signs with: what stands behind `whsec_`, base64-decoded."""
    return b64decode(secret.removeprefix(PREFIX), validate=True)


class Signer:
    """Signs with one or, during a rotation, several secrets, newest first."""

    def __init__(self, *, brand: str, secrets: Sequence[str]) -> None:
        self._name = f"X-{brand}-Signature"
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._standard = tuple(standard_key(secret) for secret in secrets)

    def headers(self, *, key: str, timestamp: int, body: bytes) -> Headers:
        """The five headers of CONTRACT §4; `timestamp` in Unix seconds, no body is `b""`."""
        sent = wire_key(key)
        at = str(timestamp)
        ours = at.encode() + b"." + body
        theirs = sent.encode() + b"." + ours
        marks = [hmac.digest(secret, ours, "sha256").hex() for secret in self._secrets]
        standard = [hmac.digest(secret, theirs, "sha256") for secret in self._standard]
        return (
            ("Idempotency-Key", sent),
            (self._name, f"t={at}," + ",".join(f"v1={mark}" for mark in marks)),
            ("webhook-id", sent),
            ("webhook-timestamp", at),
            ("webhook-signature", " ".join(f"v1,{b64encode(one).decode()}" for one in standard)),
        )
