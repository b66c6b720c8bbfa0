"""Fuzzers of templates and of schemas, for ROWHOOK_FUZZ_S seconds each, after their corpus.

A line of a corpus is one input as a JSON string; a schema's holds a schema and a value for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from rowhook import json_pointer
from rowhook.schema.budget import Fault
from rowhook.schema.reader import parse_instance
from rowhook.schema.schema_compiler import SchemaRejected, compile_schema
from rowhook.template.compiler import compile_condition, compile_template
from rowhook.template.faults import RenderFault, TemplateFault, TemplateFaults
from rowhook.template.limits import MAX_HEADER, MAX_OUTPUT, MAX_URL
from rowhook.template.output_context import OutputContext
from tests.hazards.test_fuzz import FUZZ_S, fuzz, least, replayed
from tests.support.cpu_cost import cpu_loops
from tests.support.scoreboard import score
from tests.unit.test_schema_budget import SCHEMAS
from tests.unit.test_template_values import ANYTHING, EXPRESSIONS

pytestmark = [pytest.mark.battery, pytest.mark.hazards]
# CPU that a template and a schema may take, in loops of tests.support.cpu_cost.
TEMPLATE_LOOPS, SCHEMA_LOOPS = 60, 100
LONGEST = {OutputContext.URL: MAX_URL, OutputContext.HEADER: MAX_HEADER}
# A text that stands in data alone: where it turns up, a value was told.
CANARY = "canary-5f0c"


def run(
    name: str, inputs: st.SearchStrategy[str], check: Callable[[str], float], asked: str
) -> None:
    """Replays a corpus, then fuzzes; `check` returns the loops of CPU that an input took."""
    worst = 0.0

    def timed(text: str) -> None:
        nonlocal worst
        worst = max(worst, check(text))

    corpus_size = replayed(f"{name}.txt")
    for text in corpus_size:
        timed(text)
    tried = fuzz(timed, inputs, FUZZ_S)
    score(
        f"fuzzed inputs: {name}",
        asked=f"{FUZZ_S:g} s: {asked}",
        measured=f"{tried} new ones, "
        f"{len(corpus_size)} of the corpus, worst {worst:.0f} loops of CPU",
        holds=tried >= least(FUZZ_S),
    )


SYNTAX = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{%-",
    "-%}",
    "{{secret:k}}",
    "{% if ",
    "{% for i in ",
    "{% else %}",
    "{% endif %}",
    "{% endfor %}",
    "{% raw %}",
    "{% endraw %}",
    "data",
    ".x",
    "[0]",
    "loop.index",
    " | ",
    "default(",
    "tojson",
    "join(",
    ")",
    "(",
    " is ",
    " in ",
    " not ",
    " ~ ",
    "**",
    "__class__",
    "range",
    "'",
    '"',
    "\\",
    "\\u00",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "<a b='",
    "'>",
    "</a>",
    "<!--",
    "&",
    "=",
    "https://",
    "a.example",
    "/",
    "?",
    "#",
    "\0",
    "\r\n",
    "\ud800",
    "\u2028",
    "😀",
    "9" * 41,
    "1e5",
    " ",
]
WRAPPED = [
    "{{{{ {0} }}}}",
    '{{"a": {{{{ {0} }}}}, "b": "{{{{ {0} }}}}"}}',
    "{{% if {0} %}}x{{% endif %}}",
    "https://a.example/{{{{ {0} }}}}",
    "[0{{% for i in {0} %}},{{{{ i }}}}{{% endfor %}}]",
    "{0}",
]
TEMPLATES = st.one_of(
    st.lists(st.sampled_from(SYNTAX) | st.text(max_size=3), max_size=14).map("".join),
    st.builds(lambda form, part: form.format(part), st.sampled_from(WRAPPED), EXPRESSIONS),
)


def rendered(source: str, place: OutputContext) -> None:
    """Compiles and renders a source; nothing but the two documented errors may come of it."""
    faults: tuple[TemplateFault, ...] = ()
    text = ""
    try:
        if place is OutputContext.CONDITION:
            compile_condition(source).holds({"data": ANYTHING})
        else:
            text = compile_template(source, place).render({"data": ANYTHING}).redacted()
    except TemplateFaults as refused:
        faults = refused.faults
    except RenderFault:
        return
    assert all(fault.line >= 1 <= fault.column and fault.message for fault in faults), source
    assert len(text.encode()) <= LONGEST.get(place, MAX_OUTPUT), source


def check_template(source: str) -> float:
    """What the slowest place took."""
    slowest = 0.0
    for place in OutputContext:
        took = cpu_loops(lambda place=place: rendered(source, place))  # type: ignore[misc]  # bound
        assert took <= TEMPLATE_LOOPS, (place, took, source)
        slowest = max(slowest, took)
    return slowest


def test_any_template_is_refused_or_renders_or_fails_as_a_fault() -> None:
    requirement = f"two errors at most, each ≤ {TEMPLATE_LOOPS} loops of CPU"
    run("template", TEMPLATES, check_template, requirement)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([CANARY, CANARY + "@a.example"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "x", "$ref", "", "a/b~c", "\0"]), inner, max_size=4)
    ),
    max_leaves=30,
)


def finite(value: Any) -> Any:
    """The same without NaN and infinities, which no JSON text holds."""
    if isinstance(value, dict):
        return {name: finite(element) for name, element in value.items()}
    if isinstance(value, list):
        return [finite(element) for element in value]
    return None if isinstance(value, float) and value - value != 0 else value


SCHEMA_TEXTS = st.builds(lambda schema, value: json.dumps([finite(schema), value]), SCHEMAS, VALUES)


def check_schema(text: str) -> float:
    """Compiles the schema and checks the value, each within its budget."""
    schema, value = json.loads(text)
    instance = parse_instance(json.dumps(value))
    compiled: list[Any] = []
    refusals: list[tuple[str, str]] = []
    faults: list[Fault] = []

    def compile_it() -> None:
        try:
            compiled.append(compile_schema(schema))
        except SchemaRejected as refused:
            refusals[:] = refused.faults

    def check_it() -> None:
        faults[:] = compiled[0].faults(instance)

    took = cpu_loops(compile_it)
    assert took <= SCHEMA_LOOPS, (took, text)
    if compiled:
        took = max(took, cpu_loops(check_it))
    assert took <= SCHEMA_LOOPS, (took, text)
    assert bool(refusals) is not bool(compiled), text
    assert max(len(refusals), len(faults)) <= 20, text
    for fault in faults:
        assert CANARY not in str(fault), text
        assert stands(fault.pointer, instance), (fault.pointer, text)
    return took


def stands(pointer: str, instance: Any) -> bool:
    """Whether a pointer names something in the instance."""
    for step in json_pointer.split(pointer):
        if isinstance(instance, list):
            if not step.isdecimal() or int(step) >= len(instance):
                return False
            instance = instance[int(step)]
        else:
            # A NUL in a name is told as its escape: Postgres could not store it.
            named = {key.replace("\0", "\\u0000"): entry for key, entry in dict(instance).items()}
            if step not in named:
                return False
            instance = named[step]
    return True


def test_any_schema_is_refused_or_judges_any_value_within_its_budget() -> None:
    requirement = f"one error at most, ≤ {SCHEMA_LOOPS} loops of CPU, no value is told"
    run("schema", SCHEMA_TEXTS, check_schema, requirement)
