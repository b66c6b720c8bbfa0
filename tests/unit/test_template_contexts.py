from __future__ import annotations

import base64
import json
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest

from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import compile_template
from rowhook.template.faults import RenderFault, TemplateFaults
from rowhook.template.json_text import parse_json
from rowhook.template.limits import MAX_HEADER, MAX_URL

NASTY = [
    'a"b',
    "a\\",
    '\\"',
    "a\nb\tc\r",
    "\u2028\u2029",
    "😀é",
    "\x00\x1f\x7f",
    "{{ data.x }}",
    "{% if %}",
    '","admin":true,"x":"',
    "</a><b>&amp;'",
    "]]>",
    "-->",
    "a=b&c=d+e %41",
    "../..",
    "//evil.example",
    "\\u0022",
    "",
]


def render(
    source: str, place: OutputContext, value: object, secrets: dict[str, str] | None = None
) -> str:
    rendered = compile_template(source, place).render({"data": {"x": value}})
    return rendered.reveal(secrets or {})


@pytest.mark.parametrize("value", [*NASTY, "\ud800", "a\udfffb"])
def test_a_text_is_the_same_value_in_json(value: str) -> None:
    body = render(
        '{"q": "<{{ data.x }}>", "v": {{ data.x }}, "{{data.x}}k": [{{data.x|tojson}}]}',
        OutputContext.JSON,
        value,
    )
    body.encode()
    assert json.loads(body) == {"q": f"<{value}>", "v": value, f"{value}k": [value]}


@pytest.mark.parametrize(
    ("value", "quoted", "bare"),
    [
        ("1.10", "1.10", "1.10"),
        ("-0", "-0", "-0"),
        ("1e100000", "1e100000", "1e100000"),
        ("true", "true", "true"),
        ("null", "", "null"),
        ('["a",{"b":1.0}]', r"[\"a\",{\"b\":1.0}]", '["a",{"b":1.0}]'),
        ('"\\ud800"', "\\ud800", '"\\ud800"'),
        ('["\\ud800",1.50]', r"[\"\\ud800\",1.50]", '["\\ud800",1.50]'),
        ("{}", "{}", "{}"),
    ],
)
def test_other_values_are_written_as_json(value: str, quoted: str, bare: str) -> None:
    body = render('["{{ data.x }}",{{ data.x }}]', OutputContext.JSON, parse_json(value))
    assert body == f'["{quoted}",{bare}]'


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ('"{% if data.x %}{{ data.x }}{% else %}no{% endif %}"', '"\\""'),
        ('{% if data.x %}"{{ data.x }}"{% else %}{{ data.x }}{% endif %}', '"\\""'),
        ('["\\\\{{ data.x }}", "\\"{{ data.x }}"]', '["\\\\\\"", "\\"\\""]'),
        ('"{# " #}{{ data.x }}"', '"\\""'),
        ("[0{% for i in [1, 2] %},{{ i }}{% endfor %}]", "[0,1,2]"),
        ('"{% for i in [1, 2] %}{{ i }}{% endfor %}"', '"12"'),
        ('{% raw %}"{% endraw %}{{ data.x }}"', '"\\""'),
    ],
)
def test_quotes_are_tracked_through_blocks(source: str, body: str) -> None:
    assert render(source, OutputContext.JSON, '"') == body


@pytest.mark.parametrize(
    ("source", "column", "message"),
    [
        ('{% if data.x %}"{% endif %}a"', 4, "The branches end"),
        ('{"a": {% for i in data.x %}"{% endfor %}"}', 10, "The branches end"),
        ('"{% if data.x %}\\{% endif %}{{ data.x }}"', 5, "The branches end"),
        ('{"a": "{{ data.x }}}', 21, "ends inside quotes"),
        ('"\\{{ data.x }}"', 6, "inside a \\ escape"),
        ('"\\u00{{ data.x }}"', 9, "inside a \\ escape"),
        ("[1{{ data.x }}]", 6, "must be separated"),
        ("[-{{ data.x }}]", 6, "must be separated"),
        ("[{{ data.x }}{{ data.x }}]", 17, "must be separated"),
        ("[{{ data.x }}0]", 14, "must be followed by a comma"),
        ("[{{ data.x }}e5]", 14, "must be followed by a comma"),
        ('["a"{{ data.x }}]', 8, "must be separated"),
        ("[{% for i in data.x %}{{ i }}{% endfor %}]", 5, "needs a comma"),
    ],
)
def test_json_whose_quotes_cannot_be_tracked_is_rejected(
    source: str, column: int, message: str
) -> None:
    with pytest.raises(TemplateFaults) as caught:
        compile_template(source, OutputContext.JSON)
    assert message in caught.value.faults[0].message
    assert caught.value.faults[0].column == column


@pytest.mark.parametrize("value", [text for text in NASTY if "\x00" not in text])
def test_a_text_is_the_same_value_in_xml(value: str) -> None:
    body = render(
        "<r a=\"{{ data.x }}\" b='{{ data.x }}'>{{ data.x }}<!-- {{ data.x|length }} --></r>",
        OutputContext.XML,
        value,
    )
    root = ET.fromstring(body)  # noqa: S314  # we wrote it
    assert (root.get("a"), root.get("b"), root.text or "", len(root)) == (value, value, value, 0)


@pytest.mark.parametrize(
    "source",
    ["<r {{ data.x }}/>", "<r a={{ data.x }}/>", "<{{ data.x }}>", "<![CDATA[{{ data.x }}]]>"],
)
def test_an_expression_where_xml_cannot_be_escaped_is_rejected(source: str) -> None:
    with pytest.raises(TemplateFaults, match="cannot be escaped"):
        compile_template(source, OutputContext.XML)


