"""What to write instead of a call."""

from __future__ import annotations

from jinja2 import nodes

_FILTERS = {
    **{name: name for name in ("upper", "lower", "title", "capitalize", "replace", "format")},
    **{name: name for name in ("round", "abs", "int", "float", "sum", "min", "max", "list")},
    "strip": "trim",
    "len": "length",
    "str": "string",
    "sorted": "sort",
    "set": "unique",
    "dumps": "tojson",
    "tojson": "tojson",
    "strftime": "date('%Y-%m-%d')",
    "isoformat": "date('%Y-%m-%dT%H:%M:%SZ')",
}
_OTHERS = {
    "get": "Write data.key | default('none').",
    "keys": "Write {% for key in data.x %}.",
    "values": "Write {% for key, value in data.x.items() %}.",
    "join": "Write data.x | join(', ').",
    "startswith": "Compare a slice: data.x[:3] == 'abc'.",
    "endswith": "Compare a slice: data.x[-3:] == 'abc'.",
    "split": "Texts cannot be split. Send the parts in the data.",
    "range": "Loop over the data, or over a slice of it: data.x[:10].",
    "now": "Write timestamp, the time of this attempt.",
    "utcnow": "Write timestamp, the time of this attempt.",
    **dict.fromkeys(
        ("append", "extend", "update", "pop", "insert", "setdefault", "add", "remove"),
        "Templates cannot change values.",
    ),
}
_RULE = "Calls are not supported, except data.x.items()."


def call_advice(node: nodes.Call) -> str:
    """Return the error message of a call, with what to write instead."""
    called = node.node
    name = called.attr if isinstance(called, nodes.Getattr) else getattr(called, "name", "")
    if name in _FILTERS:
        return f"{_RULE} Write data.x | {_FILTERS[name]}."
    return f"{_RULE} {_OTHERS.get(name, 'To apply a filter, write value | filter.')}"
