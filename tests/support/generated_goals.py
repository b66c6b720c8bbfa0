"""Random goals with outputs, and data for them, reproducible by a seed."""

from __future__ import annotations

import random
from typing import Any

_DRAFT_7 = "http://json-schema.org/draft-07/schema#"
_EMAIL = {"type": "string", "format": "email"}
_LINES = (
    '[{% for i in data.lines %}{"q": {{ i.qty }}, "s": "{{ i.sku }}"}'
    '{{ "," if not loop.last }}{% endfor %}]'
)
_TAGS = (
    '[{% for i in data.lines %}{"q": {{ i.qty | default(0) }}, "t": ['
    '{% for t in i.tags %}"{{ t | upper }}"{{ "," if not loop.last }}{% endfor %}]}'
    '{{ "," if not loop.last }}{% endfor %}]'
)
# members of a body; @ is a name of its own
_MEMBERS = [
    '"{{ data.mail }}"',
    '"{{ data.plan }}"',
    '"{{ data.plan | default("free") }}"',
    '"{{ data.person.x | upper }}"',
    '"Hi {{ data.mail }}, {{ data.plan }}"',
    '"{{ data.l | tojson }}"',
    '"{{ data["first name"] }}"',
    "{{ data.n }}",
    "{{ data.age }}",
    "{{ data.n | default(1) }}",
    "{{ data.person.y }}",
    "{{ data.person | tojson }}",
    "{{ data.l }}",
    "{{ data.l[0] }}",
    "{{ data.l[-1] }}",
    "{{ data.data }}",
    '{{ data["ä"].x }}',
    "{{ data.age if data.age is defined else 0 }}",
    '{% if data.plan == "pro" %}{{ data.age }}{% else %}0{% endif %}',
    '{{ "true" if data.n else "false" }}',
    "{% set @ = data.person %}{{ @.y }}",
    '[{% for i in data.l %}"{{ i }}"{{ "," if not loop.last }}{% endfor %}]',
    "[{% for i in data.l %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}]",
    "[{% for i in data.l %}{% if not loop.first %},{% endif %}{{ i }}{% endfor %}, 0]",
    "[{% for i in data.l if i %}{{ i }},{% endfor %}0]",
    _LINES,
    _TAGS,
    "[{% for i in data.lines %}{% if i.qty %}{{ i.qty }},{% endif %}{% endfor %}0]",
    "[{% for k, v in data.person.items() %}{{ v }},{% endfor %}0]",
]
_RECURSIVE = {"properties": {"x": {"$ref": "#"}}}
_SCHEMAS: list[Any] = [
    {},
    True,
    _EMAIL,
    {"type": "string"},
    {"type": "string", "minLength": 2, "maxLength": 9},
    {"type": "string", "pattern": "^[a-z]*$"},
    {"type": "string", "anyOf": [{"maxLength": 3}, {"pattern": "^a"}]},
    {"enum": ["free", "pro", "1", "", "true", '["a"]', 3, None]},
    {"const": "pro"},
    {"not": {"const": "free"}},
    {"type": "integer"},
    {"type": ["integer", "null"], "minimum": 2},
    {"type": "number", "maximum": 20, "multipleOf": 0.5},
    {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 3}]},
    {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1},
    {"items": {"properties": {"q": {"type": "integer"}, "s": {"minLength": 1}}}},
    {"items": {"properties": {"t": {"items": {"enum": ["A", "B"]}}}, "required": ["q"]}},
    {"prefixItems": [{"type": "string"}], "items": False},
    {"minItems": 2, "maxItems": 2},
    {"contains": {"type": "string"}, "uniqueItems": True},
    {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1},
    {"propertyNames": {"maxLength": 1}, "patternProperties": {"^y": {"type": "integer"}}},
    {"if": {"required": ["x"]}, "then": {"required": ["y"]}, "else": {"maxProperties": 1}},
    {"dependentRequired": {"x": ["y"]}, "unevaluatedProperties": {"type": "integer"}},
    {"$ref": "#/$defs/tree"},
    {"not": {"$ref": "#/$defs/tree"}},
    {"allOf": [{"$ref": "#/$defs/tree"}, {"type": "object"}], "unevaluatedProperties": False},
    {"$ref": "#/$defs/mail", "maxLength": 20},
]
_OLD_SCHEMAS: list[Any] = [
    {"items": [{"type": "string"}, {"type": "integer"}], "additionalItems": False},
    {"dependencies": {"x": ["y"], "y": {"properties": {"x": {"type": "string"}}}}},
    {"$ref": "#/$defs/mail", "maxLength": 1},
    {"prefixItems": [False], "dependentRequired": {"x": ["no"]}, "minContains": 9},
]
_DEFINITIONS = {
    "mail": _EMAIL,
    "tree": {"type": "object", "properties": {"x": {"$ref": "#/$defs/tree"}, "y": {"minimum": 1}}},
}
_CONDITIONS = ["data.plan == 'pro'", "data.age > 3", "data.person", "not data.n", "data.l | length"]
_URLS = ["{{ data.plan }}", "x?m={{ data.mail }}", "{{ data.n | default('a') }}/b"]
_NAMES = ["CRM", "A\n\nB", 'Quote " and \\', "x" * 190, "\u202eright to left"]
_GOOD: dict[str, Any] = {
    "mail": "ada@example.com",
    "plan": "pro",
    "age": 30,
    "n": 3,
    "l": ["a", 2],
    "lines": [{"qty": 2, "sku": "s", "tags": ["a", "b"]}, {"qty": 1, "sku": "t", "tags": []}],
    "person": {"x": "Ada", "y": 1},
    "first name": "Ada",
    "data": 1,
    "ä": {"x": 1},
}
_VALUES: list[Any] = [
    *("ada@example.com", "free", "x", "é\n", "..", "", "12", 0, 3, 30, 2.5, 1e300, None, True),
    *([], ["a"], [None, 1], [["a"]], {"a": 1}, {"x": {"x": {}}}, {"x": "a", "y": 2}),
    *([{"qty": 1, "sku": "s"}], [{"qty": "x", "tags": "ab"}], [{}], [1]),
]


