from __future__ import annotations

import base64
import html
import json
import quopri
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.security.redact import Redactor
from tests.support.cpu_cost import cpu_loops

SECRET = "p@ss/w\"ö\\rd <&'+=> 1"
RAW = SECRET.encode()


def by_code(text: str, characters: str, form: str) -> str:
    return "".join(
        form.format(ord(character)) if character in characters else character for character in text
    )


def unicode_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


ENCODINGS = {
    "raw": SECRET,
    "JSON, ASCII": json.dumps(SECRET)[1:-1],
    "JSON, Unicode": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "JSON with escaped slashes": json.dumps(SECRET)[1:-1].replace("/", "\\/"),
    "percent": quote(SECRET),
    "percent, all reserved": quote(SECRET, safe=""),
    "percent, lower hex": quote(SECRET, safe="").lower(),
    "percent, form": quote_plus(SECRET),
    "percent, every byte": "".join(f"%{secret:02X}" for secret in RAW),
    "percent, every byte, lower": "".join(f"%{secret:02x}" for secret in RAW),
    "base64": base64.b64encode(RAW).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(RAW).decode(),
    "hex": RAW.hex(),
    "HEX": RAW.hex().upper(),
    "HTML": html.escape(SECRET),
    "XML": html.escape(SECRET, quote=False),
    "JSON in JSON": json.dumps(json.dumps(SECRET))[3:-3],
    "JSON in JSON in JSON": json.dumps(json.dumps(json.dumps(SECRET)))[7:-7],
    "JSON in JSON, Unicode": unicode_json(unicode_json(SECRET)),
    "JSON as Go writes it": by_code(unicode_json(SECRET), "<>&", "\\u{:04x}"),
    "JSON as .NET writes it": by_code(SECRET.replace("\\", "\\\\"), "<>&'+\"ö", "\\u{:04X}"),
    "JSON as Go writes it, in JSON": unicode_json(
        by_code(unicode_json(SECRET), "<>&", "\\u{:04x}")
    ),
    "HTML in decimal": by_code(SECRET, "<>&'+\"", "&#{:d};"),
    "HTML in hexadecimal": by_code(SECRET, "<>&'+\"ö", "&#x{:X};"),
    "HTML in hexadecimal, lower": by_code(SECRET, "<>&'+\"=/", "&#x{:x};"),
    "HTML as PHP writes it": by_code(SECRET, "<>&'\"", "&#{:03d};"),
    "HTML, names and numbers": html.escape(SECRET).replace("&#x27;", "&#39;"),
    "HTML in HTML": html.escape(html.escape(SECRET)),
    "JSON in HTML": html.escape(json.dumps(SECRET)[1:-1]),
    "HTML in JSON": json.dumps(html.escape(SECRET))[1:-1],
    "UTF-16": SECRET.encode("utf-16-le").decode("utf-8", "replace"),
    "UTF-16, big-endian": SECRET.encode("utf-16-be").decode("utf-8", "replace"),
    "UTF-16 in a header": SECRET.encode("utf-16-le").decode("latin-1"),
    "UTF-16 in base64": base64.b64encode(SECRET.encode("utf-16-le")).decode().rstrip("="),
    "base64 twice": base64.b64encode(base64.b64encode(RAW)).decode().rstrip("="),
    "quoted-printable": quopri.encodestring(RAW).decode(),
    "quoted-printable, every byte": "".join(f"={secret:02X}" for secret in RAW),
    "quoted-printable, broken lines": "=\r\n".join(f"={secret:02x}" for secret in RAW),
    "bytes as Python shows them": repr(RAW)[2:-1],
    "every byte in backslashes": "".join(f"\\x{secret:02x}" for secret in RAW),
    "JSON in HTML in percent": quote(html.escape(json.dumps(SECRET)[1:-1]), safe=""),
    "percent in HTML in JSON": json.dumps(html.escape(quote(SECRET, safe="&'")))[1:-1],
    "HTML in percent in JSON in JSON": json.dumps(json.dumps(quote(html.escape(SECRET), safe="&")))[
        3:-3
    ],
    "JSON in percent": quote(json.dumps(SECRET)[1:-1]),
    "percent in percent": quote(quote(SECRET)),
    "a header read as Latin-1": RAW.decode("latin-1"),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_secret_is_redacted_in_each_encoding(name: str) -> None:
    text = f"before {ENCODINGS[name]} after {ENCODINGS[name]}"
    hidden = Redactor([("db", SECRET)]).text(text)
    assert hidden == "before [secret:db] after [secret:db]"


@pytest.mark.parametrize("before", ["", "u", "us", "usr", "user", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
def test_a_secret_inside_a_longer_base64_text_is_redacted(before: str, after: str) -> None:
    token = "tok_5Gx9qkYh2"
    text = base64.b64encode(f"{before}{token}{after}".encode()).decode()
    hidden = Redactor([("t", token)]).text(f"Basic {text}")
    assert "[secret:t]" in hidden
    assert token[1:-1].encode() not in base64.b64decode(text) or text[4:-4] not in hidden


def test_a_secret_contained_in_another_is_redacted_with_it() -> None:
    redactor = Redactor([("short", "abcd"), ("long", "xxabcdyy")])
    assert redactor.text("1 xxabcdyy 2 abcd") == "1 [secret:long] 2 [secret:short]"


@pytest.mark.parametrize(
    ("secrets", "text", "expected"),
    [
        (["abcdef", "efghij"], "abcdefghij", "[secret:0][secret:1]"),
        (["efghij", "abcdef"], "abcdefghij", "[secret:1][secret:0]"),
        (["abcdef", "defghi", "ghijkl"], ".abcdefghijkl.", ".[secret:0][secret:1][secret:2]."),
        (["abcdef", "cdef", "efghij"], "abcdefghij", "[secret:0][secret:2]"),
        (["abab"], "ababab.abab", "[secret:0].[secret:0]"),
        (["aaaa"], "x" + "a" * 11 + "y", "x[secret:0]y"),
        (["abcdef", "ghijkl"], "abcdefghijkl", "[secret:0][secret:1]"),
        (["abcdef"], "abcdefabcdef", "[secret:0][secret:0]"),
        (['ab"cd', 'cd"ef'], 'ab\\"cd\\"ef', "[secret:0][secret:1]"),
    ],
)
def test_overlapping_secrets_are_redacted_completely(
    secrets: list[str], text: str, expected: str
) -> None:
    redactor = Redactor([(str(n), value) for n, value in enumerate(secrets)])
    assert redactor.text(text) == expected


@given(
    secrets=st.lists(st.text("ab", min_size=4, max_size=8), min_size=1, max_size=4),
    text=st.text("ab", max_size=60),
)
def test_exactly_the_characters_of_the_occurrences_are_redacted(
    secrets: list[str], text: str
) -> None:
    hidden = {
        at
        for secret in secrets
        for start in range(len(text))
        if text.startswith(secret, start)
        for at in range(start, start + len(secret))
    }
    redacted = Redactor([("", value) for value in secrets]).text(text)
    visible = "".join(character for at, character in enumerate(text) if at not in hidden)
    assert redacted.replace("[secret:]", "") == visible


@pytest.mark.parametrize(
    "secret", ["ab\ud800cd", "\udfff" * 4, "\ud83d\ude00 pair", "<\udc00>&'", "\ud800 \U0001f600!"]
)
def test_a_lone_surrogate_in_a_secret_is_redacted(secret: str) -> None:
    data = secret.encode("utf-8", "surrogatepass")
    redactor = Redactor([("s", secret)])
    for text in (
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret))[3:-3],
        html.escape(secret),
        data.decode("utf-8", "replace"),
        data.hex(),
        quote(data),
    ):
        assert redactor.text(f"a{text}z") == "a[secret:s]z"


def test_a_lone_surrogate_in_the_text_is_kept() -> None:
    assert Redactor([("s", "hunter22")]).text("\ud800hunter22\udc00") == "\ud800[secret:s]\udc00"


@pytest.mark.parametrize(
    "text",
    [
        "100% of &nbsp; &amp; &#39; \\n \\u00e9 %41 %zz &#x110000; &#9999999;",
        "\\ud83d\\ude00 \\ud800 .",
        "C:\\new\\users 5%2525 &amp;amp;lt;",
    ],
)
def test_escapes_without_a_secret_are_kept(text: str) -> None:
    redactor = Redactor([("s", "hunter22")])
    assert redactor.text(text) == text
    assert redactor.text(f"{text}hunter22{text}") == f"{text}[secret:s]{text}"


@pytest.mark.parametrize(
    "secret", ["\\" * 4, "\\\\n\\", "&amp;", "%41%", "\\u0041bc", "a\\b\\c", "'\"'\"", "&%\\+"]
)
def test_a_secret_that_looks_like_an_escape_is_redacted(secret: str) -> None:
    redactor = Redactor([("s", secret)])
    for text in (secret, json.dumps(secret)[1:-1], html.escape(secret), quote(secret, safe="")):
        assert redactor.text(f"[{text}]") == "[[secret:s]]"


@pytest.mark.battery
@pytest.mark.hazards
@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("a" * 8_000, "a" * 16_384),
        ('"' * 5_000 + "x", '"' * 16_384),
        ('"' * 5_000 + "x", '\\"' * 8_192),
        ("\\" * 5_000 + "x", "\\" * 16_384),
        ("%" * 5_000, "%" + "25" * 8_000),
        ("&" * 5_000 + "x", "&amp;" * 3_276),
        ("x" + "&" * 5_000, "&" + "amp;" * 4_000),
    ],
    ids=["a", "quotes", "escaped quotes", "backslashes", "percent", "entities", "nested entities"],
)
def test_a_hostile_text_is_redacted_in_linear_time(secret: str, text: str) -> None:
    redactor = Redactor([("s", secret)])
    redactor.text("%41")
    # Measured: at most 3 loops; hundreds if it were quadratic.
    assert cpu_loops(lambda: redactor.text(text)) < 20


