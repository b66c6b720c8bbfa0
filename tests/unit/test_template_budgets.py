from __future__ import annotations

import json
import tracemalloc
from contextlib import suppress

import pytest

from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import compile_condition, compile_template
from rowhook.template.faults import RenderFault, TemplateFaults
from rowhook.template.json_text import parse_json
from rowhook.template.limits import (
    INLINE_STEPS,
    MAX_HEADER,
    MAX_OUTPUT,
    MAX_SOURCE,
    MAX_STEPS,
    MAX_URL,
    Budget,
)
from tests.support.cpu_cost import cpu_loops

# CPU, in loops of tests.support.cpu_cost, of about 5 ms: a render takes at most 300 ms. Measured:
# at most 45 for a render, 20 for a source.
RENDER_LOOPS, SOURCE_LOOPS = 64, 60
# Memory of a render in the event loop and in a thread. Measured: at most 4 and 17 MB.
INLINE_BYTES, MOST_BYTES = 5 * 1024 * 1024, 24 * 1024 * 1024


def wide(value: str, count: int) -> str:
    return "[" + ",".join([value] * count) + "]"


def make_data(number: str) -> object:
    parts = {
        "s": json.dumps("a" * 250_000),
        "big": json.dumps("x" * 600_000),
        "e": json.dumps('é"' * 100_000, ensure_ascii=False),
        "q": json.dumps('"' * 200_000),
        "w": json.dumps("a b " * 60_000),
        "l": "[" + ",".join(map(str, range(80_000))) + "]",
        "t": wide('"ab"', 80_000),
        "n": wide(number, 80_000),
        "ll": wide("[]", 150_000),
        "d": json.dumps({str(i): i for i in range(40_000)}),
        "deep": "[" * 400 + "]" * 400,
        "long": "9" * 300_000,
        "huge": "1e100000",
        "sur": wide(r'"\ud800"', 50_000),
        "wide": json.dumps("\U0001f600" * 100_000, ensure_ascii=False),
        "half": wide(json.dumps("x" * 100), 2_400),
        "o": wide('{"a": 1.5, "b": "Xy", "c": {"d": 2}}', 25_000),
        "md": json.dumps("*_[" * 80_000),
        "amp": json.dumps("&" * 200_000),
        "digits": "9" * 390,
    }
    return {name: parse_json(text) for name, text in parts.items()}


@pytest.fixture(scope="module")
def variables() -> dict[str, object]:
    return {"data": make_data("1e5"), "context": make_data("1.0e5")}


