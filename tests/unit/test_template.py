from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from rowhook.template.compilation import OutputContext, body_context
from rowhook.template.compiler import compile_template
from rowhook.template.json_text import parse_json

DATA = parse_json(
    """{"name": "Ada", "text": " to be, or not to be ", "n": 1.10, "whole": 7, "minus": -2.50,
    "big": 123456789012345678901234567890, "huge": 1e100000, "zero": 0.00, "flag": true,
    "no": false, "nil": null, "empty": "", "list": ["a", "b", "c"], "none": [],
    "items": [{"sku": "x1", "qty": 2}, {"sku": "x2", "qty": 3}], "keys": "K", "get": "G",
    "map": {"one": 1, "two": [2]}, "__class__": "C", "a b": "spaced",
    "at": "2026-05-23T12:34:56Z"}"""
)
VARIABLES = MappingProxyType(
    {
        "data": DATA,
        "context": parse_json('{"key": "name", "callback": "https://a.example/x"}'),
        "session": {"id": None},
        "goal": {"id": "g"},
        "interview": None,
        "commit_id": "commit_1",
    }
)


def text(source: str, place: OutputContext = OutputContext.TEXT) -> str:
    return compile_template(source, place).render(VARIABLES).redacted()


@pytest.mark.parametrize(
    ("source", "written"),
    [
        # lookups: items, never attributes
        ("{{ data.name }}", "Ada"),
        ("{{ data['a b'] }}", "spaced"),
        ("{{ data[context.key] }}", "Ada"),
        ("{{ data.items[0].sku }}", "x1"),
        ("{{ data.items[-1].sku }}", "x2"),
        ("{{ data.items.0.sku }}", "x1"),
        ("{{ data.keys }}{{ data.get }}{{ data.__class__ }}", "KGC"),
        ("{{ data.name[1] }}", "d"),
        ("{{ [data.map][0].two[0] }}", "2"),
        ("{{ commit_id }}", "commit_1"),
        # null is empty in text, also for a defined name without a value
        ("<{{ data.nil }}{{ session.id }}{{ interview.id }}>", "<>"),
        # numbers keep their digits
        ("{{ data.n }} {{ data.big }}", "1.10 123456789012345678901234567890"),
        ("{{ data.huge }} {{ 1.10 }} {{ 1E5 }}", "1e100000 1.10 1E5"),
        ("{{ data.flag }} {{ none }}", "true "),
        ("{{ data.map }}", '{"one":1,"two":[2]}'),
        # operators
        ("{{ 1 + 2 - 4 }}", "-1"),
        ("{{ data.n + 1 }} {{ 0.1 + 0.2 }}", "2.10 0.3"),
        ("{{ data.big + 1 }}", "123456789012345678901234567891"),
        ("{{ -data.n }} {{ -data.minus }} {{ +data.whole }}", "-1.10 2.50 7"),
        ("{{ 'a' ~ 1 ~ none ~ true ~ [1] }}", "a1true[1]"),
        ("{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }}", "true false"),
        ("{{ 1 == 1.0 }} {{ 1 == '1' }} {{ true == 1 }}", "true false false"),
        ("{{ data.n == 1.1 }} {{ data.huge > data.big }}", "true true"),
        ("{{ [1, {'a': 2.0}] == [1.0, {'a': 2}] }}", "true"),
        ("{{ 'a' < 'b' }} {{ 2 >= 2 }} {{ 1 != 2 }}", "true true true"),
        ("{{ 'a' in data.list }} {{ 'one' in data.map }} {{ 'd' in data.name }}", "true true true"),
        ("{{ 2 not in [1.0, 2.0] }} {{ 3 in [] }}", "false false"),
        ("{{ not data.none }} {{ data.none or 'x' }} {{ data.flag and 'y' }}", "true x y"),
        ("{{ 'a' if data.zero else 'b' }}{{ 'c' if data.no }}", "b"),
        # tests
        ("{{ data.nope is defined }} {{ data.nil is defined }}", "false true"),
        ("{{ job.id is defined }}", "false"),
        ("{{ data.nil is none }} {{ data.no is boolean }} {{ 1 is boolean }}", "true true false"),
        ("{{ data.n is number }} {{ true is number }}", "true false"),
        ("{{ data.name is string }} {{ data.map is mapping }}", "true true"),
        ("{{ data.list is sequence }} {{ 1 is not sequence }}", "true true"),
        (
            "{{ 3 is gt 2 }} {{ 3 is eq(3) }} {{ 'a' is in ['a'] }} {{ 1 is le 1 }}",
            "true " * 3 + "true",
        ),
        # if and for
        ("{% if data.no %}a{% elif data.flag %}b{% else %}c{% endif %}", "b"),
        ("{% for i in data.list %}{{ loop.index }}{{ i }}{% endfor %}", "1a2b3c"),
        ("{% for i in data.map %}{{ i }}={{ data.map[i] }};{% endfor %}", "one=1;two=[2];"),
        ("{% for i in data.none %}x{% else %}nothing{% endfor %}", "nothing"),
        ("{% for i in data.list if i != 'b' %}{{ i }}{{ loop.length }}{% endfor %}", "a2c2"),
        (
            (
                "{% for i in data.list %}{% for j in data.items %}{{ i }}{{ j.qty }}"
                "{{ ',' if not loop.last }}{% endfor %}{{ '|' if not loop.last }}{% endfor %}"
            ),
            "a2,a3|b2,b3|c2,c3",
        ),
        (
            "{% for i in data.list %}{{ loop.index0 }}{{ loop.first }} {% endfor %}",
            "0true 1false 2false ",
        ),
        # other Jinja syntax
        ("a {#- no -#} b", "ab"),
        ("a {{- 1 -}} b", "a1b"),
        ("{% raw %}{{ data.x }}{{secret:x}}{% endraw %}", "{{ data.x }}{{secret:x}}"),
        ("{{ '{{secret:x}}' }}", "{{secret:x}}"),
        ("line\n", "line\n"),
        ("a\r\nb {{ 1 }}\r\n", "a\r\nb 1\r\n"),
        (r"{{ '\u00e9\n\x41\ud83d\ude00\d' }}", "é\nA😀\\d"),
        ("", ""),
    ],
)
def test_a_template_supports_values_and_conditions(source: str, written: str) -> None:
    assert text(source) == written


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("{{ data.nope | default('d') }}{{ data.nil | default('d') }}", "d"),
        ("{{ data.nil | default('d', true) }}{{ data.no | default('e', boolean=true) }}", "de"),
        ("{{ data.a.b.c | default('d') }}{{ data.nil.x | default('e') }}", "de"),
        ("{{ data.none | first | default('d') }}{{ data.nope[context.key] | default(1) }}", "d1"),
        (
            "{{ data.list | tojson }}{{ data.name | tojson }}{{ none | tojson }}",
            '["a","b","c"]"Ada"null',
        ),
        ("{{ 'aé' | upper }}{{ 'AÉ' | lower }}{{ 'hELLO you' | capitalize }}", "AÉaéHello you"),
        ('{{ "foo\'s bar-baz (qux" | title }}', "Foo's Bar-Baz (Qux"),
        ("<{{ data.text | trim }}>{{ 'xxaxx' | trim('x') }}", "<to be, or not to be>a"),
        ("{{ data.name | length }}{{ data.list | length }}{{ data.map | length }}", "332"),
        ("{{ data.list | first }}{{ data.list | last }}{{ 'xyz' | last }}", "acz"),
        ("{{ data.map | first }}{{ data.map | last }}", "onetwo"),
        (
            "{{ data.list | join(', ') }} {{ data.map | join }} {{ [1, 2.50] | join('+') }}",
            "a, b, c onetwo 1+2.50",
        ),
        ("{{ data.items | join('/', attribute='sku') }}", "x1/x2"),
        (
            "{{ 'banana' | replace('a', 'o') }} {{ 'banana' | replace('a', 'o', 1) }}",
            "bonono bonana",
        ),
        ("{{ 'foo bar baz qux' | truncate(9) }}", "foo..."),
        ("{{ 'foo bar baz qux' | truncate(9, true) }}", "foo ba..."),
        ("{{ 'foo bar baz qux' | truncate(11) }}", "foo bar baz qux"),
        ("{{ 'foo bar baz qux' | truncate(11, false, '…', 0) }}", "foo bar…"),
        ("{{ 42.55 | round(1, 'floor') }} {{ 42.7 | round }} {{ 42 | round }}", "42.5 43.0 42"),
        ("{{ 2.5 | round }} {{ 2.125 | round(2, method='ceil') }}", "2.0 2.13"),
        ("{{ data.huge | round(2) }}", "1E+100000"),
        ("{{ '12' | int }} {{ '12.9' | int }} {{ 'x' | int }} {{ 'x' | int(5) }}", "12 12 0 5"),
        (
            "{{ -3.9 | int }} {{ 'ff' | int(0, 16) }} {{ true | int }} {{ none | int(1) }}",
            "-3 255 1 1",
        ),
        (
            "{{ '1.50' | float }} {{ 2 | float }} {{ 'x' | float }} {{ data.n | float }}",
            "1.5 2.0 0.0 1.10",
        ),
        ("{{ 'nan' | float }} {{ ' 1e3 ' | float }}", "0.0 1E+3"),
        ("{{ 5 | string ~ 1 }} {{ data.n | string | length }}", "51 4"),
        ("{{ data.minus | abs }} {{ -7 | abs }} {{ 7 | abs }}", "2.50 7 7"),
        ("{{ 'a b/é&' | urlencode }}", "a%20b%2F%C3%A9%26"),
        ("{{ {'a': 'x y', 'b': 1} | urlencode }}", "a=x%20y&b=1"),
        (
            "{{ data.at | date }} {{ data.at | date('%d %B %Y, %H:%M') }}",
            "2026-05-23 23 May 2026, 12:34",
        ),
        (
            "{{ '2026-05-23T23:30:00.5-02:00' | date('%F %T.%f %Z') }}",
            "2026-05-24 01:30:00.500000 UTC",
        ),
        (
            "{{ 0 | date('%A %e %b %y %j %p %%') }} {{ 1.5 | date('%s.%f') }}",
            "Thursday  1 Jan 70 001 AM % 1.500000",
        ),
        ("{{ 'é' | b64encode }}", "w6k="),
    ],
)
def test_each_filter_returns_its_documented_result(source: str, written: str) -> None:
    assert text(source) == written


@pytest.mark.parametrize(
    ("content_type", "place"),
    [
        (None, OutputContext.JSON),
        ("", OutputContext.JSON),
        ("application/json; charset=utf-8", OutputContext.JSON),
        ("Application/Problem+JSON", OutputContext.JSON),
        ("text/xml", OutputContext.XML),
        ("application/xml", OutputContext.XML),
        ("application/soap+xml;x=y", OutputContext.XML),
        ("text/html; charset=utf-8", OutputContext.XML),
        ("application/x-www-form-urlencoded", OutputContext.FORM),
        ("text/plain", OutputContext.TEXT),
        ("text/csv", OutputContext.TEXT),
        ("nonsense", OutputContext.TEXT),
    ],
)
def test_the_content_type_determines_the_output_context(
    content_type: str | None, place: OutputContext
) -> None:
    assert body_context(content_type) is place


def test_the_default_is_null_without_a_session() -> None:
    body = text('{"session": {{ session.id }}, "as text": "{{ session.id }}"}', OutputContext.JSON)
    assert json.loads(body) == {"session": None, "as text": ""}
