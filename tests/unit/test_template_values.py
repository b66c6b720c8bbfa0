from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import compile_template
from rowhook.template.faults import RenderFault, TemplateFault, TemplateFaults
from rowhook.template.json_text import parse_json

if TYPE_CHECKING:
    from decimal import Decimal


BODIES = [place for place in OutputContext if place is not OutputContext.CONDITION]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(
        ['","admin":true,"x":"', "{{ data.x }}", "{% if %}", "\u2028", "\ud800", "\\"]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SKELETONS = [
    '{"a": {{ data.x }}, "b": 1}',
    '{"a": {{ data.x | tojson }}, "b": 1}',
    '{% if true %}{"a": {{ data.x }}{% endif %}, "b": 1}',
    '{% for i in [data.x] %}{"a": {{ i }}, "b": 1}{% endfor %}',
    '{"a": {{ data.nope | default(data.x) }}, "b": 1}',
    '{"a":{{- data.x -}},"b":{{ 1 }}}',
    '{"a": {{ [data.x] | first }}, "b": 1}',
]


@given(value=VALUES, skeleton=st.sampled_from(SKELETONS))
def test_any_value_arrives_without_additional_keys(value: object, skeleton: str) -> None:
    data = parse_json(json.dumps({"x": value}))
    body = compile_template(skeleton, OutputContext.JSON).render({"data": data}).redacted()
    body.encode()
    assert json.loads(body) == {"a": value, "b": 1}


@given(value=VALUES)
def test_any_value_inside_quotes_stays_inside_them(value: object) -> None:
    data = parse_json(json.dumps({"x": value}))
    source = '{"a": "<{{ data.x }}>", "{{ data.x }}": 0}'
    parsed = json.loads(
        compile_template(source, OutputContext.JSON).render({"data": data}).redacted()
    )
    inside = parsed["a"][1:-1]
    assert list(parsed) == ["a", inside]
    if isinstance(value, str):
        assert inside == value
    elif isinstance(value, list | dict):
        assert json.loads(inside) == value


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,6})?", fullmatch=True)
)
def test_any_number_keeps_its_digits(digits: str) -> None:
    data = parse_json(f'{{"x": {digits}, "l": [{digits}]}}')
    source = "{{ data.x }} {{ data.l }} {{ data.x | tojson }} {{ data.x == data.l[0] }}"
    written = compile_template(source, OutputContext.TEXT).render({"data": data}).redacted()
    assert written == f"{digits} [{digits}] {digits} true"


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20
    ),
    st.integers(),
)
def test_arithmetic_and_comparisons_of_numbers_are_exact(left: Decimal, right: int) -> None:
    template = compile_template(
        "{{ data.a + data.b }} {{ data.a - data.b }} {{ data.a < data.b }} {{ data.a == data.b }}",
        OutputContext.TEXT,
    )
    text = template.render({"data": parse_json(f'{{"a": {left:f}, "b": {right}}}')}).redacted()
    added, difference, less, same = text.split()
    exact = Fraction(left)
    assert (Fraction(added), Fraction(difference)) == (exact + right, exact - right)
    assert (less, same) == (str(left < right).lower(), str(left == right).lower())


ATOMS = st.sampled_from(
    [
        "data.t",
        "data.n",
        "data.l",
        "data.o",
        "data.nil",
        "data.flag",
        "data.huge",
        "data.no",
        "data.sur",
        "1",
        "'a'",
        "-1.5",
        "[]",
        "none",
        "true",
        "{'a': data.l}",
    ]
)
APPLIED = st.sampled_from(
    [
        "{0} | default({1})",
        "{0} | tojson",
        "{0} | upper",
        "{0} | trim({1})",
        "{0} | title",
        "{0} | length",
        "{0} | first",
        "{0} | last",
        "{0} | join({1})",
        "{0} | replace({1}, {0})",
        "{0} | truncate({1})",
        "{0} | round({1})",
        "{0} | int({1})",
        "{0} | float",
        "{0} | string",
        "{0} | abs",
        "{0} | urlencode",
        "{0} | date",
        "{0} | b64encode",
        "{0} + {1}",
        "{0} - {1}",
        "{0} ~ {1}",
        "{0} < {1}",
        "{0} == {1}",
        "{0} in {1}",
        "not {0}",
        "-({0})",
        "{0} if {1} else {0}",
        "{0} and {1} or {0}",
        "{0} is defined",
        "{0} is lt({1})",
        "{0} is in {1}",
        "[{0}, {1}]",
        "({0})[{1}]",
        "({0}).a",
        "{0} | join({1}, attribute={0})",
        "{0} | truncate(3, {1}, {0})",
        "{0} | int(0, {1})",
        "{0} | round(1, {1})",
        "{0} | date({1})",
    ]
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.builds(
        lambda form, a, b: form.format(f"({a})", f"({b})"), APPLIED, inner, inner
    ),
    max_leaves=4,
)
ANYTHING = parse_json(
    '{"t": "a\\u2028😀", "n": -1.50, "l": [1, "a", [2]], "o": {"a": 1}, "nil": null, "flag": true,'
    ' "huge": 1e100000, "sur": "\\ud800",'
    ' "big": [1e99999999999999999999, 7e-99999999999999999999]}'
)


@given(
    expression=EXPRESSIONS,
    place=st.sampled_from(
        [
            OutputContext.JSON,
            OutputContext.XML,
            OutputContext.FORM,
            OutputContext.TEXT,
            OutputContext.HEADER,
        ]
    ),
)
def test_any_expression_renders_or_fails_with_a_render_fault(
    expression: str, place: OutputContext
) -> None:
    try:
        template = compile_template(f"{{{{ {expression} }}}}", place)
        body = template.render({"data": ANYTHING}).redacted()
    except (TemplateFaults, RenderFault):
        return
    body.encode()
    if place is OutputContext.JSON:
        json.loads(body)


@given(
    st.text(alphabet="{}%#-+ \n\r\"'\\|.,()[]<>=~!&/*_adtinforels1é\u2028:", max_size=60),
    st.sampled_from(BODIES),
)
def test_any_source_compiles_or_is_rejected(source: str, place: OutputContext) -> None:
    faults: tuple[TemplateFault, ...] = ()
    try:
        compile_template(source, place)
    except TemplateFaults as refused:
        faults = refused.faults
    assert all(fault.line >= 1 and fault.column >= 1 for fault in faults)
