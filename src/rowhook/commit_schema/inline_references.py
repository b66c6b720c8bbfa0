"""Makes a part of a JSON Schema self-contained: a schema of 2020-12 without references.

Only the keywords that depend on its document (recursion, dynamic references) are left out. The
result accepts all that the original accepts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rowhook import json_pointer
from rowhook.commit_schema import quoted

MAX_PARTS = 2_000
_MAX_DESCRIPTION = 300
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
        "$anchor",
        "$dynamicAnchor",
        "$recursiveAnchor",
    )
)
_LEFT_OUT = frozenset(
    (
        *("$schema", "$id", "$defs", "definitions", "$vocabulary"),
        *("$anchor", "$dynamicAnchor", "$recursiveAnchor", "$ref", "title", "$comment"),
    )
)
_DYNAMIC = frozenset(("$dynamicRef", "$recursiveRef"))
# Keywords that the dialect of a document ignores, by a part of the dialect's name.
_IGNORED = {
    "draft-07": frozenset(
        (
            *("prefixItems", "dependentRequired", "dependentSchemas", "minContains", "maxContains"),
            *("unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef"),
        )
    ),
    "2019-09": frozenset(("prefixItems", "dependencies", "$dynamicRef")),
    "2020-12": frozenset(("additionalItems", "dependencies", "$recursiveRef")),
}
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
# A schema that accepts more inside these may make them refuse more.
_NOT_MONOTONE = frozenset(("not", "oneOf", "if", "contains"))
_DEPENDENT = {"if": ("then", "else"), "contains": ("minContains", "maxContains")}
_UNEVALUATED = ("unevaluatedItems", "unevaluatedProperties")


class NotSelfContained(ValueError):
    """A schema cannot be made self-contained; the message has the reason."""


def constraints(schema: Any) -> dict[str, Any]:
    """Returns the keywords of a schema without annotations."""
    if schema is False:
        return {"not": {}}
    if not isinstance(schema, dict):
        return {}
    return {key: value for key, value in schema.items() if key not in _ANNOTATIONS}


def resolved(schema: Any, document: Any) -> Any:
    """Resolves a `$ref`, combined with its siblings, into the keywords of 2020-12.

    Raises NotSelfContained.
    """
    for _ in range(MAX_PARTS):
        if not isinstance(schema, dict) or "$ref" not in schema:
            return current_form(schema, document)
        target = _target(schema["$ref"], document)
        is_alone = _dialect(document) == "draft-07"
        rest = {} if is_alone else {k: v for k, v in schema.items() if k != "$ref"}
        if constraints(rest):
            return {"allOf": [target, rest]}
        schema = target
    raise NotSelfContained("The references of the schema form a cycle.")


def expanded(schema: Any, document: Any) -> tuple[Any, list[str]]:
    """Copies a part of `document`, expanding references.

    Returns the copy, and a reason for each part that was left out.
    """
    expansion = _Expansion(document)
    result = expansion.expand(schema, ())
    return result, list(expansion.losses)


def current_form(schema: Any, document: Any) -> Any:
    """Returns a schema with its own keywords in the form of 2020-12."""
    if not isinstance(schema, dict):
        return schema
    dialect = _dialect(document)
    result = {key: value for key, value in schema.items() if key not in _IGNORED[dialect]}
    if isinstance(result.get("items"), list):
        result["prefixItems"] = result.pop("items")
        if "additionalItems" in result:
            result["items"] = result["additionalItems"]
    result.pop("additionalItems", None)
    for name, value in result.pop("dependencies", {}).items():
        keyword = "dependentRequired" if isinstance(value, list) else "dependentSchemas"
        result[keyword] = {**result.get(keyword, {}), name: value}
    return result


@dataclass(slots=True)
class _Expansion:
    document: Any
    losses: dict[str, None] = field(default_factory=dict)
    lost: int = 0
    remaining: int = MAX_PARTS

    def expand(self, schema: Any, inside: tuple[int, ...]) -> Any:
        self.remaining -= 1
        if not isinstance(schema, dict):
            return schema
        if self.remaining < 0:
            return self._add_loss("The schema is too large to expand.")
        if id(schema) in inside:
            return self._add_loss("The schema refers to itself.")
        here = (*inside, id(schema))
        if "$ref" not in schema:
            return self._keywords(schema, here)
        target = self._reference(schema["$ref"], here)
        if _dialect(self.document) == "draft-07":
            return target
        siblings = self._keywords(schema, here)
        return {"allOf": [target, siblings]} if constraints(siblings) else target

    def _add_loss(self, reason: str) -> dict[str, Any]:
        self.losses[reason] = None
        self.lost += 1
        return {}

    def _reference(self, reference: Any, here: tuple[int, ...]) -> Any:
        try:
            return self.expand(_target(reference, self.document), here)
        except NotSelfContained as error:
            return self._add_loss(str(error))

    def _keywords(self, schema: dict[str, Any], here: tuple[int, ...]) -> dict[str, Any]:
        before = self.lost
        result: dict[str, Any] = {}
        removed: set[str] = set()
        for keyword, value in current_form(schema, self.document).items():
            if keyword in _LEFT_OUT:
                continue
            if keyword in _DYNAMIC:
                self._add_loss(f"{keyword} cannot be moved out of its schema.")
                continue
            complete = self.lost
            result[keyword] = self._value(keyword, value, here)
            if self.lost > complete and keyword in _NOT_MONOTONE:
                removed |= {keyword, *_DEPENDENT.get(keyword, ())}
        if self.lost > before:
            removed |= set(_UNEVALUATED)
        return {keyword: value for keyword, value in result.items() if keyword not in removed}

    def _value(self, keyword: str, value: Any, here: tuple[int, ...]) -> Any:
        if keyword == "description":
            # goes into the prompts of models
            return f"The schema says: {quoted(str(value), _MAX_DESCRIPTION)}"
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


def _dialect(document: Any) -> str:
    named = document.get("$schema", "") if isinstance(document, dict) else ""
    for dialect in ("draft-07", "2019-09"):
        if isinstance(named, str) and dialect in named:
            return dialect
    return "2020-12"
