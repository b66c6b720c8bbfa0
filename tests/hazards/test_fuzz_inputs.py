"""Fuzzers of templates and schemas, ROWHOOK_FUZZ_S seconds each, after replaying a corpus.

A line of a corpus is one input as a JSON string; for schemas, a schema and a value.
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
from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import compile_condition, compile_template
from rowhook.template.faults import RenderFault, TemplateFault, TemplateFaults
from rowhook.template.limits import MAX_HEADER, MAX_OUTPUT, MAX_URL
from tests.hazards.test_fuzz import FUZZ_S, fuzz, min_inputs, replay_corpus
from tests.support.cpu_cost import cpu_loops
from tests.support.scoreboard import score
from tests.unit.test_schema_budget import SCHEMAS
from tests.unit.test_template_values import ANYTHING, EXPRESSIONS

pytestmark = [pytest.mark.battery, pytest.mark.hazards]
# The CPU limit of a template and a schema, in loops of tests.support.cpu_cost.
TEMPLATE_LOOPS, SCHEMA_LOOPS = 60, 100
LONGEST = {OutputContext.URL: MAX_URL, OutputContext.HEADER: MAX_HEADER}
# A text that only the data contains; its appearance means that a value was disclosed.
CANARY = "canary-5f0c"


def run(
    name: str, inputs: st.SearchStrategy[str], check: Callable[[str], float], requirement: str
) -> None:
    """Replays a corpus, then fuzzes; `check` returns the CPU loops of an input."""
    worst = 0.0

    def timed(text: str) -> None:
        nonlocal worst
        worst = max(worst, check(text))

    corpus = replay_corpus(f"{name}.txt")
    for text in corpus:
        timed(text)
    tried = fuzz(timed, inputs, FUZZ_S)
    score(
        f"fuzzed inputs: {name}",
        required=f"{FUZZ_S:g} s: {requirement}",
        measured=f"{tried} new ones, {len(corpus)} of the corpus, worst {worst:.0f} CPU loops",
        holds=tried >= min_inputs(FUZZ_S),
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


def render_contexts(source: str, place: OutputContext) -> None:
    """Compiles and renders a source; only the two documented errors are allowed."""
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
    """Returns the cost of the slowest context."""
    slowest = 0.0
    for place in OutputContext:
        took = cpu_loops(lambda place=place: render_contexts(source, place))  # type: ignore[misc]  # bound
        assert took <= TEMPLATE_LOOPS, (place, took, source)
        slowest = max(slowest, took)
    return slowest


def test_any_template_is_rejected_or_renders_or_fails_with_a_render_fault() -> None:
    requirement = f"two errors at most, each ≤ {TEMPLATE_LOOPS} CPU loops"
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


def without_infinities(value: Any) -> Any:
    """Returns the value without NaN and infinities, which JSON cannot represent."""
    if isinstance(value, dict):
        return {name: without_infinities(element) for name, element in value.items()}
    if isinstance(value, list):
        return [without_infinities(element) for element in value]
    return None if isinstance(value, float) and value - value != 0 else value


SCHEMA_TEXTS = st.builds(
    lambda schema, value: json.dumps([without_infinities(schema), value]), SCHEMAS, VALUES
)


def check_schema(text: str) -> float:
    """Compiles the schema and validates the value, each within its budget."""
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
        assert exists(fault.pointer, instance), (fault.pointer, text)
    return took


def exists(pointer: str, instance: Any) -> bool:
    """Returns whether a pointer exists in the instance."""
    for step in json_pointer.split(pointer):
        if isinstance(instance, list):
            if not step.isdecimal() or int(step) >= len(instance):
                return False
            instance = instance[int(step)]
        else:
            # NUL in a name is reported as its escape, since PostgreSQL cannot store it.
            named = {key.replace("\0", "\\u0000"): entry for key, entry in dict(instance).items()}
            if step not in named:
                return False
            instance = named[step]
    return True


def test_any_schema_is_rejected_or_validates_any_value_within_its_budget() -> None:
    requirement = f"one error at most, ≤ {SCHEMA_LOOPS} loops of CPU, no value is told"
    run("schema", SCHEMA_TEXTS, check_schema, requirement)
