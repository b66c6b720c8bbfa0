"""Encrypts ("seals") and decrypts ("opens") secrets with AES-256-GCM under the master keyring.

The associated data binds a ciphertext to its row. Messages never contain a key or a secret.

Sealed bytes: 1 byte n, the key id (n bytes of ASCII), a nonce (12 bytes), ciphertext and tag.
"""

from __future__ import annotations

import hmac
import os
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# Represents the organization of data that belongs to the whole installation.
NO_ORGANIZATION = UUID(int=0)
# The name of the sealed value with which each start checks the keyring.
KEYRING = "keyring"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class KeyringRejected(ValueError):
    """ROWHOOK_MASTER_KEYS is not valid; the message says how to correct it."""


class DecryptionFailed(ValueError):
    """Sealed bytes cannot be decrypted: wrong key, wrong row, or altered bytes."""


def signing_name(webhook: UUID) -> str:
    """Returns the name that the signing secrets of a webhook are sealed with."""
    return f"signing:{webhook}"


def response_name(caller: str, key: str, fingerprint: bytes) -> str:
    """Returns the name that a stored response is sealed with."""
    # All parts but the last have a fixed width, so that names are unambiguous.
    return f"answer:{fingerprint.hex()}:{caller}:{key}"


def generate_master_key() -> str:
    """Returns a new keyring entry: an id, a colon and the base64 of 32 random bytes."""
    return f"k{os.urandom(4).hex()}:{b64encode(os.urandom(_KEY_BYTES)).decode()}"


def _read_key(entry: str) -> tuple[str, bytes]:
    key_id, colon, text = entry.strip().partition(":")
    if not colon or _KEY_ID.fullmatch(key_id) is None:
        raise KeyringRejected(
            "Each key of ROWHOOK_MASTER_KEYS must be id:base64; the id has letters, digits and ._-."
        )
    try:
        key = b64decode(text, validate=True)
    except NotBase64:
        raise KeyringRejected(f"Key {key_id} of ROWHOOK_MASTER_KEYS is not base64.") from None
    if len(key) != _KEY_BYTES:
        raise KeyringRejected(
            f"Key {key_id} of ROWHOOK_MASTER_KEYS has {len(key)} bytes, but must have {_KEY_BYTES}."
            " Generate one with `openssl rand -base64 32`."
        )
    return key_id, key


def _key_prefix(key_id: str) -> bytes:
    """Returns the bytes that begin everything sealed with this key."""
    return bytes([len(key_id)]) + key_id.encode()


def _token_key(key: bytes) -> bytes:
    """Derives the key for tokens (HKDF, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=b"rowhook token").derive(key)


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")


def _associated_data(organization_id: UUID, name: str, version: int) -> bytes:
    # Fixed widths first, so that different triples never have the same bytes.
    return organization_id.bytes + version.to_bytes(8, "big") + name.encode()


class Keyring:
    """The master keys, newest first. The newest encrypts; each decrypts its own ciphertexts.

    Exactly the bytes sealed with the newest key begin with `newest_prefix`.
    """

    def __init__(self, text: str) -> None:
        entries = [_read_key(entry) for entry in text.split(",") if entry.strip()]
        if not entries:
            raise KeyringRejected(
                "ROWHOOK_MASTER_KEYS is empty. Set it to id:base64,…, newest first."
            )
        if len({key_id for key_id, _ in entries}) < len(entries):
            raise KeyringRejected("Two keys of ROWHOOK_MASTER_KEYS have the same id. Rename one.")
        self.newest_id = entries[0][0]
        self.newest_prefix = _key_prefix(self.newest_id)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in entries}
        self._tokens = {key_id: _token_key(key) for key_id, key in entries}

    def seal(self, plaintext: str, *, organization_id: UUID, name: str, version: int) -> bytes:
        """Encrypts a text; it opens only for the same organization, name and version."""
        nonce = os.urandom(_NONCE_BYTES)
        associated = _associated_data(organization_id, name, version)
        ciphertext = self._ciphers[self.newest_id].encrypt(nonce, plaintext.encode(), associated)
        return self.newest_prefix + nonce + ciphertext

    def open(self, sealed: bytes, *, organization_id: UUID, name: str, version: int) -> str:
        """Decrypts sealed bytes. Raises DecryptionFailed."""
        end = 1 + (sealed[0] if sealed else 0)
        key_id = sealed[1:end].decode("ascii", "replace")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            is_key_id = _KEY_ID.fullmatch(key_id) is not None
            raise DecryptionFailed(
                f"It was encrypted with key {key_id}, which is not in ROWHOOK_MASTER_KEYS."
                if is_key_id
                else "It was not encrypted by Rowhook."
            )
        nonce, ciphertext = sealed[end : end + _NONCE_BYTES], sealed[end + _NONCE_BYTES :]
        try:
            opened = cipher.decrypt(
                nonce, ciphertext, _associated_data(organization_id, name, version)
            )
        except (InvalidTag, ValueError):
            raise DecryptionFailed(
                f"Key {key_id} does not decrypt it. The key has changed, or the data has."
            ) from None
        return opened.decode()

    def mac(self, payload: bytes) -> tuple[str, bytes]:
        """Returns the newest key's id and its HMAC-SHA256 of a token's payload."""
        return self.newest_id, _mac(self._tokens[self.newest_id], payload)

    def verify_mac(self, key_id: str, payload: bytes, mac: bytes) -> bool:
        """Returns whether the MAC of a payload is valid under the key, in constant time."""
        key = self._tokens.get(key_id)
        return key is not None and hmac.compare_digest(_mac(key, payload), mac)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._ciphers)})"
