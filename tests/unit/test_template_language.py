"""Loops over pairs, slices, set, arithmetic, the filters on lists, and the truth of undefined."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import compile_condition, compile_template
from rowhook.template.faults import RenderFault, TemplateFaults
from rowhook.template.json_text import parse_json

DATA = parse_json(
    """{"name": "Ada", "n": 7, "m": -2, "price": 1.10, "nil": null, "empty": "", "none": [],
    "list": ["b", "a", "C", "a"], "numbers": [3, 1.5, 10, 1.50],
    "lines": [{"sku": "x1", "qty": 2, "on": true, "tag": {"a": 1}}, {"sku": "x3", "qty": 5},
              {"sku": "X2", "qty": 3, "on": false}],
    "map": {"one": 1, "two": [2]}, "at": "2026-05-23T12:34:56Z", "score": 0}"""
)
VARIABLES = MappingProxyType({"data": DATA, "context": {}, "session": {"id": None}})

ZERO = "division by zero. Test the divisor first: {{ a / b if b else 0 }}."
PAIR = (
    "an item is not a list of two values. For the keys and values of an object write "
    "data.list.items()."
)
MIXED = "the items must be all numbers or all texts. There are a number and a string."
ABSENT = (
    "attribute is not defined for every item. Select those with it first: "
    "selectattr('…', 'defined')."
)
ZONE = "not known. Use a name such as 'Europe/Paris', or an offset as '+02:00'."


def text(source: str, place: OutputContext = OutputContext.TEXT) -> str:
    return compile_template(source, place).render(VARIABLES).redacted()


@pytest.mark.parametrize(
    ("source", "written"),
    [
        (
            "{% for key, value in data.map.items() %}{{ key }}={{ value }};{% endfor %}",
            "one=1;two=[2];",
        ),
        (
            "{% for key, value in data.map | items %}{{ loop.index }}{{ key }}{% endfor %}",
            "1one2two",
        ),
        (
            "{% for k, v in data.map.items() if k != 'one' %}{{ k }}{{ loop.last }}{% endfor %}",
            "twotrue",
        ),
        ("{% for k, v in [['a', 1], ['b', 2]] %}{{ k }}{{ v }}{% endfor %}", "a1b2"),
        ("{{ data.map.items() }}{{ data.map | items | length }}", '[["one",1],["two",[2]]]2'),
        ("{% for k, v in {}.items() %}x{% else %}nothing{% endfor %}", "nothing"),
        # slices
        (
            "{{ data.list[:2] | join }}{{ data.list[-1:] | join }}{{ data.list[1:3] | join }}",
            "baaaC",
        ),
        ("{{ data.name[:2] }}{{ data.name[::-1] }}{{ data.list[::2] | join }}", "AdadAbC"),
        ("{% for i in data.lines[:1] %}{{ i.sku }}{% endfor %}{{ data.list[data.n:] }}", "x1[]"),
        ("{{ data.nope[:2] | default('d') }}", "d"),
        # set
        ("{% set x = data.n + 1 %}{{ x }}{% set y = x * 2 %}{{ y }}", "816"),
        ("{% for i in data.list %}{% set j = i ~ '!' %}{{ j }}{% endfor %}", "b!a!C!a!"),
        (
            "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}",
            "231",
        ),
        ("{% if data.n %}{% set c = 'yes' %}{% else %}{% set c = 'no' %}{% endif %}{{ c }}", "yes"),
        ("{% if data.empty %}{% set c = 1 %}{% endif %}{{ c | default('unset') }}", "unset"),
        ("{% set x = data.nope %}{{ x | default('d') }}{{ 'a' if x else 'b' }}", "db"),
        ("{% set line = data.lines[0] %}{{ line.sku }}{{ line.tag.a }}", "x11"),
        (
            "{% for i in [1, 2] %}{% if i < 2 %}{% set c = i %}{% endif %}{{ c or 0 }}{% endfor %}",
            "10",
        ),
        # arithmetic
        ("{{ 4 * 2 }} {{ data.price * 3 }} {{ 10 / 4 }} {{ 4 / 2 }}", "8 3.30 2.5 2.0"),
        ("{{ 1 / 3 }} {{ 2 / 3 }} {{ 0.3 / 0.1 }}", "0.3333333333333333 0.6666666666666666 3.0"),
        ("{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }}", "3 -4 1 2 -2"),
        ("{{ 7.5 // 2 }} {{ -7.5 // 2 }} {{ 7.5 % 2 }} {{ -7.5 % 2 }}", "3.0 -4.0 1.5 0.5"),
        ("{{ (data.lines[0].qty * data.price) | round(2) }}", "2.2"),
        ("{{ 123456789012345678901 * 10 }} {{ 1 / 8 }}", "1234567890123456789010 0.125"),
        ("{{ 2 + 3 * 4 - 6 / 2 }}", "11.0"),
        ("{% for i in data.list %}{{ 'x' if loop.index % 2 == 0 else '.' }}{% endfor %}", ".x.x"),
        # filters on lists
        (
            "{{ data.list | sort | join }} {{ data.list | sort(case_sensitive=true) | join }}",
            "aabC Caab",
        ),
        (
            "{{ data.list | sort(reverse=true) | join }} {{ data.numbers | sort }}",
            "Cbaa [1.5,1.50,3,10]",
        ),
        ("{{ data.lines | sort(attribute='sku') | map(attribute='sku') | join(',') }}", "x1,X2,x3"),
        ("{{ data.lines | sort(attribute='qty,sku') | map(attribute='qty') | join }}", "235"),
        ("{{ data.map | sort | join }}", "onetwo"),
        ("{{ data.list | unique | join }} {{ data.numbers | unique }}", "baC [3,1.5,10]"),
        ("{{ ['a', 'A', 'b'] | unique | join }} {{ ['a', 'A'] | unique(true) | join }}", "ab aA"),
        (
            "{{ data.numbers | sum }} {{ data.lines | sum(attribute='qty') }} {{ [] | sum }}",
            "16.00 10 0",
        ),
        ("{{ data.numbers | min }} {{ data.numbers | max }} {{ data.list | max }}", "1.5 10 C"),
        ("{{ (data.lines | max(attribute='qty')).sku }} {{ [] | min | default('-') }}", "x3 -"),
        ("{{ data.lines | map(attribute='tag.a', default=0) | list }}", "[1,0,0]"),
        (
            "{{ 'abc' | list | join('-') }} {{ data.map | list }} {{ 'abc' | join(',') }}",
            'a-b-c ["one","two"] a,b,c',
        ),
        ("{{ data.lines | selectattr('on') | map(attribute='sku') | join }}", "x1"),
        ("{{ data.lines | rejectattr('on') | map(attribute='sku') | join(' ') }}", "x3 X2"),
        ("{{ data.lines | selectattr('qty', 'gt', 2) | list | length }}", "2"),
        (
            "{{ data.lines | selectattr('sku', 'in', ['x1', 'x3']) | map(attribute='qty') | sum }}",
            "7",
        ),
        ("{{ data.lines | selectattr('on', 'defined') | list | count }}", "2"),
        ("{{ data.lines | selectattr('on', 'undefined') | map(attribute='sku') | first }}", "x3"),
        ("{{ data.lines | selectattr('qty', '==', 5) | map(attribute='sku') | first }}", "x3"),
        ("{{ data.lines | rejectattr('on', 'eq', false) | list | length }}", "2"),
        # other filters
        (
            "{{ '%.2f' | format(data.price) }} {{ '%05d|%-4s|%+d' | format(42, 'ab', 7) }}",
            "1.10 00042|ab  |+7",
        ),
        (
            "{{ '%s %s' | format(data.nil, true) }} {{ '%(a)s-%(b)03d' | format(a='x', b=5) }}",
            " true x-005",
        ),
        (
            "{{ '%d%%' | format(12.9) }} {{ '%x %X %o %e %g' | format(255, 255, 8, 1.5, 0.1) }}",
            "12% ff FF 10 1.500000e+00 0.1",
        ),
        (
            "{{ '%.0f' | format(2.5) }} {{ '%8.3f|' | format(-1.5) }} {{ '%.2s' | format('abc') }}",
            "2   -1.500| ab",
        ),
        (
            "{{ {'a': [1, {}], 'b': 'x'} | tojson(indent=2) }}",
            '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": "x"\n}',
        ),
        ("{{ 'a < b & <@U1>' | slack }}", "a &lt; b &amp; &lt;@U1&gt;"),
        (
            "{{ '*a* [x](y) <b>\\n# t\\n1. z\\n- w' | teams }}",
            "\\*a\\* \\[x\\](y) &lt;b&gt;\n\\# t\n1\\. z\n\\- w",
        ),
        (
            "{{ 'a' is undefined }} {{ data.nope is undefined }} {{ data.nil is undefined }}",
            "false true false",
        ),
        ("{{ data.nope | d('x') }}", "x"),
    ],
)
def test_the_language_has_the_features_that_bodies_use(source: str, written: str) -> None:
    assert text(source) == written


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("'2026-05-23T12:34Z' | date('%F %T')", "2026-05-23 12:34:00"),
        ("'2026-05-23 12:34' | date('%F %T')", "2026-05-23 12:34:00"),
        ("'2026-05-23T12:34:56+0200' | date('%T %z')", "10:34:56 +0000"),
        ("'2026-05-23T12:34:56+02' | date('%T')", "10:34:56"),
        ("'2026-05-23T12:34:56 +02:00' | date('%T')", "10:34:56"),
        ("'2026-05-23T12:34:56,789Z' | date('%T.%f')", "12:34:56.789000"),
        ("'20260523T123456Z' | date('%F %T')", "2026-05-23 12:34:56"),
        ("'2026-05-23 12:34:56 UTC' | date('%T')", "12:34:56"),
        ("'2016-12-31T23:59:60Z' | date('%F %T')", "2017-01-01 00:00:00"),
        ("'2026-05-23T24:00:00Z' | date('%F %T')", "2026-05-24 00:00:00"),
        ("data.at | date('%F %R %Z %z', 'Europe/Berlin')", "2026-05-23 14:34 CEST +0200"),
        ("data.at | date('%FT%T%:z', '-03:30')", "2026-05-23T09:04:56-03:30"),
        ("data.at | date('%-d.%-m.%Y %-I %p', zone='America/New_York')", "23.5.2026 8 AM"),
        ("data.at | date(zone='Asia/Tokyo')", "2026-05-23"),
    ],
)
def test_dates_have_zones_and_iso_forms(form: str, written: str) -> None:
    assert text(f"{{{{ {form} }}}}") == written


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("{% if data.nope %}a{% else %}b{% endif %}", "b"),
        ("{% if data.nope.deeper %}a{% elif not data.nope %}b{% endif %}", "b"),
        ("{{ data.nope or 'x' }}{{ data.nope or data.name }}", "xAda"),
        ("{{ 'a' if data.nope else 'b' }}{{ 'a' if data.nope and data.name else 'c' }}", "bc"),
        ("{{ not data.nope }}{{ not not data.name }}", "truetrue"),
        ("{{ (data.nope and data.name) | default('d') }}", "d"),
        ("{{ (data.a or data.b) | default('d') }}", "d"),
        ("{% for i in data.lines if i.on %}{{ i.sku }}{% endfor %}", "x1"),
        ("{% for i in data.nope or [] %}x{% else %}none{% endfor %}", "none"),
        ("{% if data.nope | first %}a{% else %}b{% endif %}", "b"),
        ("{% if data.lines | selectattr('gone') | first %}a{% else %}b{% endif %}", "b"),
    ],
)
def test_undefined_is_false_where_only_its_truth_is_asked(source: str, written: str) -> None:
    assert text(source) == written


def test_an_undefined_condition_is_false() -> None:
    assert not compile_condition("data.nope").holds(VARIABLES)
    assert compile_condition("not data.nope and data.name").holds(VARIABLES)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ data.nope or data.nmae }}", "data.nmae is not defined; did you mean data.name?"),
        ("{{ data.nmae and data.name }}", "data.nmae is not defined; did you mean data.name?"),
        ("{% set x = data.nmae %}{{ x }}", "data.nmae is not defined; did you mean data.name?"),
        ("{% set x = data.nmae %}{{ x.y }}", "data.nmae is not defined; did you mean data.name?"),
        (
            "{% if data.nil %}{% set x = 1 %}{% endif %}{{ x }}",
            "x is not defined: the branch that sets it was not taken.",
        ),
        ("{{ data.nope[:2] }}", "data.nope is not defined; did you mean data.none?"),
        ("{{ data.n[:2] }}", "data.n[…:…]: a slice needs a list or a string, not a number."),
        ("{{ data.list['a':] }}", "data.list[…:…]: a bound must be an integer, not a string."),
        ("{{ data.list[::0] }}", "data.list[…:…]: the step must not be 0."),
        (
            "{{ data.n / data.score }}",
            f"data.n / data.score: {ZERO}",
        ),
        (
            "{{ data.n % 0 }}",
            f"data.n % an expression: {ZERO}",
        ),
        (
            "{{ data.name * 2 }}",
            "data.name * an expression: expected a number, not a string. * takes numbers.",
        ),
        (
            "{% for k, v in data.list %}{% endfor %}",
            f"data.list: {PAIR}",
        ),
        (
            "{% for k, v in data.list.items() %}{% endfor %}",
            "data.list is a list. items needs an object.",
        ),
        ("{{ data.list.items() }}", "data.list | items: expected an object, not a list."),
        (
            "{{ [1, 'a'] | sort }}",
            f"… | sort: {MIXED}",
        ),
        (
            "{{ [[1], [1]] | unique }}",
            "… | unique: lists and objects cannot be compared. Name an attribute.",
        ),
        ("{{ data.none | max }}", "data.none | max is not defined: the value is empty."),
        (
            "{{ data.lines | map(attribute='on') | list }}",
            f"data.lines | map: {ABSENT}",
        ),
        (
            "{{ data.list | sum }}",
            "data.list | sum: expected a number, not a string. + takes numbers; ~ joins strings.",
        ),
        ("{{ '%d' | format(data.name) }}", "… | format: %d needs a number, not a string."),
        (
            "{{ data.at | date('%F', data.name) }}",
            f"data.at | date: {ZONE}",
        ),
    ],
)
def test_a_render_that_cannot_continue_says_why(source: str, message: str) -> None:
    with pytest.raises(RenderFault) as caught:
        text(source)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% if data.a %}{% else if data.b %}{% endif %}", "Write elif."),
        ("{% if data.a %}{% elsif data.b %}{% endif %}", "Write elif."),
        ("{% if data.a && data.b %}{% endif %}", "Write and."),
        ("{% if data.a || data.b %}{% endif %}", "Write or."),
        ("{% if !data.a %}{% endif %}", "Write not."),
        ("{% if data.a = 1 %}{% endif %}", "write =="),
        ("{{ data.a ? 1 : 2 }}", "Write a if condition else b."),
        ("{{ data.first-name }}", "write data['first-name']"),
        ("{{ data.a.last-name | upper }}", "write data.a['last-name']"),
        ("{{ data.a == null }}", "Write none."),
        ("{{ data.a == TRUE }}", "Write true."),
        ("{{ data.a | count_ }}", "Did you mean count?"),
        ("{{ data.a | reverse }}", "Write x[::-1]."),
        ("{{ data.a | safe }}", "the place decides"),
        ("{{ data.a | strftime('%F') }}", "Write date("),
        ("{{ data.a is even }}", "x % 2 == 0"),
        ("{{ data.a.upper() }}", "Write data.x | upper."),
        ("{{ data.a.get('x') }}", "default("),
        ("{{ len(data.a) }}", "Write data.x | length."),
        ("{% for i in range(3) %}{% endfor %}", "slice"),
        ("{{ 'a' + data.b }}", "write ~"),
        ("{{ '%s' % data.b }}", "| format(value)"),
        ("{% set x %}a{% endset %}", "{% set name = value %}"),
        ("{% macro a() %}{% endmacro %}", "Write the text where it is needed."),
        ("{% end %}", "Write endif or endfor."),
    ],
)
def test_a_rejection_on_save_says_what_to_write_instead(source: str, message: str) -> None:
    with pytest.raises(TemplateFaults) as caught:
        compile_template(source, OutputContext.TEXT)
    assert message in str(caught.value)
    assert "\0" not in str(caught.value)
