from __future__ import annotations

import pytest

from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import compile_condition, compile_template
from rowhook.template.faults import TemplateFaults

OBJECTS = ["data", "data.x", "''", "1", "[]", "{}", "loop", "session", "none", "(data)", "data[0]"]
CALLS = [
    "()",
    ".format()",
    ".items(1)",
    ".get('x')",
    ".__class__()",
    "['x']()",
    ".mro()",
    ".join([1])",
]
GLOBALS = [
    *("lipsum", "cycler", "joiner", "namespace", "range", "dict", "self", "super", "caller"),
    *("varargs", "kwargs", "request", "config", "url_for", "get_flashed_messages", "g", "os"),
    *("__import__", "__builtins__", "open", "eval", "exec", "environ", "undefined", "_", "secret"),
]
BUILTIN_FILTERS = [
    *("attr", "map", "select", "reject", "selectattr", "rejectattr", "groupby", "map"),
    *("batch", "slice", "dictsort", "pprint", "xmlattr", "safe", "map('upper')", "format(*data)"),
    *("escape", "e", "forceescape", "urlize", "striptags", "indent", "center", "wordwrap"),
    *("wordcount", "filesizeformat", "random", "reverse", "sort(1, 2, 3, 4)", "items(1)"),
    *("selectattr('a', 'sameas', 1)", "selectattr('a', 'eq')", "selectattr('a', data.y)"),
    *("selectattr(*data.y)", "rejectattr('a', 'callable')", "map(attribute='a', x=1)"),
]
BUILTIN_TESTS = [
    *("callable", "filter", "test", "sameas", "iterable", "escaped", "divisibleby", "even", "odd"),
    *("lower", "upper", "integer", "float", "true", "false"),
]
TAGS = [
    "{% set x = 1 %}{% set x = 2 %}",
    "{% set a, b = data.x %}",
    "{% set data = 1 %}",
    "{% set loop = 1 %}",
    "{% set %}",
    "{% for i in data.x %}{% set i = 1 %}{% endfor %}",
    "{% set x = 1 %}{% if data.y %}{% set x = 2 %}{% endif %}",
    "{% set ns.x = 1 %}",
    "{% set x %}a{% endset %}",
    "{% set data.x = 1 %}",
    "{% import 'a' as b %}",
    "{% from 'a' import b %}",
    "{% include 'a' %}",
    "{% include data.x %}",
    "{% extends 'a' %}",
    "{% block a %}{% endblock %}",
    "{% macro a() %}{% endmacro %}",
    "{% call a() %}{% endcall %}",
    "{% filter upper %}a{% endfilter %}",
    "{% with a = 1 %}{{ a }}{% endwith %}",
    "{% autoescape false %}{% endautoescape %}",
    "{% do data.x %}",
    "{% print data.x %}",
    "{% trans %}a{% endtrans %}",
    "{% debug %}",
    "{% for i in data.x %}{% break %}{% endfor %}",
    "{% for i in data.x recursive %}{{ loop(i) }}{% endfor %}",
    "{% for i in data.x recursive %}{% endfor %}",
    "{% for a, b, c in data.x %}{% endfor %}",
    "{% for a, (b, c) in data.x %}{% endfor %}",
    "{% for a, data in data.x %}{% endfor %}",
    "{% for data in data.x %}{% endfor %}",
    "{% for loop in data.x %}{% endfor %}",
    "{% for secret in data.x %}{% endfor %}",
    "{% for data.x in data.y %}{% endfor %}",
]
EXPRESSIONS = [
    "'a' * 10",
    "2 ** 8",
    "2 ** 10 ** 8",
    "4 / 'a'",
    "[1] * 2",
    "data.x + 'a'",
    "'%s' % data",
    "'%*d' | format(1, 2)",
    "'%r' | format(data)",
    "'%1000d' | format(1)",
    "'%.1000f' | format(1)",
    "'%s %s' | format(1)",
    "'%(a)s' | format(b=1)",
    "'%' | format",
    "data.x[1:2](1)",
    "data.x | date('%F', 'Mars/Olympus')",
    "data.x | date('%F', '../../etc/passwd')",
    "data.x | date('%F', 5)",
    "data, data",
    "(1, 2)",
    "()",
    "{1: 2}",
    "{data.x: 2}",
    "loop",
    "loop.index",
    "data.x | default(1)(2)",
    "data.x | upper.lower",
    "data.x | replace('a')",
    "data.x | replace('a', 'b', 1, 2)",
    "data.x | upper(1)",
    "data.x | upper(*data.y)",
    "data.x | default(**data.y)",
    "data.x | truncate(length=1, length=2)",
    "data.x | truncate(1, length=2)",
    "data.x | join(sep=',')",
    "data.x | date('%c')",
    "data.x | date('%')",
    "data.x | date(5)",
    "data.x is eq",
    "data.x is defined(1)",
    "data.x is in(1, 2)",
    "data.x is is defined",
    "data.x is none is none",
    "data.x <",
    "data..x",
    "data.",
    "data[",
    "data[]",
    "data.x |",
    "'open",
    "1 = 2",
    "1 === 2",
    "data?.x",
    "data.x ? 1 : 2",
    "data && data",
    "data || data",
    "!data",
    "x => x",
    "lambda: 1",
    "await data",
    "data := 1",
    "`data`",
    "$data",
    "@data",
    "data\\x",
    "f'{data}'",
    "",
    "9" * 41,
]
WALKS = [f"{{{{ {value}{call} }}}}" for value in OBJECTS for call in CALLS]
ESCAPES = [
    *WALKS,
    *(f"{{{{ {name} }}}}" for name in GLOBALS),
    *(f"{{{{ {name}.__globals__['os'].popen('id').read() }}}}" for name in GLOBALS[:6]),
    *(f"{{{{ data.x | {name} }}}}" for name in BUILTIN_FILTERS),
    *(f"{{{{ data.x is {name} }}}}" for name in BUILTIN_TESTS),
    *TAGS,
    *(f"{{{{ {expression} }}}}" for expression in EXPRESSIONS),
    "{{ data.x",
    "{% if data.x %}",
    "{% endif %}",
    "{% else %}",
    "{% for i in data.x %}{% endif %}",
    "{# never closed",
    "{% raw %}never closed",
    "{%",
    "{{",
]