def test_a_secret_that_equals_a_label_does_not_break_the_replacement() -> None:
    assert Redactor([("a", "hunter22"), ("b", "secret")]).text("hunter22") == "[secret:a]"


def test_values_shorter_than_four_characters_are_not_redacted() -> None:
    assert Redactor([("pin", "123"), ("empty", "")]).text("12345") == "12345"


def test_an_empty_text_and_an_empty_list_of_secrets_are_accepted() -> None:
    redactor = Redactor([("a", "hunter22")])
    assert redactor.text("") == ""
    assert Redactor([]).text("hunter22") == "hunter22"


@given(
    value=st.text(st.characters(exclude_categories=["Cs"]), min_size=4),
    before=st.text(st.characters(exclude_categories=["Cs"])),
    after=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_no_secret_remains_in_any_document(value: str, before: str, after: str) -> None:
    redactor = Redactor([("s", value)])
    for text in (
        f"{before}{value}{after}",
        json.dumps({"echo": f"{before}{value}{after}"}),
        json.dumps({"echo": json.dumps({"echo": f"{before}{value}{after}"})}),
        quote(f"{before}{value}{after}", safe=""),
        quote_plus(f"{before}{value}{after}"),
        html.escape(f"{before}{value}{after}"),
        f"{before}{value}{after}".encode().hex(),
    ):
        assert "[secret:s]" in redactor.text(text)
    assert value not in redactor.text(f"{before}{value}{after}").replace("[secret:s]", "\0")


@given(st.text())
def test_a_text_without_secrets_is_unchanged(text: str) -> None:
    assert Redactor([("s", "correct-horse-battery-staple")]).text(text) == text
