from __future__ import annotations

import pytest

from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import compile_template
from rowhook.template.faults import RenderFault, TemplateFaults


def render(
    source: str, place: OutputContext, value: object, secrets: dict[str, str] | None = None
) -> str:
    rendered = compile_template(source, place).render({"data": {"x": value}})
    return rendered.reveal(secrets or {})


@pytest.mark.parametrize(
    ("source", "value", "url"),
    [
        ("{{ data.x }}", "https://a.example/p?q=1", "https://a.example/p?q=1"),
        ("{{ data.x }}", "http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
        ("{{ data.x }}/done", "https://a.example:8443/p", "https://a.example:8443/p/done"),
        ("{{ data.x }}?a=1", "https://a.example", "https://a.example?a=1"),
        ("https://{{ data.x }}.a.example/", "acme-1", "https://acme-1.a.example/"),
        ("https://api.{{ data.x }}.example/", 42, "https://api.42.example/"),
        ("https://{{ data.x }}/p", "a.b.example", "https://a.b.example/p"),
        ("https://{{ data.x }}:8443/p", "a.b.example", "https://a.b.example:8443/p"),
        ("https://{{ data.x }}", "a.example", "https://a.example"),
        ("HTTPS://a.example?x={{ data.x }}", "é", "HTTPS://a.example?x=%C3%A9"),
        (
            "https://a.example/{% if data.x %}{{ data.x }}{% endif %}",
            "a/b",
            "https://a.example/a%2Fb",
        ),
        ("https://a.example/?q={{ data.x }}", "..", "https://a.example/?q=.."),
        ("https://a.example/{{ data.x }}.json", "..", "https://a.example/...json"),
    ],
)
def test_an_expression_in_a_url_is_percent_encoded(source: str, value: object, url: str) -> None:
    assert render(source, OutputContext.URL, value) == url


@pytest.mark.parametrize(
    ("source", "values"),
    [
        (
            "{{ data.x }}",
            [
                "a.example",
                "//a.example",
                "ftp://a.example",
                "https://u:p@a.example",
                "https://a@b",
                "https://",
                "https:///x",
                "javascript:x",
                "https://a b",
                "https://a\\@b",
                "https://é.example",
                "https://a.example/\n",
                "https://a:99999999",
                " https://a",
                None,
                "",
                ["https://a"],
                {},
            ],
        ),
        (
            "{{ data.x }}/done",
            ["https://a.example?x=", "https://a.example#", "https://a.example/x?y"],
        ),
        (
            "https://{{ data.x }}.a.example/",
            [
                "a.b",
                "",
                None,
                "a/b",
                "a@b",
                "a:1",
                "-a",
                "a-",
                "a_b",
                "é",
                "a" * 64,
                "evil.example/",
                "evil.example#",
                "a\n",
                "%61",
                [],
                {},
            ],
        ),
        (
            "https://{{ data.x }}/",
            ["a@b", "a:80", "a/b", "a..b", ".a", "a.", "", None, "[::1]", "a?b", "a" * 254],
        ),
        ("https://a.example/{{ data.x }}/b", [".", "..", [1], {"a": 1}]),
        ("https://a.example/.{{ data.x }}", [".", ""]),
        ("https://a.example/%2e{{ data.x }}", [".", ""]),
    ],
)
def test_a_value_that_would_change_the_meaning_of_a_url_fails(
    source: str, values: list[object]
) -> None:
    for value in values:
        with pytest.raises(RenderFault):
            render(source, OutputContext.URL, value)


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("https://{{ data.x }}-a.example/", 12),
        ("https://a{{ data.x }}.example/", 13),
        ("https://a.example{{ data.x }}", 21),
        ("https://a.example{{ data.x }}/", 21),
        ("https://a.example:{{ data.x }}/", 22),
        ("https://{{ data.x }}{{ data.y }}/", 12),
        ("https://{{ data.x }}:80{{ data.y }}/", 12),
        ("https://{{ data.x }}:80a/", 12),
        ("https://u:{{ data.x }}@a.example/", 1),
        ("https://{{ data.x }}@a.example/", 1),
        ("{{ data.x }}://a.example/", 4),
        ("{{ data.x }}.example/", 4),
        ("{{ data.x }}{{ data.y }}", 4),
        ("{{ data.x }}@a.example", 4),
        ("https:{{ data.x }}", 1),
        ("{% if data.x %}https://a.example/{% endif %}", 4),
        ("https://{% if data.x %}a{% endif %}.example/", 12),
        ("https://{% for i in data.x %}a{% endfor %}.example/", 12),
        ("ftp://a.example/", 1),
        ("a.example/", 1),
        ("/relative", 1),
        ("", 1),
        ("https://", 1),
        ("https:///x", 1),
        ("https://u@a.example/", 1),
        ("https://a.example/a b", 20),
        ("https://a.example/\n", 19),
        ("https://a.example\\b/", 18),
        ("https://a.example/../x", 1),
        ("https://a.example/%2E%2e", 1),
    ],
)
def test_a_url_with_an_unsafe_expression_in_the_host_is_rejected(source: str, column: int) -> None:
    with pytest.raises(TemplateFaults) as caught:
        compile_template(source, OutputContext.URL)
    assert caught.value.faults[0].column == column