IN_A_LOOP = [
    *("i", "data.l", "data.nope", "loop.index + loop.length", "data[i] | default(1)"),
    *("data.s | upper | length", "data.e | upper | length", "data.e | lower | length"),
    *("data.big | upper | length", "data.s | capitalize | length", "data.s | title | length"),
    *("data.w | title | length", "data.e | title | length", "data.l | tojson | length"),
    *("data.n | tojson | length", "data.half | tojson | length", "data.sur | tojson | length"),
    *("data.ll | tojson | length", "data | tojson", "[data, data] | tojson | length"),
    *("data.half | join | length", "data.t | join | length", "data.half | join(data.s)"),
    *("data.l | join(attribute='a.b')", "data.s | replace('a', 'b') | length"),
    *("data.s | replace('a', data.s)", "data.s | replace('', data.s)"),
    *("data.s | replace('aaaab', 'b') | length", "data.big | replace('x', '')"),
    *("data.w | replace(' ', '-') | length", "'b' in data.s", "'xyz' in data.big"),
    *("('a' ~ data.s) in data.big", "'aaaaaaaaaaaaaaaaaaab' in data.s", "-1 in data.l"),
    *("'q' in data.t", "[] in data.n", "data.l == context.l", "data.d == context.d"),
    *("data.ll == context.ll", "data.n == context.n", "data.deep == context.deep"),
    *("data.big == context.big", "data.big is eq context.big", "data.s < context.s"),
    *("data.long == 1", "data.long + 1", "data.huge + 1", "data.huge - data.huge == 0"),
    *("data.huge == 1", "data.huge | round(2)", "data.long | int", "data.long | round"),
    *("data.s | int", "data.s | float", "data.s | urlencode | length"),
    *("data.e | urlencode | length", "data.q | urlencode | length", "data.d | urlencode"),
    *("data.s | b64encode | length", "data.s | trim('a') | length", "data.big | trim | length"),
    *("data.s | truncate(200000) | length", "data.big | truncate(5)", "data.s ~ data.s"),
    *("(data.s ~ 'x') | length", "i | date('%A %B %Y %V')", "1.5 | round(2)", "'123' | int"),
    *("data.d | first", "data.d | last", "data.big | string | first", "data.sur | join | length"),
    *("data.l | sort | first", "data.n | sort | last", "data.t | sort(reverse=true) | first"),
    *(
        "data.big | list | sort | first",
        "data.o | sort(attribute='a,b') | first",
        "data.d | sort | first",
    ),
    *(
        "data.l | unique | length",
        "data.n | unique | length",
        "data.o | unique(attribute='b') | first",
    ),
    *(
        "data.l | sum",
        "data.n | sum",
        "data.o | sum(attribute='a')",
        "data.l | max",
        "data.n | min",
    ),
    *(
        "data.o | map(attribute='a') | length",
        "data.o | map(attribute='c.d', default=data.s) | length",
    ),
    *("data.o | selectattr('a') | length", "data.o | rejectattr('a', 'gt', 5) | length"),
    *("data.o | selectattr('b', 'in', data.t) | length", "data.o | selectattr('x.y.z.w') | length"),
    *(
        "data.l[::-1] | first",
        "data.big[1:] | length",
        "data.l[i:] | length",
        "data.s[:-1] | upper",
    ),
    *("data.d.items() | length", "data.l | list | length", "data.big | list | length"),
    *(
        "data.l | tojson(indent=8) | length",
        "data | tojson(indent=2)",
        "data.ll | tojson(8) | length",
    ),
    *("'%200.200f' | format(i)", "'%d' | format(data.long)", "'%.200f' | format(data.huge)"),
    *("'%s' | format(data.big) | length", "'%s%s' | format(data.s, data.s) | length"),
    *(
        "('%s' ~ data.s) | format(i)",
        "'%x' | format(9999999999999999999)",
        "data.big | slack | length",
    ),
    *("data.e | teams | length", "data.md | teams | length", "data.amp | slack | length"),
    *("data.digits * data.digits", "data.digits / 7", "data.digits % 1.7", "data.digits // 1e-300"),
    *("data.huge * data.huge", "data.huge / 3", "1 / data.huge", "data.huge % 7", "data.huge // 7"),
    *(
        "data.n | join(data.s)",
        "data.long | int",
        "data.long * data.long",
        "i | date('%F', 'Asia/Tokyo')",
    ),
]
WHOLE = [
    *("{{ data.big }}", "{{ data.q }}", "{{ data.e }}", "{{ data }}", "{{ data.n }}"),
    "{{ data.ll }}",
    *("{{ data.deep }}", "{{ data.sur }}", "{{ data.d }}", "{{ data.nmae }}", "{{ data.d.x }}"),
    "{{ [" + "data.l," * 2_900 + "] | tojson }}",
    "{{ data.half | tojson | length }}" * 1_300,
    "{{ data.big | lower | length }}" * 1_200,
    "{{ data.s }}" * 2,
    "{% for i in data.l %}{% for j in data.l %}{{ i }}{% endfor %}{% endfor %}",
    "{% for i in data.d %}{% for j in data.d %}{% for k in data.d %}" + "{% endfor %}" * 3,
    "{% for i in data.l if i < 0 %}{% endfor %}",
    "{% for i in data.l %}{% for j in data.d if false %}{% endfor %}{% endfor %}",
    "{% for i in data.l %}" + "x" * 60_000 + "{% endfor %}",
    "{% for i in data.l %}{% endfor %}",
    "{% for i in data.s %}{% endfor %}",
    "{% for k, v in data.d.items() %}{{ k }}{{ v }}{% endfor %}",
    "{% for i in data.l %}{% for k, v in data.d.items() %}{% endfor %}{% endfor %}",
    "".join(f"{{% set a{n} = data.big ~ {n} %}}" for n in range(900)),
    "".join(f"{{% set a{n} = data.l | list %}}" for n in range(900)),
    "".join(f"{{% set a{n} = data.d.items() %}}" for n in range(900)),
    "".join(f"{{% set a{n} = data.wide | upper %}}" for n in range(900)),
    "".join(f"{{% set a{n} = data.big | list %}}" for n in range(900)),
    "{% set a0 = 'x' ~ data.s %}"
    + "".join(f"{{% set a{n + 1} = a{n} ~ a{n} %}}" for n in range(50)),
    "{% set a0 = 9 %}"
    + "".join(f"{{% set a{n + 1} = a{n} * a{n} %}}" for n in range(50))
    + "{{ a50 }}",
    "{% set a0 = [data.l] %}"
    + "".join(f"{{% set a{n + 1} = [a{n}, a{n}] %}}" for n in range(50))
    + "{{ a50 }}",
    "{% set a0 = data.l %}"
    + "".join(f"{{% set a{n + 1} = [a{n}, a{n}] %}}" for n in range(50))
    + "{{ a50 == [] }}{{ a50 | tojson(2) }}",
    "{% for i in data.l %}{% set x = data.big[i:] %}{% set y = x | lower %}{% endfor %}",
    "{% for i in data.l %}{% for j in data.l %}{% set x = i * j %}{{ x }}" + "{% endfor %}" * 2,
    "{{ data | tojson(indent=8) }}",
    "{{ data.o | sort(attribute='b,a') | map(attribute='a') | join(',') }}",
]
COSTLY = ["{% for i in data.l %}{{ " + each + " }}{% endfor %}" for each in IN_A_LOOP] + WHOLE


