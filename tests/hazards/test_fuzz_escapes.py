"""A fuzzer of escapes: a text is unchanged in every output context that can contain it."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import strategies as st

from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import Template, compile_template
from rowhook.template.faults import RenderFault
from tests.hazards.test_fuzz_inputs import run
from tests.support.cpu_cost import cpu_loops
from tests.unit.test_template_contexts import NASTY

pytestmark = [pytest.mark.battery, pytest.mark.hazards]
HOLE = "{{ data.x }}"
JSON_BODY = compile_template(
    f'{{"q": "<{HOLE}>", "v": {HOLE}, "{HOLE}k": [{HOLE}]}}', OutputContext.JSON
)
LAYERS = f'{{\\"x\\": \\"<{HOLE}>\\", \\"y\\": {HOLE}, \\"z\\": [{HOLE}]}}'
LAYERED_BODY = compile_template(f'{{"c": "{LAYERS}", "d": "{HOLE}"}}', OutputContext.JSON)
LAYERED_FORM = compile_template(
    f'payload={{"x":"{HOLE}","y":{HOLE}}}&q={HOLE}{{{{ "&" }}}}z=1', OutputContext.FORM
)
LITERALS = compile_template(
    f'[{HOLE}{{{{ "," if true }}}}{{{{ data.x or "" }}}}, {{{{ data.x | default("1") }}}}]',
    OutputContext.JSON,
)
XML_BODY = compile_template(f"<r a=\"{HOLE}\" b='{HOLE}'>{HOLE}</r>", OutputContext.XML)
FORM_BODY = compile_template(f"a={HOLE}&b={{{{ data.x | urlencode }}}}", OutputContext.FORM)
WHOLE_URL = compile_template(f"https://a.example/x/{HOLE}-?q={HOLE}#f", OutputContext.URL)
PLAIN_HEADER = compile_template(f"Bearer {HOLE};", OutputContext.HEADER)
BASE64_HEADER = compile_template("Basic {{ data.x | b64encode }}", OutputContext.HEADER)
TEXTS = st.one_of(
    st.text(max_size=30),
    st.text(st.characters(max_codepoint=0x9F), max_size=20),
    st.lists(
        st.sampled_from([*NASTY, "\ud800", "\udfff", "\ufffe", "\r", "&#0;", "%00"])
        | st.characters(),
        max_size=6,
    ).map("".join),
)


def rendered_text(template: Template, text: str) -> str | None:
    """Returns the rendered text, None if the render fails."""
    try:
        return template.render({"data": {"x": text}}).redacted()
    except RenderFault:
        return None


def check_escape(text: str) -> float:
    # In JSON, two adjacent surrogates are one character.
    arrived = json.loads(json.dumps(text))
    return cpu_loops(lambda: check_contexts(arrived))


def check_contexts(text: str) -> None:
    """A text is unchanged in every context, or the context cannot contain it."""
    body = rendered_text(JSON_BODY, text)
    assert body is not None, ascii(text)
    assert json.loads(body) == {"q": f"<{text}>", "v": text, f"{text}k": [text]}
    halves = any("\ud800" <= character <= "\udfff" for character in text)
    check_urls(text, halves)
    check_layers(text, halves)
    xml = rendered_text(XML_BODY, text)
    assert (xml is None) == (halves or any(map(is_not_xml, text))), ascii(text)
    if xml is not None:
        root = ET.fromstring(xml)  # noqa: S314  # we wrote it
        assert (root.get("a"), root.get("b"), root.text or "", len(root)) == (text, text, text, 0)
    header = rendered_text(PLAIN_HEADER, text)
    plain = text.isascii() and text.isprintable()
    assert header == (f"Bearer {text};" if plain else None), ascii(text)
    encoded = rendered_text(BASE64_HEADER, text)
    assert (encoded is None) == halves, ascii(text)
    if encoded is not None:
        assert encoded.isascii()
        assert encoded.isprintable()
        assert base64.b64decode(encoded.removeprefix("Basic "), validate=True).decode() == text


def check_urls(text: str, halves: bool) -> None:  # noqa: FBT001  # half a character is in it
    """Checks a URL and a form."""
    form, url = rendered_text(FORM_BODY, text), rendered_text(WHOLE_URL, text)
    assert (form is None, url is None) == (halves, halves), ascii(text)
    if form is None or url is None:
        return
    assert parse_qsl(form, keep_blank_values=True, strict_parsing=True) == [
        ("a", text),
        ("b", text),
    ]
    parts = urlsplit(url)
    assert (parts.netloc, unquote(parts.path), parts.fragment) == ("a.example", f"/x/{text}-", "f")
    assert parts.path.count("/") == 2
    assert parse_qsl(parts.query, keep_blank_values=True) == [("q", text)]


def check_layers(text: str, halves: bool) -> None:  # noqa: FBT001  # half a character is in it
    """Checks JSON inside JSON and inside a form, and literals beside values."""
    body = rendered_text(LAYERED_BODY, text)
    assert body is not None, ascii(text)
    layers = json.loads(body)
    assert layers == {"c": layers["c"], "d": text}
    assert json.loads(layers["c"]) == {"x": f"<{text}>", "y": text, "z": [text]}
    literals = rendered_text(LITERALS, text)
    assert literals is not None, ascii(text)
    assert json.loads(literals) == [text, text, text]
    form = rendered_text(LAYERED_FORM, text)
    assert (form is None) == halves, ascii(text)
    if form is not None:
        (name, payload), *others = parse_qsl(form, keep_blank_values=True, strict_parsing=True)
        assert (name, others) == ("payload", [("q", text), ("z", "1")])
        assert json.loads(payload) == {"x": text, "y": text}


def is_not_xml(character: str) -> bool:
    """Returns whether XML 1.0 cannot represent this character (section 2.2)."""
    return (character < " " and character not in "\t\n\r") or character in "\ufffe\uffff"


def test_any_text_survives_every_output_context() -> None:
    run("escape", TEXTS, check_escape, "each comes back the same, or fails as a fault")
