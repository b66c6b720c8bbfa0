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
LEAST_SECRET_BYTES = 24
_SECRET = re.compile(r"whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)")
_REMEDY = (
    f"Copy the complete {PREFIX}… value that was displayed at creation or rotation, without "
    "spaces or line breaks, or rotate the secret of the webhook."
)
_WIRE_KEY = re.compile(r"[\x21-\x7e]{1,200}")


class InvalidSecret(ValueError):
    """A signing secret that cannot sign; the message says why and what to do, never the secret."""


def wire_key(key: str) -> str:
    """The key as it is sent: 1–200 visible ASCII characters, else `sha256-<hex>` of its UTF-8."""
    if _WIRE_KEY.fullmatch(key):
        return key
    return f"sha256-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


def new_signing_secret(random: bytes) -> str:
    """`whsec_` and the base64 of 32 random bytes. Raises ValueError for another length."""
    if len(random) != SECRET_BYTES:
        raise ValueError(f"A signing secret is made of {SECRET_BYTES} random bytes.")
    return PREFIX + b64encode(random).decode()


def standard_key(secret: str) -> bytes:
    """The bytes that Standard Webhooks signs with: what stands behind `whsec_`, base64-decoded.

    Raises InvalidSecret, never with the secret in it, for anything but `whsec_` and the padded
    base64 of at least 24 bytes (Standard Webhooks 1.0: 24 to 64).
    """
    # Matched whole, so that decoding cannot fail: its errors would hold the secret.
    found = _SECRET.fullmatch(secret)
    if found is None:
        raise InvalidSecret(f"The signing secret is malformed: {_fault(secret)}. {_REMEDY}")
    key = b64decode(found[1])
    if len(key) < LEAST_SECRET_BYTES:
        raise InvalidSecret(
            f"The signing secret is too short: it has {len(key)} bytes after {PREFIX}, "
            f"but needs at least {LEAST_SECRET_BYTES}. {_REMEDY}"
        )
    return key


def _fault(secret: str) -> str:
    if not secret.startswith(PREFIX):
        return f"it does not begin with {PREFIX}"
    return f"the part after {PREFIX} is not padded base64"


def _keyed(key: bytes) -> hmac.HMAC:
    # Copied for each body: the key is hashed once for a webhook, not twice for a delivery.
    return hmac.new(key, digestmod=hashlib.sha256)


def _digest(keyed: hmac.HMAC, data: bytes) -> bytes:
    one = keyed.copy()
    one.update(data)
    return one.digest()


class Signer:
    """Signs with one or, during a rotation, several secrets, newest first.

    Raises InvalidSecret, saying what to do, for no secrets and for a malformed one.
    """

    def __init__(self, *, brand: str, secrets: Sequence[str]) -> None:
        if not secrets:
            raise InvalidSecret("The webhook has no valid signing secret. Rotate its secret.")
        self._name = f"X-{brand}-Signature"
        keys = [standard_key(secret) for secret in secrets]
        self._standard = [_keyed(key) for key in keys]
        self._secrets = [_keyed(secret.encode()) for secret in secrets]

    def headers(self, *, key: str, timestamp: int, body: bytes) -> Headers:
        """The five headers of CONTRACT §4; `timestamp` in Unix seconds, no body is `b""`."""
        sent = wire_key(key)
        at = str(timestamp)
        ours = at.encode() + b"." + body
        theirs = sent.encode() + b"." + ours
        marks = [_digest(keyed, ours).hex() for keyed in self._secrets]
        standard = [_digest(keyed, theirs) for keyed in self._standard]
        return (
            ("Idempotency-Key", sent),
            (self._name, f"t={at}," + ",".join(f"v1={mark}" for mark in marks)),
            ("webhook-id", sent),
            ("webhook-timestamp", at),
            ("webhook-signature", " ".join(f"v1,{b64encode(one).decode()}" for one in standard)),
        )
