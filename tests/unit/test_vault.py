from __future__ import annotations

import base64
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.security.vault import DecryptionFailed, Keyring, KeyringRejected, generate_master_key

FIRST = "k1:" + base64.b64encode(b"a" * 32).decode()
SECOND = "k2:" + base64.b64encode(b"b" * 32).decode()
IMPOSTOR = "k1:" + base64.b64encode(b"c" * 32).decode()
PLACE: dict[str, Any] = {"organization_id": UUID(int=7), "name": "stripe-key", "version": 3}
CANARY = "canary-6f1e-secret"


@given(
    plaintext=st.text(st.characters(exclude_categories=["Cs"])),
    organization=st.uuids(),
    name=st.text(st.characters(exclude_categories=["Cs"])),
    version=st.integers(0, 2**63 - 1),
)
def test_a_sealed_secret_can_be_opened_in_its_row(
    plaintext: str, organization: UUID, name: str, version: int
) -> None:
    ring = Keyring(FIRST)
    sealed = ring.seal(plaintext, organization_id=organization, name=name, version=version)
    opened = ring.open(sealed, organization_id=organization, name=name, version=version)
    assert opened == plaintext


@pytest.mark.parametrize(
    "moved",
    [
        {"organization_id": UUID(int=8)},
        {"name": "stripe-key2"},
        {"name": "stripe-ke"},
        {"name": "signing:stripe-key"},
        {"version": 4},
        {"version": 0},
    ],
)
def test_a_secret_moved_to_another_row_cannot_be_opened(moved: dict[str, Any]) -> None:
    ring = Keyring(FIRST)
    sealed = ring.seal(CANARY, **PLACE)
    with pytest.raises(DecryptionFailed, match="Key k1 does not decrypt it"):
        ring.open(sealed, **{**PLACE, **moved})


@given(st.data())
def test_a_flipped_bit_prevents_opening_and_discloses_nothing(data: st.DataObject) -> None:
    ring = Keyring(f"{FIRST},{SECOND}")
    sealed = bytearray(ring.seal(CANARY, **PLACE))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DecryptionFailed) as broken:
        ring.open(bytes(sealed), **PLACE)
    assert CANARY not in str(broken.value)


@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_rejected(rubbish: bytes) -> None:
    with pytest.raises(DecryptionFailed):
        Keyring(FIRST).open(rubbish, **PLACE)


def test_a_truncated_secret_is_rejected_at_every_length() -> None:
    ring = Keyring(FIRST)
    sealed = ring.seal(CANARY, **PLACE)
    for length in range(len(sealed)):
        with pytest.raises(DecryptionFailed):
            ring.open(sealed[:length], **PLACE)


def test_another_key_with_the_same_id_cannot_open_a_secret() -> None:
    sealed = Keyring(FIRST).seal(CANARY, **PLACE)
    with pytest.raises(DecryptionFailed, match="The key has changed"):
        Keyring(IMPOSTOR).open(sealed, **PLACE)


def test_a_missing_key_is_named() -> None:
    sealed = Keyring(FIRST).seal(CANARY, **PLACE)
    with pytest.raises(DecryptionFailed, match="key k1, which is not in ROWHOOK_MASTER_KEYS"):
        Keyring(SECOND).open(sealed, **PLACE)


def test_the_newest_key_seals_and_older_keys_still_open() -> None:
    sealed = Keyring(FIRST).seal(CANARY, **PLACE)
    rotated = Keyring(f" {SECOND} , {FIRST} ")
    assert rotated.newest_id == "k2"
    assert rotated.open(sealed, **PLACE) == CANARY
    assert rotated.seal(CANARY, **PLACE)[:3] == b"\x02k2"


def test_the_layout_is_id_length_id_nonce_ciphertext() -> None:
    sealed = Keyring(FIRST).seal(CANARY, **PLACE)
    assert sealed[:3] == b"\x02k1"
    assert len(sealed) == 1 + 2 + 12 + len(CANARY) + 16


def test_a_secret_sealed_twice_has_different_ciphertexts() -> None:
    ring = Keyring(FIRST)
    assert ring.seal(CANARY, **PLACE) != ring.seal(CANARY, **PLACE)


REJECTED = {
    "": "is empty. Set it to id:base64",
    " , ": "is empty. Set it to id:base64",
    base64.b64encode(b"a" * 32).decode(): "must be id:base64",
    f":{FIRST[3:]}": "must be id:base64",
    f"{FIRST},bad id:{FIRST[3:]}": "must be id:base64",
    "k1:%%%": "Key k1 of ROWHOOK_MASTER_KEYS is not base64",
    "k1:" + base64.b64encode(b"a" * 32).decode().rstrip("="): "is not base64",
    "k1:" + base64.b64encode(b"a" * 16).decode(): "has 16 bytes, but must have 32",
    "k1:": "has 0 bytes, but must have 32",
    f"{FIRST},{IMPOSTOR}": "Two keys of ROWHOOK_MASTER_KEYS have the same id",
}


@pytest.mark.parametrize("text", REJECTED)
def test_an_invalid_keyring_setting_has_advice_and_discloses_no_key(text: str) -> None:
    with pytest.raises(KeyringRejected, match=REJECTED[text]) as refused:
        Keyring(text)
    assert FIRST[3:20] not in str(refused.value)


def test_generated_keys_are_valid_and_unique() -> None:
    first, second = generate_master_key(), generate_master_key()
    assert first != second
    ring = Keyring(f"{first},{second}")
    place: dict[str, Any] = {"organization_id": uuid4(), "name": "signing:1", "version": 1}
    assert ring.open(ring.seal("x", **place), **place) == "x"


def test_the_repr_of_a_keyring_contains_no_keys() -> None:
    displayed = f"{Keyring(FIRST)!r} {Keyring(FIRST)}"
    assert FIRST[3:] not in displayed
    assert "k1" in displayed
