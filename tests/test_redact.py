from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.redact import Redactor

SECRET = "p@ss/w\"ö\\rd <&'+=> 1"
RAW = SECRET.encode()


ENCODINGS = {
    "raw": SECRET,
    "JSON, ASCII": json.dumps(SECRET)[1:-1],
    "JSON, Unicode": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "JSON with escaped slashes": json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    "percent": quote(SECRET),
    "percent, all reserved": quote(SECRET, safe=""),
    "percent, lower hex": quote(SECRET, safe="").lower(),
    "percent, form": quote_plus(SECRET),
    "percent, every byte": "".join(f"%{one:02X}" for one in RAW),
    "percent, every byte, lower": "".join(f"%{one:02x}" for one in RAW),
    "base64": base64.b64encode(RAW).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(RAW).decode(),
    "hex": RAW.hex(),
    "HEX": RAW.hex().upper(),
    "HTML": html.escape(SECRET),
    "XML": html.escape(SECRET, quote=False),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_secret_is_hidden_in_each_encoding(name: str) -> None:
    text = f"before {ENCODINGS[name]} after {ENCODINGS[name]}"
    hidden = Redactor([("db", SECRET)]).text(text)
    assert hidden == "before [secret:db] after [secret:db]"


@pytest.mark.parametrize("before", ["", "u", "us", "usr", "user", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
def test_a_secret_inside_a_longer_base64_text_is_hidden(before: str, after: str) -> None:
    token = "tok_5Gx9qkYh2"
    text = base64.b64encode(f"{before}{token}{after}".encode()).decode()
    hidden = Redactor([("t", token)]).text(f"Basic {text}")
    assert "[secret:t]" in hidden
    assert token[1:-1].encode() not in base64.b64decode(text) or text[4:-4] not in hidden


def test_one_secret_in_another_leaves_nothing_of_the_longer() -> None:
    redactor = Redactor([("short", "abcd"), ("long", "xxabcdyy")])
    assert redactor.text("1 xxabcdyy 2 abcd") == "1 [secret:long] 2 [secret:short]"


def test_a_secret_that_reads_like_a_label_does_not_spoil_the_replacement() -> None:
    assert Redactor([("a", "hunter22"), ("b", "secret")]).text("hunter22") == "[secret:a]"


def test_values_shorter_than_four_characters_are_left_alone() -> None:
    assert Redactor([("pin", "123"), ("empty", "")]).text("12345") == "12345"


def test_an_empty_text_and_no_secrets_cost_nothing() -> None:
    redactor = Redactor([("a", "hunter22")])
    assert redactor.text("") == ""
    assert Redactor([]).text("hunter22") == "hunter22"


@given(
    value=st.text(st.characters(exclude_categories=["Cs"]), min_size=4),
    before=st.text(st.characters(exclude_categories=["Cs"])),
    after=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_no_secret_survives_in_any_document(value: str, before: str, after: str) -> None:
    redactor = Redactor([("s", value)])
    for text in (
        f"{before}{value}{after}",
        json.dumps({"echo": f"{before}{value}{after}"}),
        quote(f"{before}{value}{after}", safe=""),
        quote_plus(f"{before}{value}{after}"),
        html.escape(f"{before}{value}{after}"),
        f"{before}{value}{after}".encode().hex(),
    ):
        assert "[secret:s]" in redactor.text(text)
    assert value not in redactor.text(f"{before}{value}{after}").replace("[secret:s]", "\0")


@given(st.text())
def test_a_text_without_secrets_is_left_as_it_is(text: str) -> None:
    assert Redactor([("s", "correct-horse-battery-staple")]).text(text) == text
