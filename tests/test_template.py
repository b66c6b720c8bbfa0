from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from rowhook.template import (
    PathUse,
    Place,
    RenderFault,
    body_place,
    compile_condition,
    compile_template,
    parse_json,
)

DATA = parse_json(
    """{"name": "Ada", "text": " to be, or not to be ", "n": 1.10, "whole": 7, "minus": -2.50,
    "big": 123456789012345678901234567890, "huge": 1e100000, "zero": 0.00, "flag": true,
    "no": false, "nil": null, "empty": "", "list": ["a", "b", "c"], "none": [],
    "items": [{"sku": "x1", "qty": 2}, {"sku": "x2", "qty": 3}], "keys": "K", "get": "G",
    "map": {"one": 1, "two": [2]}, "__class__": "C", "a b": "spaced", "at": "2026-05-23T12:34:56Z"}"""
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


def text(source: str, place: Place = Place.TEXT) -> str:
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
        # null is nothing in text, and a known name without a value is null
        ("<{{ data.nil }}{{ session.id }}{{ interview.id }}>", "<>"),
        # numbers digit for digit
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
            "{% for i in data.list %}{% for j in data.items %}{{ i }}{{ j.qty }}"
            "{{ ',' if not loop.last }}{% endfor %}{{ '|' if not loop.last }}{% endfor %}",
            "a2,a3|b2,b3|c2,c3",
        ),
        (
            "{% for i in data.list %}{{ loop.index0 }}{{ loop.first }} {% endfor %}",
            "0true 1false 2false ",
        ),
        # Jinja's own ways of writing
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
def test_a_template_reads_values_and_decides(source: str, written: str) -> None:
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
def test_each_filter_of_the_closed_list(source: str, written: str) -> None:
    assert text(source) == written


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ data.nmae }}", "data.nmae is not defined; did you mean data.name?"),
        ("{{ context.callbak }}", "context.callbak is not defined; did you mean context.callback?"),
        ("{{ data.items[0].skuu }}", "data.items[0].skuu is not defined; did you mean data.items[0].sku?"),
        ("{% for i in data.items %}{{ i.qyt }}{% endfor %}", "i.qyt is not defined; did you mean i.qty?"),
        ("{{ data.zzz }}", "data.zzz is not defined"),
        ("{{ data.items[9] }}", "data.items[9] is not defined: data.items is a list of 2 items"),
        ("{{ data.nil.x }}", "data.nil.x is not defined: data.nil is null"),
        ("{{ data.name.upper }}", "data.name.upper is not defined: data.name is a text of 3 characters"),
        ("{{ data.n.real }}", "data.n.real is not defined: data.n is a number"),
        ("{{ job.id }}", "job.id is not defined: no job here"),
        ("{{ data[data.name] }}", "data[…] is not defined: data has no such key"),
        ("{{ data[data.flag] }}", "data[…]: a key is a text or a number, not true or false"),
        ("{{ data.nope | upper | default('x') }}", "data.nope is not defined; did you mean data.none?"),
        ("{{ data.none | first }}", "data.none | first is not defined: a list without items"),
        ("{{ data.whole | length }}", "data.whole | length: a number has no length"),
        ("{{ data.name + 1 }}", "data.name + an expression: one side is a text, not a number; "
            "+ and - count with numbers, ~ joins text"),
        ("{{ data.name < 1 }}", "data.name: a text < a number: only two numbers or two texts order"),
        ("{{ 1 in data.whole }}", "an expression: a number in a number: only lists, objects and texts hold something"),
        ("{% for i in data.nil %}{% endfor %}", "data.nil is null: a loop goes over a list or an object's keys"),
        ("{% for i in data.name %}{% endfor %}", "data.name is a text: a loop goes over a list or an object's keys"),
        ("{{ data.name | date }}", "data.name | date: is no RFC 3339 date: write it like 2026-05-23T12:34:56Z"),
        ("{{ '2026-02-30' | date }}", "… | date: is no date that exists, in the years 1 to 9999"),
        ("{{ '0001-01-01T00:00:00+01:00' | date }}", "… | date: is no date that exists, in the years 1 to 9999"),
        ("{{ 1e100000 | date }}", "… | date: is too large for epoch seconds: give seconds, not milliseconds"),
        ("{{ data.huge | int }}", "data.huge | int: has more than 400 digits"),
        ("{{ data.list | join(attribute='x') }}", "data.list | join: attribute is not defined for every item"),
        ("{{ data.name | truncate(2) }}", "data.name | truncate: length must be at least 3, the length of end; leeway at least 0"),
    ],
)  # fmt: skip
def test_a_render_that_fails_names_the_variable_or_filter(source: str, message: str) -> None:
    with pytest.raises(RenderFault) as caught:
        text(source)
    assert str(caught.value) == message