def test_there_are_many_sandbox_escapes() -> None:
    assert len(set(ESCAPES)) >= 250


@pytest.mark.parametrize("source", ESCAPES)
def test_a_sandbox_escape_is_rejected_on_save(source: str) -> None:
    with pytest.raises(TemplateFaults) as caught:
        compile_template(source, OutputContext.TEXT)
    for fault in caught.value.faults:
        assert fault.line == 1
        assert 1 <= fault.column <= len(source) + 1
        assert "Jinja" not in fault.message


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("{{ dta.x }}", 1, 4, "Did you mean data?"),
        ("a\nb {{ data.x + sesion.id }}", 2, 15, "Did you mean session?"),
        ("a\r\n\r\nb {{ nope }}", 3, 6, "Unknown name"),
        ("é😀 {{ nope }}", 1, 7, "Unknown name"),
        ("{{ data.x | uper }}", 1, 13, "Did you mean upper?"),
        ("{{ data.x is defind }}", 1, 11, "Did you mean defined?"),
        ("{{ data.x() }}", 1, 10, "Calls are not supported"),
        ("{{ 1 +\n   data.x ** 2 }}", 2, 11, "operator ** is not supported"),
        ("{%- fro i in data.x %}", 1, 5, "Did you mean for?"),
        ("  {%- sett x = 1 %}", 1, 7, "Did you mean set?"),
        ("{% set x = 1 %}{% set x = 2 %}", 1, 23, "x is set already"),
        ("a {{ data.x | date('%Q') }}", 1, 20, "Unknown format code %Q"),
        ("{{ data.x | replace }}", 1, 13, "replace requires the argument old"),
        ("{% for i in data.x %}{{ loop.idx }}{% endfor %}", 1, 25, "of loop are index"),
        ("{% for i in data.x %}{% else %}{{ i }}{% endfor %}", 1, 35, "Unknown name"),
        ("{% for i in data.x %}{% else %}{{ loop.index }}{% endfor %}", 1, 35, "not in else"),
        ("{{ data.x", 1, 9, "ends inside a tag"),
        ("{{ }}", 1, 4, "An expression is missing"),
        ("{% if data.x %}\n", 1, 16, "ends inside an open if or for"),
        ("a {{secret:x|upper}}", 1, 5, "must be written alone"),
        ("{% if secret:x %}{% endif %}", 1, 7, "must be written alone"),
        ("{{ secret }}", 1, 4, "must be written alone"),
        ("{{ 'a' ~ secret:x }}", 1, 10, "must be written alone"),
        ("{{secret:" + "x" * 129 + "}}", 1, 3, "An id has 1 to 128"),
        ("{{secret:sp ace}}", 1, 3, "must be written alone"),
        ("{{secret:}}", 1, 3, "must be written alone"),
        ("a\ud800", 1, 2, "a lone surrogate"),
    ],
)
def test_a_fault_has_a_position_and_advice(
    source: str, line: int, column: int, message: str
) -> None:
    with pytest.raises(TemplateFaults) as caught:
        compile_template(source, OutputContext.TEXT)
    fault = caught.value.faults[0]
    assert message in fault.message
    assert (fault.line, fault.column) == (line, column)


