from __future__ import annotations

import hmac
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.security.sign import Signer, new_signing_secret
from rowhook.verify import VerificationFailed, verify

NEW = new_signing_secret(bytes(range(32)))
OTHER = new_signing_secret(b"x" * 32)
BODY = '{"city":"Zürich","ok":true}'.encode()


def signed(*secrets: str, at: int) -> dict[str, str]:
    signer = Signer(brand="Roxels", secrets=secrets)
    return dict(signer.headers(key="commit_1", timestamp=at, body=BODY))


def valid_header(at: str) -> str:
    """Returns a valid signature for any spelling of a timestamp."""
    digest = hmac.digest(NEW.encode(), at.encode() + b"." + BODY, "sha256")
    return f"t={at},v1={digest.hex()}"


FORGED = {
    "no signature of ours": ("X-Roxels-Signature", None),
    "a space after the comma": ("X-Roxels-Signature", f"t=1000, v1={'0' * 64}"),
    "no version": ("X-Roxels-Signature", "t=1000"),
    "no time": ("X-Roxels-Signature", f"v1={'0' * 64}"),
    "a wrong signature of ours": ("X-Roxels-Signature", f"t=1000,v1={'0' * 64}"),
    "no standard signature": ("webhook-signature", None),
    "a wrong standard signature": ("webhook-signature", "v1,AAAA"),
    "an empty standard signature": ("webhook-signature", ""),
    "a signature that is not ASCII": ("webhook-signature", "v1,é"),
    "no id": ("webhook-id", None),
    "another id": ("webhook-id", "commit_2"),
    "no timestamp": ("webhook-timestamp", None),
    "another timestamp": ("webhook-timestamp", "1001"),
    "a timestamp in words": ("webhook-timestamp", "now"),
    "an id that is not ASCII": ("webhook-id", "commit_é"),
    "an id that is not Unicode": ("webhook-id", "commit_\ud800"),
    "a signature that is not Unicode": ("webhook-signature", "v1,\ud800"),
    "a signature of ours that is not ASCII": ("X-Roxels-Signature", "t=1000,v1=é"),
    "a signature of ours that is not Unicode": ("X-Roxels-Signature", "t=1000,v1=\udfff"),
    "a time that is not ASCII": ("X-Roxels-Signature", valid_header("\u0661\u0660\u0660\u0660")),
    "a timestamp that is not Unicode": ("webhook-timestamp", "\ud800"),
    "a signature of ours from another second": ("X-Roxels-Signature", valid_header("1001")),
    "another spelling of the same second": ("X-Roxels-Signature", valid_header("01000")),
    "a second time": ("X-Roxels-Signature", valid_header("1000") + ",t=1001"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_header_is_rejected(name: str) -> None:
    header, value = FORGED[name]
    headers = signed(NEW, at=1000)
    del headers[header]
    if value is not None:
        headers[header] = value
    with pytest.raises(VerificationFailed):
        verify(secret=NEW, headers=headers, body=BODY, now=1000)


@pytest.mark.parametrize(
    ("now", "believed"), [(1300, True), (1300.5, False), (700, True), (699, False)]
)
def test_only_a_recent_request_is_valid(now: float, believed: bool) -> None:  # noqa: FBT001 - a table's column
    headers = signed(NEW, at=1000)
    if believed:
        verify(secret=NEW, headers=headers, body=BODY, now=now)
        return
    with pytest.raises(VerificationFailed, match="300 s"):
        verify(secret=NEW, headers=headers, body=BODY, now=now)


def test_header_names_are_read_in_any_case() -> None:
    shouted = {name.upper(): value for name, value in signed(NEW, at=5).items()}
    verify(secret=NEW, headers=shouted, body=BODY, now=5)


@pytest.mark.parametrize(
    "at", ["", "-5", "+5", "5.0", " 5", "5\n", "9" * 16, "9" * 400, "9" * 5000]
)
def test_an_invalid_timestamp_is_rejected(at: str) -> None:
    headers = {**signed(NEW, at=5), "X-Roxels-Signature": valid_header(at), "webhook-timestamp": at}
    with pytest.raises(VerificationFailed, match="not a number of seconds"):
        verify(secret=NEW, headers=headers, body=BODY, now=5)


@pytest.mark.parametrize("now", [math.nan, math.inf, -math.inf])
def test_a_clock_without_a_number_rejects_everything(now: float) -> None:
    with pytest.raises(VerificationFailed):
        verify(secret=NEW, headers=signed(NEW, at=5), body=BODY, now=now)


def test_valid_signatures_of_different_timestamps_are_rejected() -> None:
    early, late = signed(NEW, at=1000), signed(NEW, at=1001)
    mixed = {**late, "X-Roxels-Signature": early["X-Roxels-Signature"]}
    with pytest.raises(VerificationFailed, match="differ"):
        verify(secret=NEW, headers=mixed, body=BODY, now=1000)


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_%%", "plain", "whsec_AAA", "whsec_\ud800", f"{NEW}\n", "whsec_AAAA", "é"],
)
def test_a_malformed_secret_raises_an_error_with_advice(secret: str) -> None:
    with pytest.raises(VerificationFailed, match="Copy the complete whsec_"):
        verify(secret=secret, headers=signed(NEW, at=5), body=BODY, now=5)


@given(
    secret=st.one_of(st.just(OTHER), st.text(), st.text().map("whsec_{}".format)),
    headers=st.fixed_dictionaries(
        {},
        optional={
            "x-roxels-signature": st.one_of(st.text(), st.text().map("t=1000,v1={}".format)),
            "webhook-id": st.text(),
            "webhook-timestamp": st.one_of(st.just("1000"), st.text()),
            "webhook-signature": st.one_of(st.text(), st.text().map("v1,{}".format)),
        },
    ),
)
def test_any_text_only_raises_a_verification_error(secret: str, headers: dict[str, str]) -> None:
    with pytest.raises(VerificationFailed):
        verify(secret=secret, headers=headers, body=BODY, now=1000)
