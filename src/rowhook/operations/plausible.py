"""Plausible values: one that a JSON Schema probably allows, or one that a name suggests. Pure.

Nobody relies on them: what does not fit is said when it is rendered and validated.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

URL = "https://sample.example/"
HOST = "sample.example"
LABEL = "sample"
MOMENT = "2026-05-23T12:34:56Z"
_DAY = "2026-05-23"
_MAIL = "ada@example.com"
_DEEPEST = 8
_MOST = 20_000
_MOST_ITEMS = 20
_LONGEST = 1_000
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
_MARKS = {
    "object": ("properties", "required"),
    "array": ("items", "prefixItems", "minItems"),
    "string": ("format", "pattern", "minLength", "maxLength"),
    "number": _BOUNDS,
}


def named(name: str) -> Any:
    """What a field of this name may hold, by its last word: `created_at`, `totalPrice`."""
    words = _WORD.findall(name)
    last = words[-1].lower() if words else ""
    return 1 if last in _NUMBERS else _TEXTS.get(last, f"sample {name}".rstrip())


def properties_of(schema: Any) -> dict[str, Any]:
    """What a schema says of properties, by name; of several with one name the outermost."""
    found: dict[str, Any] = {}
    level: list[Any] = [schema] if isinstance(schema, dict) else []
    for _ in range(_DEEPEST):
        for one in level:
            known = one.get("properties") if isinstance(one, dict) else None
            for name, part in known.items() if isinstance(known, dict) else ():
                found.setdefault(name, part)
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [one for under in inner for one in under if isinstance(one, (dict, list))]
    return found


class Maker:
    """Makes values of the parts of one schema document.

    All together they are bounded, for references may repeat without end.
    """

    def __init__(self, root: Any) -> None:
        self.root = root
        self.left = _MOST

    def make(self, schema: Any, name: str = "", depth: int = 0) -> Any:
        """A value that a part of the document probably allows, for a field of this name."""
        self.left -= 1
        schema = self._followed(schema)
        if not isinstance(schema, dict) or depth > _DEEPEST or self.left < 0:
            return named(name)
        listed = [one for word in ("enum", "examples") for one in _items(schema, word)]
        written = [schema[word] for word in ("const", "default") if word in schema] + listed
        if written:
            self.left -= len(msgspec.json.encode(written[0]))
            return written[0]
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
        return {"boolean": True, "null": None}.get(kind or "", named(name))

    def _followed(self, schema: Any) -> Any:
        """The schema behind local references and the first of several choices."""
        for _ in range(_DEEPEST):
            if not isinstance(schema, dict):
                break
            choices = [one for word in _CHOICES for one in _items(schema, word)]
            if isinstance(schema.get("$ref"), str):
                schema = _at(self.root, schema["$ref"])
            elif choices and isinstance(choices[0], dict):
                schema = {k: v for k, v in schema.items() if k not in _CHOICES} | choices[0]
            else:
                break
        return schema

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        known = schema.get("properties")
        known = known if isinstance(known, dict) else {}
        names = dict.fromkeys((*known, *_items(schema, "required")))
        return {name: self.make(known.get(name), name, depth + 1) for name in names}

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        made = [self.make(one, "", depth + 1) for one in _items(schema, "prefixItems")]
        if schema.get("items") is False:
            return made
        wanted = min(_whole(schema, "minItems", 1), _MOST_ITEMS)
        more = range(max(wanted - len(made), 0))
        return made + [self.make(schema.get("items"), "", depth + 1) for _ in more]


def _items(schema: dict[str, Any], word: str) -> list[Any]:
    found = schema.get(word)
    return found if isinstance(found, list) else []


def _whole(schema: dict[str, Any], word: str, otherwise: int) -> int:
    found = schema.get(word)
    return found if isinstance(found, int) else otherwise


def _at(root: Any, reference: str) -> Any:
    here = root
    for step in reference.removeprefix("#").split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        here = here.get(key) if isinstance(here, dict) else None
    return here


def _kind(schema: dict[str, Any]) -> str | None:
    kinds = [one for one in _items(schema, "type") if one != "null"] or [schema.get("type")]
    if isinstance(kinds[0], str):
        return kinds[0]
    marked = (kind for kind, words in _MARKS.items() if any(one in schema for one in words))
    return next(marked, None)


def _number(schema: dict[str, Any]) -> Any:
    bounds = {one: schema[one] for one in _BOUNDS if type(schema.get(one)) in (int, float)}
    made: Any = bounds.get("multipleOf", 1)
    made = max(made, bounds.get("minimum", made))
    if made <= bounds.get("exclusiveMinimum", made - 1):
        made = bounds["exclusiveMinimum"] + 1
    made = min(made, bounds.get("maximum", made))
    if made >= bounds.get("exclusiveMaximum", made + 1):
        made = bounds["exclusiveMaximum"] - 1
    return made


def _string(schema: dict[str, Any], name: str) -> str:
    text = _FORMATS.get(str(schema.get("format")), str(named(name)))
    least = _whole(schema, "minLength", 0)
    text = text.ljust(least, "x") if least <= _LONGEST else text
    return text[: _whole(schema, "maxLength", len(text))]