@pytest.mark.parametrize("value", NASTY)
def test_a_text_is_the_same_value_in_a_form_and_a_url(value: str) -> None:
    form = render("a={{ data.x }}&b={{ data.x | urlencode }}", OutputContext.FORM, value)
    assert parse_qsl(form, keep_blank_values=True, strict_parsing=True) == [
        ("a", value),
        ("b", value),
    ]
    url = urlsplit(
        render("https://a.example/x/{{ data.x }}-?q={{ data.x }}#f", OutputContext.URL, value)
    )
    assert (url.scheme, url.netloc, unquote(url.path), url.fragment) == (
        "https",
        "a.example",
        f"/x/{value}-",
        "f",
    )
    assert url.path.count("/") == 2
    assert parse_qsl(url.query, keep_blank_values=True) == [("q", value)]


@pytest.mark.parametrize(
    "place",
    [
        OutputContext.XML,
        OutputContext.FORM,
        OutputContext.TEXT,
        OutputContext.HEADER,
        OutputContext.URL,
    ],
)
def test_a_lone_surrogate_fails_where_it_cannot_be_written(place: OutputContext) -> None:
    with pytest.raises(RenderFault):
        render("https://a.example/{{ data.x }}", place, "\ud800")


@pytest.mark.parametrize(
    "value", ["a\r\nX: 1", "a\n", "\x00", "\x7f", "\t", "é", "\u2028", [1], {"a": 1}]
)
def test_a_header_is_one_line_of_ascii(value: object) -> None:
    with pytest.raises(RenderFault, match=r"data\.x (contains|is)"):
        render("Bearer {{ data.x }}", OutputContext.HEADER, value)


def test_a_header_may_contain_numbers_and_nulls() -> None:
    assert render("{{ data.x }};", OutputContext.HEADER, parse_json("1.10")) == "1.10;"
    assert not render("{{ data.x }}", OutputContext.HEADER, None)


@pytest.mark.parametrize("source", ["a\nb", "a\r\nb", "é", "a\x00", "a\tb"])
def test_a_header_that_can_never_be_sent_is_rejected(source: str) -> None:
    with pytest.raises(TemplateFaults):
        compile_template(source, OutputContext.HEADER)


@pytest.mark.parametrize(
    ("source", "place", "secret", "revealed"),
    [
        (
            '{"k": "a{{secret:k}}", "b": {{ secret:k }}}',
            OutputContext.JSON,
            'q"\n',
            '{"k": "aq\\"\\n", "b": "q\\"\\n"}',
        ),
        ("<a k='{{secret:k}}'/>", OutputContext.XML, "<'", "<a k='&lt;&#39;'/>"),
        ("k={{secret:k}}", OutputContext.FORM, "a b&c", "k=a+b%26c"),
        ("k={{secret:k}}", OutputContext.TEXT, "a b&c", "k=a b&c"),
        ("Bearer {{ secret : k }}", OutputContext.HEADER, "abc", "Bearer abc"),
        (
            "https://a.example/{{secret:k}}?t={{- secret:k -}}",
            OutputContext.URL,
            "a/b",
            "https://a.example/a%2Fb?t=a%2Fb",
        ),
        (
            "{{secret:k}}",
            OutputContext.URL,
            "https://hooks.example/T/B",
            "https://hooks.example/T/B",
        ),
        ("{{secret:k}}/x", OutputContext.URL, "https://hooks.example", "https://hooks.example/x"),
        ("https://{{secret:k}}.example/", OutputContext.URL, "acme", "https://acme.example/"),
        ("{% for i in [1, 2] %}{{secret:k}}{% endfor %}", OutputContext.TEXT, "s", "ss"),
    ],
)
def test_secrets_are_inserted_after_rendering(
    source: str, place: OutputContext, secret: str, revealed: str
) -> None:
    rendered = compile_template(source, place).render({})
    assert rendered.reveal({"k": secret}) == revealed
    assert "[secret:k]" in rendered.redacted()
    assert secret not in repr(rendered)


@pytest.mark.parametrize(
    ("source", "place", "secret"),
    [
        ("{{secret:k}}", OutputContext.HEADER, "canary\r\nX: 1"),
        ("{{secret:k}}", OutputContext.HEADER, "canaryé"),
        ("{{secret:k}}", OutputContext.URL, "canary"),
        ("{{secret:k}}", OutputContext.URL, "https://user:canary@a.example"),
        ("https://{{secret:k}}/", OutputContext.URL, "canary/x"),
        ("https://{{secret:k}}.example/", OutputContext.URL, "canary.x"),
        ("https://a.example/{{secret:k}}/canary", OutputContext.URL, ".."),
        ("https://a.example/{{secret:k}}", OutputContext.URL, "canary" * MAX_URL),
        ("{{secret:k}}", OutputContext.HEADER, "canary" * MAX_HEADER),
        ("<a>{{secret:k}}</a>", OutputContext.XML, "canary\x00"),
        ("{{secret:k}}", OutputContext.TEXT, "canary\ud800"),
    ],
)
def test_a_secret_that_does_not_fit_fails_without_being_disclosed(
    source: str, place: OutputContext, secret: str
) -> None:
    rendered = compile_template(source, place).render({})
    with pytest.raises(RenderFault) as caught:
        rendered.reveal({"k": secret})
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_secret_that_is_missing_is_named() -> None:
    with pytest.raises(RenderFault, match=r"secret:a\.B-_9 does not exist"):
        compile_template("{{secret:a.B-_9}}", OutputContext.TEXT).render({}).reveal({})


def test_basic_authentication_can_be_rendered_from_data() -> None:
    header = render("{{ ('u:' ~ data.x) | b64encode }}", OutputContext.HEADER, "é")
    assert base64.b64decode(header).decode() == "u:é"
