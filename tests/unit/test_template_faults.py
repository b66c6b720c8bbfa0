from __future__ import annotations

from types import MappingProxyType

import pytest

from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import PathUse, compile_condition, compile_template
from rowhook.template.faults import RenderFault
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
    ("source", "message"),
    [
        ("{{ data.nmae }}", "data.nmae is not defined; did you mean data.name?"),
        ("{{ context.callbak }}", "context.callbak is not defined; did you mean context.callback?"),
        (
            "{{ data.items[0].skuu }}",
            "data.items[0].skuu is not defined; did you mean data.items[0].sku?",
        ),
        (
            "{% for i in data.items %}{{ i.qyt }}{% endfor %}",
            "i.qyt is not defined; did you mean i.qty?",
        ),
        ("{{ data.zzz }}", "data.zzz is not defined."),
        ("{{ data.items[9] }}", "data.items[9] is not defined: data.items is a list of 2 items."),
        ("{{ data.nil.x }}", "data.nil.x is not defined: data.nil is null."),
        (
            "{{ data.name.upper }}",
            "data.name.upper is not defined: data.name is a string of 3 characters.",
        ),
        ("{{ data.n.real }}", "data.n.real is not defined: data.n is a number."),
        ("{{ job.id }}", "job.id is not defined: job is not available here."),
        ("{{ data[data.name] }}", "data[…] is not defined: data does not have this key."),
        ("{{ data[data.flag] }}", "data[…]: a key must be a string or an integer, not a boolean."),
        (
            "{{ data.nope | upper | default('x') }}",
            "data.nope is not defined; did you mean data.none?",
        ),
        ("{{ data.none | first }}", "data.none | first is not defined: the value is empty."),
        ("{{ data.whole | length }}", "data.whole | length: a number has no length."),
        (
            "{{ data.name + 1 }}",
            (
                "data.name + an expression: expected a number, not a string. "
                "+ takes numbers; ~ joins strings."
            ),
        ),
        (
            "{{ data.name < 1 }}",
            "data.name: cannot evaluate a string < a number. Use numbers or strings.",
        ),
        (
            "{{ 1 in data.whole }}",
            (
                "an expression: cannot evaluate a number in a number. "
                "Use a list, an object or a string."
            ),
        ),
        (
            "{% for i in data.nil %}{% endfor %}",
            "data.nil is null. A loop needs a list or an object.",
        ),
        (
            "{% for i in data.name %}{% endfor %}",
            "data.name is a string. A loop needs a list or an object.",
        ),
        (
            "{{ data.name | date }}",
            "data.name | date: not an RFC 3339 date, e.g. 2026-05-23T12:34:56Z.",
        ),
        ("{{ '2026-02-30' | date }}", "… | date: not an existing date in the years 1 to 9999."),
        (
            "{{ '0001-01-01T00:00:00+01:00' | date }}",
            "… | date: not an existing date in the years 1 to 9999.",
        ),
        (
            "{{ 1e100000 | date }}",
            "… | date: too large for epoch seconds. Pass seconds, not milliseconds.",
        ),
        ("{{ data.huge | int }}", "data.huge | int: the number has more than 400 digits."),
        (
            "{{ data.list | join(attribute='x') }}",
            (
                "data.list | join: attribute is not defined for every item. "
                "Select those with it first: selectattr('…', 'defined')."
            ),
        ),
        (
            "{{ data.name | truncate(2) }}",
            (
                "data.name | truncate: length must be at least 3, the length of end, "
                "and leeway at least 0."
            ),
        ),
    ],
)
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
        "{% if true %}{{ data.x }}{% else %}{{ job.id }}{% endif %}", OutputContext.TEXT
    )
    assert template.render(Lazy()).redacted() == "1"


def test_a_template_lists_the_paths_roots_and_secrets_that_it_uses() -> None:
    template = compile_template(
        '{"a": "{{ data.a.b }} {{ data.items[0].x | default(1) }}", "k": "{{secret:s}}", "i": '
        "{% if data.c is defined and context.d %}{{ data.e }}{% else %}{{ data.a.b }}{% endif %}}",
        OutputContext.JSON,
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
    assert compile_template('{"a": 1}', OutputContext.JSON).is_static


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
def test_a_condition_is_true_or_false(source: str, holds: bool) -> None:  # noqa: FBT001  # the case
    assert compile_condition(source).holds(VARIABLES) is holds


def test_a_condition_on_an_undefined_variable_fails() -> None:
    with pytest.raises(RenderFault, match=r"data\.scoer is not defined"):
        compile_condition("data.scoer > 3").holds(VARIABLES)