def test_a_root_is_looked_up_only_when_it_is_read() -> None:
    class Lazy(dict[str, object]):
        def __missing__(self, key: str) -> object:
            assert key == "data"
            return {"x": 1}

    template = compile_template(
        "{% if true %}{{ data.x }}{% else %}{{ job.id }}{% endif %}", Place.TEXT
    )
    assert template.render(Lazy()).redacted() == "1"


def test_a_template_says_which_paths_roots_and_secrets_it_uses() -> None:
    template = compile_template(
        '{"a": "{{ data.a.b }} {{ data.items[0].x | default(1) }}", "k": "{{secret:s}}", "i": '
        "{% if data.c is defined and context.d %}{{ data.e }}{% else %}{{ data.a.b }}{% endif %}}",
        Place.JSON,
    )
    assert template.paths == (
        PathUse(root="context", path=("d",), required=False),
        PathUse(root="data", path=("a", "b"), required=True),
        PathUse(root="data", path=("c",), required=False),
        PathUse(root="data", path=("e",), required=False),
        PathUse(root="data", path=("items", "0", "x"), required=False),
    )
    assert template.roots_used == {"data", "context"}
    assert template.secrets == {"s"}
    assert not template.is_static
    assert compile_template('{"a": 1}', Place.JSON).is_static


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("data.whole > 3", True),
        ("{{ data.whole > 9 }}", False),
        (" {{ data.flag }} ", True),
        ("data.nil", False),
        ("data.zero", False),
        ("data.none", False),
        ("data.empty", False),
        ("data.minus", True),
        ("data.huge", True),
        ("data.nope is defined", False),
        ("data.nope | default(true)", True),
        ("not data.flag or data.name == 'Ada'", True),
        ("data.name in ['Ada', 'Bob'] and 'sku' in data.items[0]", True),
        ("data.whole\n> 3", True),
    ],
)
def test_a_condition_holds_or_not(source: str, holds: bool) -> None:  # noqa: FBT001  # the case
    assert compile_condition(source).holds(VARIABLES) is holds


def test_a_condition_over_what_is_not_there_fails() -> None:
    with pytest.raises(RenderFault, match="data.scoer is not defined"):
        compile_condition("data.scoer > 3").holds(VARIABLES)


@pytest.mark.parametrize(
    ("content_type", "place"),
    [
        (None, Place.JSON),
        ("", Place.JSON),
        ("application/json; charset=utf-8", Place.JSON),
        ("Application/Problem+JSON", Place.JSON),
        ("text/xml", Place.XML),
        ("application/xml", Place.XML),
        ("application/soap+xml;x=y", Place.XML),
        ("text/html; charset=utf-8", Place.XML),
        ("application/x-www-form-urlencoded", Place.FORM),
        ("text/plain", Place.TEXT),
        ("text/csv", Place.TEXT),
        ("nonsense", Place.TEXT),
    ],
)
def test_the_content_type_decides_the_place(content_type: str | None, place: Place) -> None:
    assert body_place(content_type) is place


def test_the_default_is_null_without_a_session() -> None:
    body = text('{"session": {{ session.id }}, "as text": "{{ session.id }}"}', Place.JSON)
    assert json.loads(body) == {"session": None, "as text": ""}
