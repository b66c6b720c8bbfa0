"""A part of a JSON Schema, made to stand alone: its references written out.

What means something only in its document (recursion, anchors, an older draft's keywords) cannot
stand alone, and is said so.
"""

from __future__ import annotations

from typing import Any

MOST_PARTS = 2_000
_ANNOTATIONS = frozenset(
    (
        "$schema",
        "$id",
        "$comment",
        "$defs",
        "definitions",
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "$vocabulary",
    )
)
_BOUND = frozenset(
    ("$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor")
)
# What reads otherwise in 2020-12, or not at all.
_OF_OLDER_DRAFTS = frozenset(("additionalItems", "dependencies"))
_NAMED = frozenset(("properties", "patternProperties", "dependentSchemas"))
_LISTED = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_SINGLE = frozenset(
    (
        "additionalProperties",
        "contains",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)


class Bound(ValueError):
    """A schema that cannot stand alone; the message says why."""


def constraints(schema: Any) -> dict[str, Any]:
    """The keywords of a schema that refuse something: what only tells about it is left out."""
    if schema is False:
        return {"not": {}}
    if not isinstance(schema, dict):
        return {}
    return {word: value for word, value in schema.items() if word not in _ANNOTATIONS}


def resolved(schema: Any, document: Any) -> Any:
    """The schema that `$ref` points to, as one with its siblings. Raises Bound."""
    for _ in range(MOST_PARTS):
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema
        target = _target(schema["$ref"], document)
        rest = {} if _is_draft7(document) else {k: v for k, v in schema.items() if k != "$ref"}
        if constraints(rest):
            return {"allOf": [target, rest]}
        schema = target
    raise Bound("The references of the schema form a cycle.")


def expanded(schema: Any, document: Any) -> Any:
    """A copy of a part of `document` without references. Raises Bound."""
    return _Expansion(document).of(schema, ())


class _Expansion:
    def __init__(self, document: Any) -> None:
        self._document = document
        self._left = MOST_PARTS

    def of(self, schema: Any, inside: tuple[int, ...]) -> Any:
        self._left -= 1
        if self._left < 0:
            raise Bound("The schema is too large to expand.")
        if not isinstance(schema, dict):
            return schema
        if id(schema) in inside:
            raise Bound("The schema refers to itself.")
        here = (*inside, id(schema))
        if "$ref" in schema:
            return self._referred(schema, here)
        return {
            word: self._value(word, one, here)
            for word, one in schema.items()
            if word not in ("$defs", "definitions", "$schema", "$id")
        }

    def _referred(self, schema: dict[str, Any], here: tuple[int, ...]) -> Any:
        target = self.of(_target(schema["$ref"], self._document), here)
        rest = {word: one for word, one in schema.items() if word != "$ref"}
        if _is_draft7(self._document) or not rest:
            return target
        beside = self.of(rest, here)
        return {"allOf": [target, beside]} if constraints(beside) else target

    def _value(self, word: str, value: Any, here: tuple[int, ...]) -> Any:
        if word in _BOUND:
            raise Bound(f"{word} cannot be moved out of its schema.")
        older = word == "items" and isinstance(value, list)
        if older or word in _OF_OLDER_DRAFTS:
            raise Bound(f"{word} has the form of an older draft.")
        if word in _NAMED and isinstance(value, dict):
            return {name: self.of(one, here) for name, one in value.items()}
        if word in _LISTED and isinstance(value, list):
            return [self.of(one, here) for one in value]
        return self.of(value, here) if word in _SINGLE else value


def _target(reference: Any, document: Any) -> Any:
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise Bound(f"The reference {reference} is not a path inside the schema.")
    here = document
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            here = here[int(name)] if isinstance(here, list) else here[name]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise Bound(f"The target of the reference {reference} does not exist.") from error
    return here


def _is_draft7(document: Any) -> bool:
    named = document.get("$schema", "") if isinstance(document, dict) else ""
    return isinstance(named, str) and "draft-07" in named