def goal_of(rng: random.Random) -> list[dict[str, Any]]:
    """Returns the fields of one to four outputs."""
    return [_output(rng) for _ in range(rng.randint(1, 4))]


def _output(rng: random.Random) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": rng.choice(_NAMES)}
    if rng.random() < 0.3:
        fields["condition"] = rng.choice(_CONDITIONS)
    if rng.random() < 0.2:
        fields["path"] = f"/{rng.choice(_URLS)}"
    if rng.random() < 0.2:
        fields["headers"] = {"X-A": rng.choice(["{{ data.plan }}", "{{ data.l | tojson }}"])}
    kind = rng.choice(["template", "template", "template", "raw", "default"])
    names = rng.sample(sorted(_GOOD), rng.randint(1, 3))
    if kind == "template":
        names = [f"m{n}" for n in range(rng.randint(1, 3))]
        members = ", ".join(
            f'"{name}": {rng.choice(_MEMBERS).replace("@", f"set_{name}")}' for name in names
        )
        fields["body_template"] = f"{{{members}}}"
    fields["raw_payload"] = kind == "raw"
    if kind != "template" or rng.random() < 0.8:
        fields["schema"] = _schema(rng, names, wrapped=kind == "default")
    return fields


def _schema(rng: random.Random, names: list[str], *, wrapped: bool) -> dict[str, Any]:
    is_old = rng.random() < 0.25
    choices = [*_SCHEMAS, *_OLD_SCHEMAS * 4] if is_old else _SCHEMAS
    schema: dict[str, Any] = {"properties": {name: rng.choice(choices) for name in names}}
    if rng.random() < 0.5:
        schema |= {"type": "object", "required": rng.sample(names, rng.randint(0, len(names)))}
    if rng.random() < 0.1:
        schema["anyOf"] = [{"required": [names[0]]}, {"minProperties": 2}]
    if rng.random() < 0.1:
        schema["additionalProperties"] = rng.choice([False, {"type": ["string", "integer"]}])
    if wrapped:
        schema = {"properties": {"data": schema}}
    dialect = {"$schema": _DRAFT_7} if is_old else {}
    return {**dialect, **schema, "$defs": _DEFINITIONS}


def data_of(rng: random.Random) -> dict[str, Any]:
    """Returns data of a commit: good, with some members changed or left out."""
    data = dict(_GOOD)
    for name in rng.sample(sorted(data), rng.choice([0, 1, 1, 2, 3])):
        data[name] = rng.choice(_VALUES)
    for name in rng.sample(sorted(data), rng.choice([0, 0, 1])):
        del data[name]
    return data