def test_there_are_many_costly_templates() -> None:
    assert len(set(COSTLY)) >= 160


@pytest.mark.battery
@pytest.mark.hazards
@pytest.mark.parametrize(
    "place", [OutputContext.TEXT, OutputContext.JSON, OutputContext.XML, OutputContext.FORM]
)
@pytest.mark.parametrize("source", COSTLY, ids=lambda source: source[:60])
def test_a_costly_template_has_bounded_cpu_time(
    source: str, place: OutputContext, variables: dict[str, object]
) -> None:
    template = compile_template(f'"{source}"', place)
    bodies = []

    def render() -> None:
        with suppress(RenderFault):
            bodies.append(template.render(variables).redacted())

    assert cpu_loops(render) < RENDER_LOOPS
    assert all(len(body.encode()) <= MAX_OUTPUT for body in bodies)


@pytest.mark.parametrize("source", COSTLY, ids=lambda source: source[:60])
def test_a_costly_template_has_bounded_memory_in_the_event_loop(
    source: str, variables: dict[str, object]
) -> None:
    assert peak_bytes(source, variables, INLINE_STEPS) < INLINE_BYTES


@pytest.mark.battery
@pytest.mark.hazards
@pytest.mark.parametrize("source", COSTLY, ids=lambda source: source[:60])
def test_a_costly_template_has_bounded_memory(source: str, variables: dict[str, object]) -> None:
    assert peak_bytes(source, variables, MAX_STEPS) < MOST_BYTES


def peak_bytes(source: str, variables: dict[str, object], steps: int) -> int:
    template = compile_template(source, OutputContext.TEXT)
    tracemalloc.start()
    with suppress(RenderFault):
        template.render(variables, Budget(steps))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


