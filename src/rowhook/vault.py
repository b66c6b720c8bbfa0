"""Seals and opens secrets: AES-256-GCM under a keyring, bound to the row they stand in.

Pure but for the nonce. It never shows a key or a secret in a message.

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

# What belongs to the installation is sealed as no organization's.
NOBODY = UUID(int=0)
# The word that every start opens is sealed under this name.
KEYRING = "keyring"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class KeyringRejected(ValueError):
    """ROWHOOK_MASTER_KEYS cannot be used; the message says what to write."""


class SealBroken(ValueError):
    """Sealed bytes do not open: another key, another row, or changed bytes."""


def generate_master_key() -> str:
    """A new entry for the keyring, `id:base64` of 32 random bytes."""
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


def _mark(key_id: str) -> bytes:
    """What everything that this key sealed begins with."""
    return bytes([len(key_id)]) + key_id.encode()


def _derived(key: bytes) -> bytes:
    """A key of its own for each use (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=b"rowhook token").derive(key)


def _marked(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")


def _associated(organization_id: UUID, name: str, version: int) -> bytes:
    # Fixed widths first, so that no two triples read the same.
    return organization_id.bytes + version.to_bytes(8, "big") + name.encode()


class Keyring:
    """The master keys, newest first: the newest seals, each opens what it sealed.

    All that the newest sealed begins with `newest_mark`, and nothing else does.
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
        self.newest_mark = _mark(self.newest_id)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in entries}
        self._tokens = {key_id: _derived(key) for key_id, key in entries}

    def seal(self, plaintext: str, *, organization_id: UUID, name: str, version: int) -> bytes:
        """Ciphertext that opens for the same organization, name and version alone."""
        nonce = os.urandom(_NONCE_BYTES)
        bound = _associated(organization_id, name, version)
        ciphertext = self._ciphers[self.newest_id].encrypt(nonce, plaintext.encode(), bound)
        return self.newest_mark + nonce + ciphertext

    def open(self, sealed: bytes, *, organization_id: UUID, name: str, version: int) -> str:
        """The plaintext. Raises SealBroken."""
        end = 1 + (sealed[0] if sealed else 0)
        key_id = sealed[1:end].decode("ascii", "replace")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            known = _KEY_ID.fullmatch(key_id) is not None
            raise SealBroken(
                f"It was encrypted with key {key_id}, which is not in ROWHOOK_MASTER_KEYS."
                if known
                else "It was not encrypted by Rowhook."
            )
        nonce, ciphertext = sealed[end : end + _NONCE_BYTES], sealed[end + _NONCE_BYTES :]
        try:
            opened = cipher.decrypt(nonce, ciphertext, _associated(organization_id, name, version))
        except (InvalidTag, ValueError):
            raise SealBroken(
                f"Key {key_id} does not decrypt it. The key has changed, or the data has."
            ) from None
        return opened.decode()

    def mark(self, payload: bytes) -> tuple[str, bytes]:
        """The newest key's id, and its HMAC-SHA256 of a payload that we hand out and get back."""
        return self.newest_id, _marked(self._tokens[self.newest_id], payload)

    def bears_mark(self, key_id: str, payload: bytes, mark: bytes) -> bool:
        """Whether a payload was marked by one of these keys; in constant time."""
        key = self._tokens.get(key_id)
        return key is not None and hmac.compare_digest(_marked(key, payload), mark)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._ciphers)})"
