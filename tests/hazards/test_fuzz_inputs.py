"""Fuzzers of templates, schemas and escapes, for ROWHOOK_FUZZ_S seconds each, after a corpus."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import strategies as st

from rowhook.schema import SchemaRejected, compile_schema, parse_instance
from rowhook.template import (
    MAX_OUTPUT,
    Place,
    RenderFault,
    TemplateFaults,
    compile_condition,
    compile_template,
    parse_json,
)
from tests.costs import cpu_seconds
from tests.hazards.test_fuzz import FUZZ_S, fuzz, replayed
from tests.scoreboard import score

pytestmark = [pytest.mark.long, pytest.mark.hazards]
# A machine may be slower than ours, and others may be at work on it.
MOST_S = 0.6
VARIABLES = {
    "data": parse_json('{"a": "x\\"y", "l": [1, 2.50, null], "o": {"k": true}, "e": ""}'),
    "context": parse_json("{}"),
}
PIECES = [
    "{{", "}}", "{%", "%}", "{#", "#}", "{{-", "-}}", " if ", " else ", "elif", "endif", " for ",
    " in ", "endfor", "raw", "endraw", "data", "context", "secret:", ".a", ".l", "[0]", "[-1]", "|",
    "default", "tojson", "upper", "join", "replace", "round", "date", "(", ")", "'", '"', "\\", "~",
    "+", "-", "*", "**", "==", "<", " is ", " not ", "defined", "loop.index", "i", "1", "9" * 30,
    "{", "}", "[", "]", ",", ":", "<a>", "</a>", "&amp;", "%41", "\u2028", "\x00", "\ud800", "\n",
]  # fmt: skip
TEMPLATES = st.one_of(
    st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
)
KEYWORDS = [
    "type", "properties", "required", "items", "prefixItems", "allOf", "anyOf", "oneOf", "not",
    "if", "then", "else", "$ref", "$defs", "$schema", "$id", "$anchor", "$dynamicRef", "pattern",
    "patternProperties", "additionalProperties", "unevaluatedProperties", "uniqueItems", "contains",
    "minimum", "multipleOf", "maxLength", "format", "enum", "const", "dependentSchemas",
    "definitions",
]  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["#", "#/$defs/a", "object", "string", "integer", "email", "^(a+)+$", "(?=a)",
                     "http://127.0.0.1/s", "file:///etc/passwd", "", "\u0000"]),
    st.text(max_size=5),
)  # fmt: skip
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*KEYWORDS, "a", "b"]), inner, max_size=5)
    ),
    max_leaves=25,
).map(json.dumps)
INSTANCES = [
    parse_instance(one)
    for one in ("null", "1.5", '"aaaaaaaaaaaaaaaaaaaaaaaaaaaa!"', '{"a": {"a": 1}}', "[[1],[1]]")
]


def require(told: list[bool], text: str) -> None:
    assert told, text
    assert all(told), text


def check_template(source: str) -> None:
    """Any source is compiled or refused with its place; what compiles renders or fails in words."""
    for place in Place:
        try:
            if place is Place.CONDITION:
                condition = compile_condition(source)
                with suppress(RenderFault):
                    condition.holds(VARIABLES)
                continue
            template = compile_template(source, place)
        except TemplateFaults as refused:
            told = [one.line >= 1 and one.column >= 1 for one in refused.faults]
            require(told, source)
            continue
        with suppress(RenderFault):
            rendered = template.render(VARIABLES)
            text = rendered.redacted()
            assert len(text.encode("utf-8", "surrogatepass")) <= MAX_OUTPUT + 1000, source
            if place is Place.HEADER:
                assert text.isascii(), source
                assert not set("\r\n\0") & set(text), source


def check_schema(text: str) -> None:
    """Any document is compiled or refused with pointers; what compiles checks any instance."""
    try:
        schema = compile_schema(json.loads(text))
    except SchemaRejected as refused:
        require([bool(message) for _, message in refused.faults], text)
        return
    for instance in INSTANCES:
        for fault in schema.faults(instance):
            assert fault.message, text


ESCAPED: dict[str, Any] = {
    "json": compile_template('{"v": "{{ data.x }}", "w": [{{ data.x }}], "z": 1}', Place.JSON),
    "header": compile_template("Bearer {{ data.x }}", Place.HEADER),
    "text": compile_template("{{ data.x }}", Place.TEXT),
}


def check_escape(text: str) -> None:
    """A text arrives as itself, or is refused where it cannot stand."""
    variables = {"data": {"x": text}}
    body = json.loads(ESCAPED["json"].render(variables).redacted())
    assert body == {"v": text, "w": [text], "z": 1}, text
    with suppress(RenderFault):
        sent = ESCAPED["header"].render(variables).redacted()
        assert sent == f"Bearer {text}", text
        assert sent.isascii(), text
        assert sent.isprintable(), text
    with suppress(RenderFault):
        assert ESCAPED["text"].render(variables).redacted() == text


@pytest.mark.parametrize(
    ("what", "corpus", "check", "inputs"),
    [
        ("templates, in every place", "template.txt", check_template, TEMPLATES),
        ("schemas, compiled and asked", "schema.txt", check_schema, SCHEMAS),
        ("texts through the escapes", "escape.txt", check_escape, st.text(max_size=80)),
    ],
    ids=["templates", "schemas", "escapes"],
)  # fmt: skip
def test_only_what_is_documented_happens(
    what: str, corpus: str, check: Any, inputs: st.SearchStrategy[str]
) -> None:
    slowest = 0.0

    def timed(text: str) -> None:
        nonlocal slowest
        slowest = max(slowest, cpu_seconds(lambda: check(text)))

    known = replayed(corpus)
    for text in known:
        timed(text)
    tried = fuzz(timed, inputs)
    score(
        f"fuzzed {what}", asked=f"{FUZZ_S:g} s: only documented errors, each ≤ {MOST_S:g} s",
        measured=f"{tried} new ones, {len(known)} of the corpus, worst {slowest * 1000:.0f} ms",
        holds=tried >= FUZZ_S * 10 and slowest <= MOST_S,
    )  # fmt: skip