COSTLY_SOURCES = {
    "parentheses": "{{ " + "(" * 30_000 + "1" + ")" * 30_000 + " }}",
    "some parentheses": "{{ " + "(" * 17 + "1" + ")" * 17 + " }}",
    "lists": "{{ " + "[" * 30_000 + "]" * 30_000 + " }}",
    "not": "{{ " + "not " * 15_000 + "1 }}",
    "some not": "{{ " + "not " * 1_500 + "1 }}",
    "minus": "{{ " + "- " * 5_000 + "1 }}",
    "filters": "{{ 1" + "|abs" * 10_000 + " }}",
    "some filters": "{{ 1" + "|abs" * 5_000 + " }}",
    "plus": "{{ 1" + "+1" * 5_000 + " }}",
    "keys": "{{ data" + ".a" * 5_000 + " }}",
    "subscripts": "{{ data" + "[0]" * 3_900 + " }}",
    "data subscripts": "{{ " + "data[" * 1_000 + "1" + "]" * 1_000 + " }}",
    "inline if": "{{ 1" + " if 1 else 1" * 2_000 + " }}",
    "digits": "{{ " + "9" * 60_000 + " }}",
    "digits with underscores": "{{ " + "1_" * 30_000 + "1 }}",
    "hexadecimal": "{{ 0x" + "f" * 60_000 + " }}",
    "decimals": "{{ 1." + "9" * 60_000 + " }}",
    "backslashes": '{{ "' + "\\" * 60_000 + " }}",
    "if": "{% if 1 %}" * 6_000,
    "some if": "{% if 1 %}" * 17 + "{% endif %}" * 17,
    "for": "{% for i in data.l %}" * 3_000,
    "elif": "{% if 1 %}" + "{% elif 1 %}" * 3_000 + "{% endif %}",
    "open braces": "{" * 65_000,
    "open outputs": "{{" * 32_000,
    "open tags": "{%" * 32_000,
    "open comments": "{#" * 32_000,
    "open raw": "{% raw %}" * 7_000,
    "open secrets": "{{secret:" * 7_000,
    "spaces in a tag": "{%" + " " * 65_000,
    "outputs": "{{data.a}}" * 6_500,
    "unknown names": "{{ x }}" * 2_000,
    "a long name": "{{ " + "x" * 65_000 + " }}",
    "a long list": "{{ [" + "1," * 30_000 + "] }}",
    "calls": "{{ data" + "()" * 5_000 + " }}",
    "arguments": "{{ 1 | truncate(" + "length=1," * 2_000 + ") }}",
    "tests": "{{ 1" + " is none" * 5_000 + " }}",
    "sets": "{% set x = 1 %}" * 4_000,
    "set names": "".join(f"{{% set x{n} = x{n - 1} %}}" for n in range(3_000)),
    "slices": "{{ data" + "[:1]" * 3_000 + " }}",
    "products": "{{ 1" + " * 9" * 5_000 + " }}",
    "a long format": "{{ '" + "%s" * 15_000 + "' | format(1) }}",
    "keys with hyphens": "{{ data.a" + "-b" * 5_000 + " }}",
    "too long": "x" * (MAX_SOURCE + 1),
    "too long in bytes": "é" * (MAX_SOURCE // 2 + 1),
}


LONG_SOURCES = {
    "concatenations": "{{ 'a'" + " ~ 'b'" * 2_500 + " }}",
    "and": "{{ 1" + " and 1" * 5_000 + " }}",
    "or": "{{ 'a'" + " or 'a'" * 5_000 + " }}",
    "defaults": "{{ data.x" + " | default('a')" * 30 + " }}",
    "json in json": '"' + '{\\"a\\": ' * 6_000,
    "layers of json": '"' + "".join("{" + "\\" * (2**n - 1) + '"a' for n in range(14)),
    "brackets in json": '"' + "[" * 60_000 + '\\"',
    "form": "a=%7B%22" * 7_000,
}


@pytest.mark.parametrize("place", [OutputContext.JSON, OutputContext.FORM, OutputContext.XML])
@pytest.mark.parametrize("name", LONG_SOURCES)
def test_a_long_source_compiles_or_is_rejected(name: str, place: OutputContext) -> None:
    with suppress(TemplateFaults):
        compile_template(LONG_SOURCES[name], place)


SOURCE_PLACES = [OutputContext.TEXT, OutputContext.JSON, OutputContext.URL, OutputContext.CONDITION]


@pytest.mark.parametrize("place", SOURCE_PLACES)
@pytest.mark.parametrize("name", COSTLY_SOURCES)
def test_a_costly_source_is_rejected_with_a_short_error(name: str, place: OutputContext) -> None:
    with pytest.raises(TemplateFaults) as caught:
        compile_one(COSTLY_SOURCES[name], place)
    assert len(str(caught.value)) < 20_000


@pytest.mark.battery
@pytest.mark.hazards
@pytest.mark.parametrize("place", SOURCE_PLACES)
@pytest.mark.parametrize("name", COSTLY_SOURCES)
def test_a_costly_source_is_rejected_in_bounded_cpu_time(name: str, place: OutputContext) -> None:
    def compile_it() -> None:
        with suppress(TemplateFaults):
            compile_one(COSTLY_SOURCES[name], place)

    assert cpu_loops(compile_it) < SOURCE_LOOPS


def compile_one(source: str, place: OutputContext) -> object:
    if place is OutputContext.CONDITION:
        return compile_condition(source)
    return compile_template(source, place)


def test_the_largest_template_compiles() -> None:
    source = ('{"a": "{{ data.x }}"}, ' + "x" * 200) * 290
    assert MAX_SOURCE * 0.98 < len(source) <= MAX_SOURCE
    compile_template(source.replace("x" * 200, " " * 200), OutputContext.JSON)


@pytest.mark.parametrize(
    ("place", "start", "most"),
    [
        (OutputContext.TEXT, "", MAX_OUTPUT),
        (OutputContext.JSON, "", MAX_OUTPUT - 2),
        (OutputContext.HEADER, "", MAX_HEADER),
        (OutputContext.URL, "https://a.example/", MAX_URL - 18),
    ],
)
def test_the_output_may_have_exactly_the_maximum_length(
    place: OutputContext, start: str, most: int
) -> None:
    template = compile_template(start + "{{ data.x }}", place)
    template.render({"data": {"x": "a" * most}})
    with pytest.raises(RenderFault, match="too long"):
        template.render({"data": {"x": "a" * (most + 1)}})


def test_the_output_limit_is_in_bytes() -> None:
    template = compile_template("{{ data.x }}", OutputContext.TEXT)
    template.render({"data": {"x": "é" * (MAX_OUTPUT // 2)}})
    with pytest.raises(RenderFault, match="too long"):
        template.render({"data": {"x": "é" * (MAX_OUTPUT // 2 + 1)}})


def test_static_text_above_the_limit_is_rejected_on_save() -> None:
    with pytest.raises(TemplateFaults, match="too long"):
        compile_template("https://a.example/" + "a" * MAX_URL, OutputContext.URL)


def test_an_invoice_of_two_thousand_lines_renders() -> None:
    items = [{"sku": f"x{i}", "qty": i, "price": 1.5, "name": "A thing"} for i in range(2_000)]
    source = (
        '[{% for i in data.items %}{"n": {{ loop.index }}, "sku": "{{ i.sku }}",'
        ' "qty": {{ i.qty }}, "name": "{{ i.name | upper }}"}'
        "{% if not loop.last %},{% endif %}{% endfor %}]"
    )
    body = (
        compile_template(source, OutputContext.JSON).render({"data": {"items": items}}).redacted()
    )
    assert len(json.loads(body)) == 2_000
