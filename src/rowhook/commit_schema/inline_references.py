"""Makes a part of a JSON Schema self-contained by expanding its references.

Parts that depend on their document (recursion, anchors, keywords of older drafts) are rejected.
"""

from __future__ import annotations

from typing import Any

from rowhook import json_pointer

MAX_PARTS = 2_000
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
_DOCUMENT_KEYWORDS = frozenset(
    ("$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor")
)
# Keywords that 2020-12 does not have.
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


class NotSelfContained(ValueError):
    """A schema cannot be made self-contained; the message has the reason."""


def constraints(schema: Any) -> dict[str, Any]:
    """Return the keywords of a schema without annotations."""
    if schema is False:
        return {"not": {}}
    if not isinstance(schema, dict):
        return {}
    return {key: value for key, value in schema.items() if key not in _ANNOTATIONS}


def resolved(schema: Any, document: Any) -> Any:
    """Resolve a `$ref`, combined with its siblings. Raises NotSelfContained."""
    for _ in range(MAX_PARTS):
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema
        target = _target(schema["$ref"], document)
        rest = {} if _is_draft7(document) else {k: v for k, v in schema.items() if k != "$ref"}
        if constraints(rest):
            return {"allOf": [target, rest]}
        schema = target
    raise NotSelfContained("The references of the schema form a cycle.")


def expanded(schema: Any, document: Any) -> Any:
    """Copy a part of `document`, expanding references. Raises NotSelfContained."""
    return _Expansion(document).expand(schema, ())


class _Expansion:
    def __init__(self, document: Any) -> None:
        self._document = document
        self._remaining = MAX_PARTS

    def expand(self, schema: Any, inside: tuple[int, ...]) -> Any:
        self._remaining -= 1
        if self._remaining < 0:
            raise NotSelfContained("The schema is too large to expand.")
        if not isinstance(schema, dict):
            return schema
        if id(schema) in inside:
            raise NotSelfContained("The schema refers to itself.")
        here = (*inside, id(schema))
        if "$ref" in schema:
            return self._expand_reference(schema, here)
        return {
            keyword: self._value(keyword, value, here)
            for keyword, value in schema.items()
            if keyword not in ("$defs", "definitions", "$schema", "$id")
        }

    def _expand_reference(self, schema: dict[str, Any], here: tuple[int, ...]) -> Any:
        target = self.expand(_target(schema["$ref"], self._document), here)
        rest = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
        if _is_draft7(self._document) or not rest:
            return target
        siblings = self.expand(rest, here)
        return {"allOf": [target, siblings]} if constraints(siblings) else target

    def _value(self, keyword: str, value: Any, here: tuple[int, ...]) -> Any:
        if keyword in _DOCUMENT_KEYWORDS:
            raise NotSelfContained(f"{keyword} cannot be moved out of its schema.")
        is_older_form = keyword == "items" and isinstance(value, list)
        if is_older_form or keyword in _OF_OLDER_DRAFTS:
            raise NotSelfContained(f"{keyword} has the form of an older draft.")
        if keyword in _NAMED and isinstance(value, dict):
            return {name: self.expand(subschema, here) for name, subschema in value.items()}
        if keyword in _LISTED and isinstance(value, list):
            return [self.expand(subschema, here) for subschema in value]
        return self.expand(value, here) if keyword in _SINGLE else value


def _target(reference: Any, document: Any) -> Any:
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise NotSelfContained(f"The reference {reference} is not a path inside the schema.")
    here = document
    for name in json_pointer.split_reference(reference):
        try:
            here = here[int(name)] if isinstance(here, list) else here[name]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise NotSelfContained(
                f"The target of the reference {reference} does not exist."
            ) from error
    return here


def _is_draft7(document: Any) -> bool:
    named = document.get("$schema", "") if isinstance(document, dict) else ""
    return isinstance(named, str) and "draft-07" in named
