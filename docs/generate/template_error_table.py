"""The catalogue of template errors: an example of each, its message and the remedy.

The messages are those of the code; `tests/unit/test_template_catalogue.py` checks that each example
fails and that each remedy works.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rowhook.render.configuration import Configuration
from rowhook.render.save_checks import check_before_save
from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import compile_condition, compile_template
from rowhook.template.faults import RenderFault, TemplateFaults
from rowhook.template.json_values import parse_json

DATA = {
    "name": "Ada",
    "first-name": "Ada",
    "n": 3,
    "zero": 0,
    "on": True,
    "id": "",
    "at": "2026-05-23T12:34:56Z",
    "lines": [{"sku": "x1"}, {"sku": "x2"}],
    "prices": {"a": 1},
    "none": [],
}


class Entry(NamedTuple):
    """A template that fails, and one that works instead."""

    wrong: str
    right: str
    context: OutputContext = OutputContext.TEXT


_JSON, _URL = OutputContext.JSON, OutputContext.URL
_HEADER, _XML = OutputContext.HEADER, OutputContext.XML
_CONDITION = OutputContext.CONDITION

SYNTAX = (
    Entry("{{ data.name", "{{ data.name }}"),
    Entry("{% if data.on %}a", "{% if data.on %}a{% endif %}"),
    Entry(
        "{% if data.on %}a{% else if data.n %}b{% endif %}",
        "{% if data.on %}a{% elif data.n %}b{% endif %}",
    ),
    Entry("{% if data.on && data.n %}a{% endif %}", "{% if data.on and data.n %}a{% endif %}"),
    Entry("{% if data.on || data.n %}a{% endif %}", "{% if data.on or data.n %}a{% endif %}"),
    Entry("{% if !data.on %}a{% endif %}", "{% if not data.on %}a{% endif %}"),
    Entry("{% if data.n = 3 %}a{% endif %}", "{% if data.n == 3 %}a{% endif %}"),
    Entry("{{ data.on ? 1 : 2 }}", "{{ 1 if data.on else 2 }}"),
    Entry("{{ data.n == null }}", "{{ data.n is none }}"),
    Entry("{{ data.first-name }}", "{{ data['first-name'] }}"),
    Entry("{{ nmae }}", "{{ data.nmae | default }}"),
    Entry("{{ secrets.token }}", "{{secret:token}}"),
    Entry("{{ {{ data.name }} }}", "{{ data.name }}"),
    Entry("{{#each data.lines}}a{{/each}}", "{% for line in data.lines %}a{% endfor %}"),
    Entry("{{ data.name | upper | }}", "{{ data.name | upper }}"),
    Entry("{{ data.at | date('YYYY-MM-DD') }}", "{{ data.at | date('%Y-%m-%d') }}"),
    Entry("{{ data.name | uper }}", "{{ data.name | upper }}"),
    Entry("{{ data.lines | reverse }}", "{{ data.lines[::-1] }}"),
    Entry("{{ data.name | safe }}", "{{ data.name }}"),
    Entry("{{ data.n is even }}", "{{ data.n % 2 == 0 }}"),
    Entry("{{ data.name.upper() }}", "{{ data.name | upper }}"),
    Entry("{{ len(data.lines) }}", "{{ data.lines | length }}"),
    Entry("{{ 'a' + data.name }}", "{{ 'a' ~ data.name }}"),
    Entry("{{ '%s!' % data.name }}", "{{ '%s!' | format(data.name) }}"),
    Entry("{{ '%d %d' | format(1) }}", "{{ '%d %d' | format(1, 2) }}"),
    Entry("{{ data.at | date('%Q') }}", "{{ data.at | date('%d %B %Y') }}"),
    Entry("{{ data.at | date('%H', 'CET/Paris') }}", "{{ data.at | date('%H', 'Europe/Paris') }}"),
    Entry("{{ data.lines | map('sku') }}", "{{ data.lines | map(attribute='sku') }}"),
    Entry(
        "{% set c = 'a' %}{% if data.on %}{% set c = 'b' %}{% endif %}{{ c }}",
        "{% set c = 'b' if data.on else 'a' %}{{ c }}",
    ),
    Entry("{% include 'x' %}", "{{ data.name }}"),
    Entry("{{ secret:token | upper }}", "{{secret:token}}"),
    Entry("data.n > 1 }}{{ data.on", "data.n > 1 and data.on", _CONDITION),
)
PLACES = (
    Entry("{\"a\": '{{ data.name }}'}", '{"a": "{{ data.name }}"}', _JSON),
    Entry('{"a": {{ data.n }},}', '{"a": {{ data.n }}}', _JSON),
    Entry('{"a": True}', '{"a": true}', _JSON),
    Entry('{"a": data.n}', '{"a": {{ data.n }}}', _JSON),
    Entry('{"a": "{{ data.name }}}', '{"a": "{{ data.name }}"}', _JSON),
    Entry("[{{ data.n }}{{ data.n }}]", "[{{ data.n }},{{ data.n }}]", _JSON),
    Entry(
        "[{% for line in data.lines %}{{ line }}{% endfor %}]",
        '[{% for line in data.lines %}{{ line }}{{ "," if not loop.last }}{% endfor %}]',
        _JSON,
    ),
    Entry('{"a": "{{ agent.nmae }}"}', '{"a": "{{ agent.name }}"}', _JSON),
    Entry('{% if data.on %}"a{% endif %}"', '"{% if data.on %}a{% endif %}"', _JSON),
    Entry("<a b={{ data.n }}/>", '<a b="{{ data.n }}"/>', _XML),
    Entry("https://{{ data.name }}-x.example/", "https://{{ data.name }}.example/", _URL),
    Entry("a.example/{{ data.n }}", "https://a.example/{{ data.n }}", _URL),
    Entry("https://a.example/a b", "https://a.example/a%20b", _URL),
    Entry("é", "{{ data.name }}", _HEADER),
)
WARNINGS = (
    Entry(
        '[{% for line in data.lines %}{"sku": "{{ line.sku }}"},{% endfor %}]',
        '[{% for line in data.lines %}{"sku": "{{ line.sku }}"}{{ "," if not loop.last }}'
        "{% endfor %}]",
        _JSON,
    ),
    Entry(
        '{"a": {% if data.on %}1{% endif %}}',
        '{"a": {% if data.on %}1{% else %}null{% endif %}}',
        _JSON,
    ),
)
RENDERS = (
    Entry("{{ data.nmae }}", "{{ data.name }}"),
    Entry("{{ data.phone }}", "{{ data.phone | default('none') }}"),
    Entry("{{ data.lines[9].sku }}", "{{ data.lines[9].sku | default('none') }}"),
    Entry("{{ data.none | first }}", "{{ data.none | first | default('none') }}"),
    Entry("{{ data.name + 1 }}", "{{ data.name ~ 1 }}"),
    Entry("{{ data.n / data.zero }}", "{{ data.n / data.zero if data.zero else 0 }}"),
    Entry("{{ data.name < 3 }}", "{{ data.name | length < 3 }}"),
    Entry("{% for line in data.name %}{% endfor %}", "{% for line in data.lines %}{% endfor %}"),
    Entry(
        "{% for key, value in data.lines %}{% endfor %}",
        "{% for key, value in data.prices.items() %}{% endfor %}",
    ),
    Entry("{{ data.name | date }}", "{{ data.at | date }}"),
    Entry(
        "{{ data.lines | map(attribute='qty') }}",
        "{{ data.lines | map(attribute='qty', default=0) }}",
    ),
    Entry("{{ data.lines }}", "{{ data.lines | map(attribute='sku') | join(',') }}", _HEADER),
    Entry(
        "https://a.example/{{ data.id }}",
        "https://a.example/{{ data.id | default('x', true) }}",
        _URL,
    ),
    Entry("https://{{ data.at }}.example/", "https://{{ data.name }}.example/", _URL),
    Entry(
        "[{{ data.n }}{% if data.zero %},{% endif %}{{ data.n }}]",
        "[{{ data.n }},{{ data.n }}]",
        _JSON,
    ),
)


def save_message(template: str, context: OutputContext) -> str | None:
    """Returns the first fault or warning of a save, without its position; None if there is none."""
    try:
        if context is _CONDITION:
            compile_condition(template)
        else:
            compile_template(template, context)
    except TemplateFaults as error:
        return error.faults[0].message
    if context is not _JSON:
        return None
    checks = check_before_save(
        Configuration(name="x", url="https://a.example/", body_template=template)
    )
    messages = [fault.message for fault in (*checks.faults, *checks.warnings)]
    # without line and column
    return messages[0].partition(": ")[2] if messages else None


def render_message(template: str, context: OutputContext) -> str | None:
    """Returns the error of a render with DATA; None if it succeeds."""
    variables: dict[str, Any] = {"data": parse_json(json.dumps(DATA)), "context": {}}
    variables |= {"agent": {"id": None, "name": None}}
    try:
        if context is _CONDITION:
            compile_condition(template).holds(variables)
        else:
            compile_template(template, context).render(variables)
    except RenderFault as error:
        return str(error)
    return None


def template_errors() -> str:
    """Returns the tables of the catalogue."""
    return "\n".join(_sections())


def _sections() -> Iterator[str]:
    yield "### Refused when saved: the language\n\n" + _table(SYNTAX, save_message)
    yield "### Refused when saved: the place of a value\n\n" + _table(PLACES, save_message)
    yield "### Warnings of a save\n\n" + _table(WARNINGS, save_message)
    yield (
        "### Errors of a render\n\nThe delivery is held. The data of these examples is\n\n"
        f"```json\n{json.dumps(DATA)}\n```\n\n" + _table(RENDERS, render_message)
    )


def _table(entries: tuple[Entry, ...], message: Callable[[str, OutputContext], str | None]) -> str:
    rows = [
        f"| {_code(entry.wrong)} | {_plain(message(entry.wrong, entry.context))} "
        f"| {_code(entry.right)} |\n"
        for entry in entries
    ]
    return "| template | error | write |\n|---|---|---|\n" + "".join(rows)


def _code(text: str) -> str:
    return f"`{text}`"


def _plain(message: str | None) -> str:
    text = message or ""
    for character in "|<>{}*_":
        text = text.replace(character, f"&#{ord(character)};")
    return text
