"""Generates sample values from a JSON Schema or from field names.

The values are not guaranteed to be valid; rendering and validation report those that are not.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from rowhook import json_pointer

URL = "https://sample.example/"
HOST = "sample.example"
LABEL = "sample"
MOMENT = "2026-05-23T12:34:56Z"
_DAY = "2026-05-23"
_MAIL = "ada@example.com"
_MAX_DEPTH = 8
_MAX_VALUES = 20_000
_MAX_ITEMS = 20
_MAX_PADDING = 1_000
_FORMATS = {
    "date-time": MOMENT,
    "date": _DAY,
    "time": "12:34:56Z",
    "duration": "PT7S",
    "email": _MAIL,
    "idn-email": _MAIL,
    "uri": URL,
    "iri": URL,
    "uri-reference": URL,
    "iri-reference": URL,
    "hostname": HOST,
    "idn-hostname": HOST,
    "uuid": "0b7c1d8e-4d2f-4f3a-9c56-0a4e3c1f2b6d",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "json-pointer": "/sample",
    "regex": "^sample$",
}
_TEXTS = {
    "at": MOMENT,
    "country": "GB",
    "currency": "EUR",
    "date": _DAY,
    "day": _DAY,
    "email": _MAIL,
    "endpoint": URL,
    "host": HOST,
    "link": URL,
    "locale": "en",
    "mail": _MAIL,
    "name": "Ada Lovelace",
    "phone": "+15550100",
    "time": MOMENT,
    "uri": URL,
    "url": URL,
    "website": URL,
}
_NUMBERS = frozenset(
    (
        "age",
        "amount",
        "cost",
        "count",
        "n",
        "number",
        "percent",
        "price",
        "quantity",
        "rate",
        "score",
        "size",
        "sum",
        "total",
    )
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CHOICES = ("anyOf", "oneOf", "allOf")
_BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")
_TYPE_KEYWORDS = {
    "object": ("properties", "required"),
    "array": ("items", "prefixItems", "minItems"),
    "string": ("format", "pattern", "minLength", "maxLength"),
    "number": _BOUNDS,
}


def value_for_name(name: str) -> Any:
    """Returns a value for a field by the last word of its name: `created_at`, `totalPrice`."""
    words = _WORD.findall(name)
    last = words[-1].lower() if words else ""
    return 1 if last in _NUMBERS else _TEXTS.get(last, f"sample {name}".rstrip())


def properties_of(schema: Any) -> dict[str, Any]:
    """Returns the property schemas by name; the outermost one if a name repeats."""
    properties: dict[str, Any] = {}
    level: list[Any] = [schema] if isinstance(schema, dict) else []
    for _ in range(_MAX_DEPTH):
        for node in level:
            properties_here = node.get("properties") if isinstance(node, dict) else None
            for name, part in properties_here.items() if isinstance(properties_here, dict) else ():
                properties.setdefault(name, part)
        children = (node.values() if isinstance(node, dict) else node for node in level)
        level = [node for nodes in children for node in nodes if isinstance(node, (dict, list))]
    return properties


class ValueGenerator:
    """Generates values for parts of a schema document.

    Their total number is limited, since references may be recursive.
    """

    def __init__(self, root: Any) -> None:
        self.root = root
        self.remaining = _MAX_VALUES

    def generate(self, schema: Any, name: str = "", depth: int = 0) -> Any:
        """Generates a value for a part of the document, for a field of this name."""
        self.remaining -= 1
        schema = self._resolve(schema)
        if not isinstance(schema, dict) or depth > _MAX_DEPTH or self.remaining < 0:
            return value_for_name(name)
        listed = [item for word in ("enum", "examples") for item in _items(schema, word)]
        literals = [schema[word] for word in ("const", "default") if word in schema] + listed
        if literals:
            self.remaining -= len(msgspec.json.encode(literals[0]))
            return literals[0]
        return self._typed(schema, depth, name)

    def _typed(self, schema: dict[str, Any], depth: int, name: str) -> Any:
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in ("integer", "number"):
            return _number(schema)
        if kind == "string":
            return _string(schema, name)
        return {"boolean": True, "null": None}.get(kind or "", value_for_name(name))

    def _resolve(self, schema: Any) -> Any:
        """Follows local references, and takes the first of several alternatives."""
        for _ in range(_MAX_DEPTH):
            if not isinstance(schema, dict):
                break
            choices = [item for word in _CHOICES for item in _items(schema, word)]
            if isinstance(schema.get("$ref"), str):
                schema = _at(self.root, schema["$ref"])
            elif choices and isinstance(choices[0], dict):
                schema = {k: v for k, v in schema.items() if k not in _CHOICES} | choices[0]
            else:
                break
        return schema

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        names = dict.fromkeys((*properties, *_items(schema, "required")))
        return {name: self.generate(properties.get(name), name, depth + 1) for name in names}

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        items = [self.generate(item, "", depth + 1) for item in _items(schema, "prefixItems")]
        if schema.get("items") is False:
            return items
        count = min(_integer(schema, "minItems", 1), _MAX_ITEMS)
        more = range(max(count - len(items), 0))
        return items + [self.generate(schema.get("items"), "", depth + 1) for _ in more]


def _items(schema: dict[str, Any], word: str) -> list[Any]:
    value = schema.get(word)
    return value if isinstance(value, list) else []


def _integer(schema: dict[str, Any], word: str, default: int) -> int:
    value = schema.get(word)
    return value if isinstance(value, int) else default


def _at(root: Any, reference: str) -> Any:
    here = root
    for key in json_pointer.split_reference(reference):
        here = here.get(key) if isinstance(here, dict) else None
    return here


def _kind(schema: dict[str, Any]) -> str | None:
    kinds = [kind for kind in _items(schema, "type") if kind != "null"] or [schema.get("type")]
    if isinstance(kinds[0], str):
        return kinds[0]
    implied = (
        kind for kind, words in _TYPE_KEYWORDS.items() if any(word in schema for word in words)
    )
    return next(implied, None)


def _number(schema: dict[str, Any]) -> Any:
    bounds = {word: schema[word] for word in _BOUNDS if type(schema.get(word)) in (int, float)}
    number: Any = bounds.get("multipleOf", 1)
    number = max(number, bounds.get("minimum", number))
    if number <= bounds.get("exclusiveMinimum", number - 1):
        number = bounds["exclusiveMinimum"] + 1
    number = min(number, bounds.get("maximum", number))
    if number >= bounds.get("exclusiveMaximum", number + 1):
        number = bounds["exclusiveMaximum"] - 1
    return number


def _string(schema: dict[str, Any], name: str) -> str:
    text = _FORMATS.get(str(schema.get("format")), str(value_for_name(name)))
    minimum = _integer(schema, "minLength", 0)
    text = text.ljust(minimum, "x") if minimum <= _MAX_PADDING else text
    return text[: _integer(schema, "maxLength", len(text))]
