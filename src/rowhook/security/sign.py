"""Computes the signature headers of a request.

`webhook-*` follows the Standard Webhooks specification 1.0; the `t=…,v1=…` header has the format of
Stripe.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from rowhook.model import Headers
from rowhook.verify import PREFIX, InvalidSecret, standard_key

SECRET_BYTES = 32
_MAX_WIRE_KEY = 200


def wire_key(key: str) -> str:
    """Returns the key to send: itself if 1–200 visible ASCII characters, else `sha256-<hex>`."""
    is_visible = key.isascii() and key.isprintable() and " " not in key
    if is_visible and 1 <= len(key) <= _MAX_WIRE_KEY:
        return key
    return f"sha256-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


def new_signing_secret(random: bytes) -> str:
    """Returns `whsec_` and the base64 of 32 random bytes. Raises ValueError for another length."""
    if len(random) != SECRET_BYTES:
        raise ValueError(f"A signing secret is made of {SECRET_BYTES} random bytes.")
    return PREFIX + b64encode(random).decode()


def _keyed_hmac(key: bytes) -> HMAC:
    # Copied for each body, so that the key is hashed once per webhook.
    return HMAC(key, SHA256())


def _digest(keyed: HMAC, data: bytes) -> bytes:
    copy = keyed.copy()
    copy.update(data)
    return copy.finalize()


class Signer:
    """Signs with one secret or, during a rotation, several, newest first.

    Raises InvalidSecret if there is no secret, or a malformed one.
    """

    def __init__(self, *, brand: str, secrets: Sequence[str]) -> None:
        if not secrets:
            raise InvalidSecret("The webhook has no valid signing secret. Rotate its secret.")
        self._name = f"X-{brand}-Signature"
        keys = [standard_key(secret) for secret in secrets]
        self._standard = [_keyed_hmac(key) for key in keys]
        self._secrets = [_keyed_hmac(secret.encode()) for secret in secrets]

    def headers(self, *, key: str, timestamp: int, body: bytes) -> Headers:
        """Returns the five signature headers; `timestamp` is in Unix seconds."""
        message_id = wire_key(key)
        time = str(timestamp)
        content = time.encode() + b"." + body
        standard_content = message_id.encode() + b"." + content
        signatures = [f"v1={_digest(keyed, content).hex()}" for keyed in self._secrets]
        standard = [
            f"v1,{b64encode(_digest(keyed, standard_content)).decode()}" for keyed in self._standard
        ]
        return (
            ("Idempotency-Key", message_id),
            (self._name, f"t={time},{','.join(signatures)}"),
            ("webhook-id", message_id),
            ("webhook-timestamp", time),
            ("webhook-signature", " ".join(standard)),
        )