def test_all_faults_are_listed_in_order() -> None:
    source = (
        "{{ nope }}\n{{ data.x | foo }}{{ data.y() }}\n"
        "{% if data.z is odd %}{{ goa.id }}{% endif %}"
    )
    with pytest.raises(TemplateFaults) as caught:
        compile_template(source, OutputContext.TEXT)
    places = [(fault.line, fault.column) for fault in caught.value.faults]
    assert places == [(1, 4), (2, 13), (2, 28), (3, 14), (3, 26)]
    assert "Line 2, column 13: Unknown filter foo." in str(caught.value)


@pytest.mark.parametrize(
    ("source", "column", "message"),
    [
        ("data.score >", 13, ""),
        ("scor > 3", 1, "Unknown name"),
        ("{{ scor > 3 }}", 4, "Unknown name"),
        ("data.x }}{{ data.y", 1, "one expression"),
        ("{{ data.x }} and {{ data.y }}", 1, "one expression"),
        ("{% if data.x %}yes{% endif %}", 1, "one expression"),
        ("{{ data.x }}yes", 1, "one expression"),
        ("{{secret:x}}", 3, "must be written alone"),
        ("secret:x == 'a'", 1, "must be written alone"),
        ("data.x()", 7, "Calls are not supported"),
        ("", 1, "An expression is missing"),
    ],
)
def test_a_condition_is_one_expression(source: str, column: int, message: str) -> None:
    with pytest.raises(TemplateFaults) as caught:
        compile_condition(source)
    fault = caught.value.faults[0]
    assert (fault.line, fault.column) == (1, column)
    assert message in fault.message


def test_a_condition_is_not_a_template() -> None:
    with pytest.raises(ValueError, match="compile_condition"):
        compile_template("data.x", OutputContext.CONDITION)


def test_only_the_documented_root_variables_are_defined() -> None:
    compile_template("{{ data.x }}", OutputContext.TEXT, roots=frozenset({"data"}))
    with pytest.raises(TemplateFaults, match="Unknown name session"):
        compile_template("{{ session.id }}", OutputContext.TEXT, roots=frozenset({"data"}))
