from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable

import pytest
import standardwebhooks
import stripe
import svix
from hypothesis import given
from hypothesis import strategies as st

from rowhook.security.sign import Signer, new_signing_secret, wire_key
from rowhook.verify import InvalidSecret, VerificationFailed, verify

NEW = new_signing_secret(bytes(range(32)))
OLD = new_signing_secret(bytes(range(32, 64)))
OTHER = new_signing_secret(b"x" * 32)
BODY = '{"city":"Zürich","ok":true}'.encode()


def signed(
    *secrets: str, body: bytes = BODY, at: int | None = None, brand: str = "Roxels"
) -> dict[str, str]:
    at = int(time.time()) if at is None else at
    signer = Signer(brand=brand, secrets=secrets)
    return dict(signer.headers(key="commit_1", timestamp=at, body=body))


def verified_by_standardwebhooks(secret: str, headers: dict[str, str], body: bytes) -> None:
    standardwebhooks.Webhook(secret).verify(body, headers, json_parse=False)


def verified_by_svix(secret: str, headers: dict[str, str], body: bytes) -> None:
    svix.Webhook(secret).verify(body, headers)


def verified_by_stripe(secret: str, headers: dict[str, str], body: bytes) -> None:
    header = headers["X-Roxels-Signature"]
    stripe.WebhookSignature.verify_header(body, header, secret, tolerance=300)


def verified_by_rowhook(secret: str, headers: dict[str, str], body: bytes) -> None:
    verify(secret=secret, headers=headers, body=body, now=time.time())


RECEIVERS = [
    verified_by_standardwebhooks,
    verified_by_svix,
    verified_by_stripe,
    verified_by_rowhook,
]
Receiver = Callable[[str, dict[str, str], bytes], None]


@pytest.mark.parametrize("receiver", RECEIVERS)
@pytest.mark.parametrize("secrets", [(NEW,), (NEW, OLD), (OLD, NEW), (OTHER, OLD, NEW)])
def test_each_receiver_accepts_any_live_secret(
    receiver: Receiver, secrets: tuple[str, ...]
) -> None:
    headers = signed(*secrets)
    for secret in secrets:
        receiver(secret, headers, BODY)


@pytest.mark.parametrize("receiver", RECEIVERS)
@pytest.mark.parametrize(("secret", "body"), [(OTHER, BODY), (NEW, BODY.replace(b"true", b"null"))])
def test_every_receiver_rejects_another_secret_or_a_changed_body(
    receiver: Receiver, secret: str, body: bytes
) -> None:
    refusals = (
        standardwebhooks.WebhookVerificationError,
        svix.webhooks.WebhookVerificationError,
        stripe.SignatureVerificationError,
        VerificationFailed,
    )
    with pytest.raises(refusals):
        receiver(secret, signed(NEW, OLD), body)


def test_the_signature_headers_are_the_documented_ones() -> None:
    headers = signed(NEW, OLD, at=1_700_000_000)

    def hex_signature(secret: str) -> str:
        return hmac.new(secret.encode(), b"1700000000." + BODY, hashlib.sha256).hexdigest()

    def base64_signature(secret: str) -> str:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.new(key, b"commit_1.1700000000." + BODY, hashlib.sha256).digest()
        return "v1," + base64.b64encode(digest).decode()

    assert headers == {
        "Idempotency-Key": "commit_1",
        "X-Roxels-Signature": f"t=1700000000,v1={hex_signature(NEW)},v1={hex_signature(OLD)}",
        "webhook-id": "commit_1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": f"{base64_signature(NEW)} {base64_signature(OLD)}",
    }


def test_a_brand_has_its_own_signature_header() -> None:
    headers = signed(NEW, brand="Acme")
    assert "X-Acme-Signature" in headers
    verify(secret=NEW, headers=headers, body=BODY, now=time.time(), brand="Acme")


def test_without_a_body_empty_bytes_are_signed() -> None:
    verify(secret=NEW, headers=signed(NEW, body=b"", at=100), body=b"", now=100)


