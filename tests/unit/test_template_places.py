"""Literals stand as written, values never touch, and each layer of a body has its escape."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowhook.template.compilation import OutputContext, body_context, is_json_lines
from rowhook.template.compiler import compile_template
from rowhook.template.faults import RenderFault, TemplateFaults
from rowhook.template.json_values import parse_json
from tests.unit.test_template_contexts import NASTY

JSON, FORM, XML, URL = OutputContext.JSON, OutputContext.FORM, OutputContext.XML, OutputContext.URL
HEADER = OutputContext.HEADER


def render(source: str, place: OutputContext, **data: Any) -> str:
    variables = {"data": parse_json(json.dumps(data)), "context": {}}
    return compile_template(source, place).render(variables).redacted()


@pytest.mark.parametrize(
    ("source", "place", "written"),
    [
        # comma idioms after and before a value
        ('[{% for i in data.l %}{{ i }}{{ "," if not loop.last }}{% endfor %}]', JSON, "[1,2]"),
        ('[{% for i in data.l %}{{ "," if not loop.first }}{{ i }}{% endfor %}]', JSON, "[1,2]"),
        (
            '[{% for i in data.l %}{{ i }}{{ "," if not loop.last else "" }}{% endfor %}]',
            JSON,
            "[1,2]",
        ),
        (
            "[{% for i in data.l %}{{ i }}{% if not loop.last %},{% endif %}{% endfor %}]",
            JSON,
            "[1,2]",
        ),
        (
            "[{% for i in data.l %}{% if not loop.first %},{% endif %}{{ i }}{% endfor %}]",
            JSON,
            "[1,2]",
        ),
        (
            '[{% for i in data.l %}{{ i }}{{ ", " if loop.index < loop.length }}{% endfor %}]',
            JSON,
            "[1, 2]",
        ),
        (
            '[{% for i in data.l %}{"q": {{ i }}}{{ "," if not loop.last }}{% endfor %}]',
            JSON,
            '[{"q": 1},{"q": 2}]',
        ),
        ('{{ "[" if data.on }}{{ data.s }}{{ "]" if data.on }}', JSON, '["x&y"]'),
        # JSON scalars in quotes
        ('{"on": {{ "true" if data.on else "false" }}}', JSON, '{"on": true}'),
        (
            '{"a": {{ data.gone | default("null") }}, "b": {{ data.gone | default("1.50") }}}',
            JSON,
            '{"a": null, "b": 1.50}',
        ),
        ('{"a": {{ data.gone or "0" }}, "b": {{ "\\"q\\"" }}}', JSON, '{"a": 0, "b": "q"}'),
        # other literals are strings
        (
            '{"a": {{ "high" if data.on else "low" }}, "b": {{ data.gone | default("none") }}}',
            JSON,
            '{"a": "high", "b": "none"}',
        ),
        (
            '{"a": {{ data.gone | default("") }}, "b": {{ data.gone or "" }}}',
            JSON,
            '{"a": "", "b": ""}',
        ),
        (
            '{"a": {{ data.s if data.off }}, "b": {{ "x" if data.off }}}',
            JSON,
            '{"a": null, "b": null}',
        ),
        ('{"a": "{{ "\\"" if data.on }}"}', JSON, '{"a": "\\""}'),
        ('{"a": "{{ "," if not data.off }}{{ "x" if data.off }}"}', JSON, '{"a": ","}'),
        # data is never a literal
        ('{"a": {{ data.t }}, "b": {{ data.comma }}}', JSON, '{"a": "true", "b": ","}'),
        ('{% set x = "," %}[1{{ "," }}{{ x }}]', JSON, '[1,","]'),
        # as written in forms, URLs, headers, XML and text
        (
            '{% for i in data.l %}tag={{ i }}{{ "&" if not loop.last }}{% endfor %}',
            FORM,
            "tag=1&tag=2",
        ),
        ('a={{ data.s }}{{ "&b=" ~ data.s if data.on }}', FORM, "a=x%26y%26b%3Dx%26y"),
        ('a={{ data.s ~ "&b=" ~ data.s }}', FORM, "a=x%26y&b=x%26y"),
        (
            'https://a.example/{{ "x/y?z=" if data.on }}{{ data.s }}',
            URL,
            "https://a.example/x/y?z=x%26y",
        ),
        ('https://a.example/{{ data.s ~ "/" ~ data.s }}', URL, "https://a.example/x%26y/x%26y"),
        (
            'https://a.example/?a=1{% for i in data.l %}{{ "&" }}b={{ i }}{% endfor %}',
            URL,
            "https://a.example/?a=1&b=1&b=2",
        ),
        ('<a>{{ "<br/>" if data.on }}{{ data.s }}</a>', XML, "<a><br/>x&amp;y</a>"),
        (
            '<a {{ "checked=\'1\'" if data.on }}>{{ "<b>" ~ data.s ~ "</b>" }}</a>',
            XML,
            "<a checked='1'><b>x&amp;y</b></a>",
        ),
        ('{{ "a & b" }} {{ data.s }}', OutputContext.TEXT, "a & b x&y"),
        ('{{ "a=b;" if data.on }}{{ data.s }}', OutputContext.HEADER, "a=b;x&y"),
    ],
)
def test_a_literal_is_output_as_written(source: str, place: OutputContext, written: str) -> None:
    body = render(source, place, l=[1, 2], s="x&y", on=True, off=False, t="true", comma=",")
    assert body == written


@pytest.mark.parametrize(
    "source",
    [
        "[{{ data.a }}{% if data.off %},{% endif %}{{ data.a }}]",
        '[{{ data.a }}{{ "," if data.off }}{{ data.a }}]',
        "[{% for i in data.l %}{{ i }}{% if data.off %},{% endif %}{% endfor %}]",
        "[{% for i in data.l %}{% if data.off %},{% endif %}{{ i }}{% endfor %}]",
        "[{{ data.a }}{% if data.off %},{% endif %}5]",
        "[{{ data.a }}{% if data.off %} {% endif %}.5]",
        "{% for i in data.l %}{% if i %}{{ i }}{% endif %}{% endfor %}",
        '{"x": "{\\"a\\": {{ data.a }}{% if data.off %},{% endif %}{{ data.a }}}"}',
    ],
)
def test_two_values_never_become_one(source: str) -> None:
    with pytest.raises(RenderFault, match="must be separated"):
        render(source, JSON, a=1, l=[1, 2], off=False)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('{{ data.a }}{{ "true" }}', "must be separated"),
        (
            '[{{ "1" if data.x else "," }}{{ "2" }}]'[:0] + '[{{ "1" }}{{ "2" }}]',
            "must be separated",
        ),
        ('<a {{ "b=" }}{{ data.a }}>', "inside a tag"),
        ('<a>{{ "<b " if data.a }}{{ data.a }}</a>', "different quotes or tags"),
        ("a=%4{{ data.a }}", "inside a % escape"),
        ('{"a": "{\\"b\\": \\"\\\\{{ data.a }}\\"}"}', "inside a \\ escape"),
    ],
)
def test_an_output_in_a_place_that_cannot_contain_it_is_rejected(source: str, message: str) -> None:
    place = {"<": XML, "a": FORM}.get(source[0], JSON)
    with pytest.raises(TemplateFaults) as caught:
        compile_template(source, place)
    assert message in str(caught.value)


INJECTIONS = [*NASTY, 'x","admin":true,"y":"', "{{", "\\\\", "\\u0022", '{"a":1}', "a\u2028b"]


@pytest.mark.parametrize("value", INJECTIONS)
def test_a_value_inside_json_inside_json_keeps_to_its_place(value: str) -> None:
    inner = '{\\"card\\": \\"{{ data.x }}\\", \\"n\\": {{ data.x }}, \\"l\\": [LIST]}'
    items = '{% for i in data.l %}{{ i }}{{ "," if not loop.last }}{% endfor %}'
    source = f'{{"content": "{inner}", "z": "{{{{ data.x }}}}"}}'.replace("LIST", items)
    body = json.loads(render(source, JSON, x=value, l=[1, 2]))
    assert body["z"] == value
    assert json.loads(body["content"]) == {"card": value, "n": value, "l": [1, 2]}


@pytest.mark.parametrize("value", INJECTIONS)
def test_three_layers_of_json_are_escaped(value: str) -> None:
    innermost = json.dumps({"c": "HOLE"})
    source = json.dumps({"a": json.dumps({"b": innermost})}).replace("HOLE", "{{ data.x }}")
    body = json.loads(render(source, JSON, x=value))
    assert json.loads(json.loads(body["a"])["b"]) == {"c": value}


@pytest.mark.parametrize("value", INJECTIONS)
def test_a_value_inside_json_in_a_form_keeps_to_its_place(value: str) -> None:
    source = 'payload={"text":"{{ data.x }}","n":{{ data.x }},"l":[{{ data.x }}]}&z={{ data.x }}'
    pairs = parse_qsl(render(source, FORM, x=value), keep_blank_values=True, strict_parsing=True)
    assert [name for name, _ in pairs] == ["payload", "z"]
    assert json.loads(pairs[0][1]) == {"text": value, "n": value, "l": [value]}
    assert pairs[1][1] == value
    encoded = "payload=%7B%22text%22%3A%22{{ data.x }}%22%7D"
    assert json.loads(parse_qs(render(encoded, FORM, x=value))["payload"][0]) == {"text": value}


@pytest.mark.parametrize(
    ("source", "written"),
    [
        # a text that only looks like JSON stays a text
        ('{"t": "[{{ data.x }}] {{ data.x }}"}', '[a"b] a"b'),
        ('{"t": "{ {{ data.x }} }"}', '{ a"b }'),
        ('{"t": "({\\"{{ data.x }}\\")"}', '({"a"b")'),
        ('{"t": "[x] \\"{{ data.x }}\\""}', '[x] "a"b"'),
        ('{"t": "{\\"k\\": 1} {{ data.x }}"}', '{"k": 1} a"b'),
        # and JSON may follow a tag or a value that is empty
        ('{"t": "{% if data.off %}no{% endif %}{\\"k\\": \\"{{ data.x }}\\"}"}', '{"k": "a\\"b"}'),
        ('{"t": "{{ data.empty }}{\\"k\\": \\"{{ data.x }}\\"}"}', '{"k": "a\\"b"}'),
        ('{"t": "{% if data.x %}{\\"k\\": \\"{{ data.x }}\\"}{% endif %}"}', '{"k": "a\\"b"}'),
    ],
)
def test_json_in_a_string_is_recognized_by_its_beginning(source: str, written: str) -> None:
    assert json.loads(render(source, JSON, x='a"b', off=False, empty=""))["t"] == written


TEXTS = st.text(max_size=12) | st.sampled_from(INJECTIONS)


@given(x=TEXTS, y=TEXTS | st.integers() | st.booleans() | st.none() | st.lists(TEXTS, max_size=2))
def test_any_value_survives_the_layers(x: str, y: Any) -> None:
    if any("\ud800" <= character <= "\udfff" for character in x + str(y)):
        return
    deepest = '{\\\\\\"x\\\\\\": {{ data.x }}}'
    middle = f'{{\\"x\\": \\"<X>\\", \\"y\\": Y, \\"d\\": \\"{deepest}\\"}}'
    source = f'{{"c": "{middle}"}}'.replace("<X>", "<{{ data.x }}>").replace("Y,", "{{ data.y }},")
    inner = json.loads(json.loads(render(source, JSON, x=x, y=y))["c"])
    assert (inner["x"], inner["y"], list(inner)) == (f"<{x}>", y, ["x", "y", "d"])
    assert json.loads(inner["d"]) == {"x": x}
    form = 'p={"x":"{{ data.x }}","y":{{ data.y }}}&q={{ data.x }}'
    pairs = dict(parse_qsl(render(form, FORM, x=x, y=y), keep_blank_values=True))
    assert (json.loads(pairs["p"]), pairs["q"]) == ({"x": x, "y": y}, x)


@pytest.mark.parametrize(
    ("source", "data", "name"),
    [
        ("https://a.example/contacts/{{ data.id }}", {"id": None}, "data.id"),
        ("https://a.example/contacts/{{ data.id }}", {"id": ""}, "data.id"),
        ("https://a.example/c/{{ data.id }}/x", {"id": ""}, "data.id"),
        ("https://a.example/c/{{ data.id }}?x=1", {"id": ""}, "data.id"),
        ("https://a.example/c/{{ data.id }}#x", {"id": ""}, "data.id"),
        ("https://a.example/{{ data.a }}{{ data.id }}/x", {"a": "", "id": ""}, "data.a"),
        ("https://a.example/{% if true %}{{ data.id }}{% endif %}", {"id": ""}, "data.id"),
        ("https://a.example/{{ data.id | default('') }}", {}, "data.id | default"),
        ("https://a.example/{{ 'x' if data.id }}", {"id": 0}, "an expression"),
        ("{{ data.base }}/{{ data.id }}", {"base": "https://a.example", "id": ""}, "data.id"),
    ],
)
def test_a_whole_segment_of_a_path_is_never_empty(
    source: str, data: dict[str, Any], name: str
) -> None:
    with pytest.raises(RenderFault) as caught:
        render(source, URL, **data)
    assert str(caught.value) == f"{name} is empty, but it is a whole segment of the URL's path."


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("https://a.example/x?id={{ data.id }}", "https://a.example/x?id="),
        ("https://a.example/x?id=/{{ data.id }}", "https://a.example/x?id=/"),
        ("https://a.example/x-{{ data.id }}/y", "https://a.example/x-/y"),
        ("https://a.example/{{ data.id }}{{ data.a }}", "https://a.example/b"),
        ("https://a.example/{% if data.id %}{{ data.id }}{% endif %}", "https://a.example/"),
    ],
)
def test_an_empty_value_may_be_part_of_a_url(source: str, written: str) -> None:
    assert render(source, URL, id="", a="b") == written


def test_an_empty_secret_is_not_a_whole_segment() -> None:
    rendered = compile_template("https://a.example/{{secret:k}}/x", URL).render({})
    with pytest.raises(RenderFault, match="secret:k is empty"):
        rendered.reveal({"k": ""})


@pytest.mark.parametrize(
    ("content_type", "place", "lines"),
    [
        ("text/json", JSON, False),
        ("application/x-ndjson", JSON, True),
        ("application/x-ndjson; charset=utf-8", JSON, True),
        ("application/jsonl", JSON, True),
        ("application/json", JSON, False),
        (None, JSON, False),
    ],
)
def test_json_has_several_media_types(
    content_type: str | None, place: OutputContext, *, lines: bool
) -> None:
    assert (body_context(content_type), is_json_lines(content_type)) == (place, lines)


GRAPHQL = [
    'mutation { item (id: 1, name: "VALUE") { id } }',
    'mutation M($b: ID!) { item (board: $b, name: "VALUE") { id } }',
    '  { items (name: "VALUE", other: "a \\"b\\"") { id } }',
    'query Q{a(x:{y:"VALUE"}){id}} fragment F on T { b(x: "VALUE") }',
]


@pytest.mark.parametrize("text", GRAPHQL)
@pytest.mark.parametrize("value", NASTY)
def test_a_value_in_a_string_of_graphql_stays_in_the_string(text: str, value: str) -> None:
    source = json.dumps({"query": text}).replace("VALUE", "{{ data.s }}")
    sent = json.loads(render(source, JSON, s=value))["query"]
    # The strings of GraphQL have the escapes of JSON (GraphQL specification, October 2021, 2.9.4).
    assert _strings(sent) == [string.replace("VALUE", value) for string in _strings(text)]


def _strings(text: str) -> list[str]:
    return [json.loads(string) for string in re.findall(r'"(?:[^"\\]|\\.)*"', text)]


@pytest.mark.parametrize(
    "text",
    [
        'He said "VALUE"',
        'query of "VALUE"',
        '{name} said "VALUE"',
        'mutation {} "VALUE"',
    ],
)
def test_a_quotation_in_prose_is_escaped_once(text: str) -> None:
    source = json.dumps({"text": text}).replace("VALUE", "{{ data.s }}")
    assert json.loads(render(source, JSON, s='a "b"'))["text"] == text.replace("VALUE", 'a "b"')


@pytest.mark.parametrize("value", ["--", "a-", "-->", "<!-- x -->", "&#45;"])
def test_a_value_in_a_comment_of_xml_does_not_end_it(value: str) -> None:
    sent = render("<a><!-- {{ data.s }} -->b<c/></a>", XML, s=value)
    body = ET.fromstring(sent)  # noqa: S314  # it was rendered by this test
    assert (body.text, [child.tag for child in body]) == ("b", ["c"])


def _in_xml(text: str) -> str:
    """Returns the text, or another one if XML cannot contain it."""
    try:
        render("<a>{{ data.x }}</a>", XML, x=text)
    except RenderFault:
        return f"not {text}"
    return text


@pytest.mark.parametrize("value", INJECTIONS)
def test_a_value_inside_json_in_a_query_keeps_to_its_place(value: str) -> None:
    for source in ('a=1&f={"x":"{{ data.x }}"}#top', "f=%7B%22x%22:%22{{ data.x }}%22%7D"):
        url = render(f"https://a.example/p?{source}", URL, x=value)
        query = urlsplit(url).query
        assert json.loads(parse_qs(query)["f"][0]) == {"x": value}


def test_outside_quotes_of_json_in_a_query_a_value_is_json() -> None:
    url = render('https://a.example/?f={"x":{{ data.x }},"n":{{ data.n }}}', URL, x='a"b', n=1.5)
    assert json.loads(parse_qs(urlsplit(url).query)["f"][0]) == {"x": 'a"b', "n": 1.5}


@pytest.mark.parametrize("value", [*INJECTIONS, "Zo\u00eb \U0001f600"])
def test_a_value_inside_json_in_a_header_keeps_to_its_place(value: str) -> None:
    assert json.loads(render('{"x": "{{ data.x }}", "y": {{ data.x }}}', HEADER, x=value)) == {
        "x": value,
        "y": value,
    }


def test_a_list_fails_in_json_in_a_header_unless_it_is_written_as_json() -> None:
    assert render('{"x": {{ data.x | tojson }}}', HEADER, x=[1, 2]) == '{"x": [1,2]}'
    with pytest.raises(RenderFault, match="is a list"):
        render('{"x": {{ data.x }}}', HEADER, x=[1, 2])


@pytest.mark.parametrize("value", [text for text in INJECTIONS if text == _in_xml(text)])
def test_a_value_inside_json_in_xml_keeps_to_its_place(value: str) -> None:
    source = (
        """<d a='{"x": "{{ data.x }}"}'>{&quot;x&quot;: "{{ data.x }}"}<b>{{ data.x }}</b></d>"""
    )
    element = ET.fromstring(render(source, XML, x=value))  # noqa: S314  # written by this test
    assert json.loads(element.attrib["a"]) == json.loads(element.text or "") == {"x": value}
    assert [child.text or "" for child in element] == [value]


def test_half_an_escape_of_a_url_is_not_completed() -> None:
    with pytest.raises(TemplateFaults, match="inside a % escape"):
        compile_template("https://a.example/?x=%2{{ data.x }}", URL)