@given(body=st.binary(), key=st.text(min_size=1), at=st.integers(0, 10**11))
def test_any_bytes_and_key_can_be_signed_and_verified(body: bytes, key: str, at: int) -> None:
    signer = Signer(brand="Roxels", secrets=[NEW])
    headers = dict(signer.headers(key=key, timestamp=at, body=body))
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    verify(secret=NEW, headers=headers, body=body, now=at)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("commit_1", "commit_1"),
        ("~" * 200, "~" * 200),
        ("job:17:3", "job:17:3"),
        *(
            (key, "sha256-" + hashlib.sha256(key.encode()).hexdigest())
            for key in ("", "a" * 201, "a b", "a\n", "a\r\nX: y", "é", "\x7f", "\t", "a\x00")
        ),
        ("\ud800", "sha256-" + hashlib.sha256(b"\xed\xa0\x80").hexdigest()),
    ],
)
def test_a_key_that_does_not_fit_into_a_header_is_sent_as_its_hash(key: str, expected: str) -> None:
    assert wire_key(key) == expected


def test_a_signing_secret_is_32_bytes_in_base64() -> None:
    assert new_signing_secret(bytes(32)) == "whsec_" + "A" * 43 + "="
    with pytest.raises(ValueError, match="32 random bytes"):
        new_signing_secret(bytes(24))


MALFORMED = {
    "empty": ("", "does not begin with whsec_"),
    "without its prefix": (NEW.removeprefix("whsec_"), "does not begin with whsec_"),
    "another prefix": (NEW.replace("whsec_", "WHSEC_"), "does not begin with whsec_"),
    "a space before": (f" {NEW}", "does not begin with whsec_"),
    "a prefix alone": ("whsec_", "0 bytes"),
    "23 bytes": ("whsec_" + base64.b64encode(bytes(23)).decode(), "23 bytes"),
    "a line break behind": (f"{NEW}\n", "not padded base64"),
    "no padding": (NEW.rstrip("="), "not padded base64"),
    "too much padding": (f"{NEW}=", "not padded base64"),
    "padding within": ("whsec_AA==" + NEW.removeprefix("whsec_"), "not padded base64"),
    "one character more": ("whsec_" + "A" * 41, "not padded base64"),
    "base64 for URLs": ("whsec_" + "-_" * 22, "not padded base64"),
    "two prefixes": (f"whsec_{NEW}", "not padded base64"),
    "not ASCII": ("whsec_" + "é" * 44, "not padded base64"),
    "digits that are not ASCII": ("whsec_" + "\u0663" * 44, "not padded base64"),
    "a lone surrogate": ("whsec_" + "\ud800" * 44, "not padded base64"),
    "a NUL": ("whsec_" + "A" * 43 + "\x00", "not padded base64"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_secret_is_rejected_with_advice_and_not_disclosed(name: str) -> None:
    secret, fault = MALFORMED[name]
    for secrets in ([secret], [NEW, secret]):
        with pytest.raises(ValueError, match=f"{fault}.*Copy the complete whsec_") as refused:
            Signer(brand="Roxels", secrets=secrets)
        assert type(refused.value) is InvalidSecret
        assert refused.value.__context__ is None
        assert len(secret) <= len("whsec_") or secret.strip() not in str(refused.value)


def test_signing_without_a_secret_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no valid signing secret.*Rotate"):
        Signer(brand="Roxels", secrets=[])


@pytest.mark.parametrize("size", [24, 25, 26, 32, 64])
def test_a_secret_of_24_bytes_or_more_signs(size: int) -> None:
    secret = "whsec_" + base64.b64encode(bytes(range(size))).decode()
    headers = signed(secret)
    for receiver in RECEIVERS:
        receiver(secret, headers, BODY)


def test_a_signer_keeps_no_state_between_bodies() -> None:
    signer = Signer(brand="Roxels", secrets=[NEW, OLD])
    first = signer.headers(key="commit_1", timestamp=1000, body=BODY)
    signer.headers(key="commit_2", timestamp=1001, body=b"another")
    assert signer.headers(key="commit_1", timestamp=1000, body=BODY) == first
    assert dict(first) == signed(NEW, OLD, at=1000)
