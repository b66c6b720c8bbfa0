"""A JSON Schema in the form that the APIs of models accept in tool definitions.

Keywords that they refuse are left out, so that the result never refuses what the original accepts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

# Anthropic refuses other names of properties.
PROPERTY_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_SCHEMAS = frozenset(
    (
        *("additionalProperties", "propertyNames", "unevaluatedProperties", "items", "contains"),
        *("unevaluatedItems", "not", "if", "then", "else"),
    )
)
_NAMED = frozenset(("properties", "patternProperties", "dependentSchemas"))
_LISTED = frozenset(("anyOf", "oneOf", "prefixItems"))
_PLAIN = frozenset(
    (
        *("type", "enum", "const", "multipleOf", "minimum", "maximum", "exclusiveMinimum"),
        *("exclusiveMaximum", "minLength", "maxLength", "pattern", "format", "minItems"),
        *("maxItems", "uniqueItems", "minContains", "maxContains", "required", "minProperties"),
        *("maxProperties", "dependentRequired"),
    )
)
_ANNOTATIONS = frozenset(
    (
        *("title", "examples", "default", "deprecated", "readOnly", "writeOnly", "$comment"),
        *("contentEncoding", "contentMediaType", "contentSchema"),
    )
)


@dataclass(frozen=True, slots=True)
class PlainSchema:
    """A schema for a tool. `is_complete`: it refuses all that the original refuses."""

    schema: dict[str, Any]
    is_complete: bool


def plain_schema(schema: dict[str, Any]) -> PlainSchema:
    """Return a schema in the form for tools."""
    form = _PlainForm()
    result = form.convert(schema)
    return PlainSchema(result, form.is_complete)


class _PlainForm:
    def __init__(self) -> None:
        self.is_complete = True

    def convert(self, schema: Any) -> dict[str, Any]:
        if not isinstance(schema, dict):
            self.is_complete &= schema is True
            return {}
        result: dict[str, Any] = {}
        for keyword, value in schema.items():
            if keyword in _NAMED:
                result[keyword] = {name: self.convert(inner) for name, inner in value.items()}
            elif keyword in _LISTED:
                result[keyword] = [self.convert(inner) for inner in value]
            elif keyword in _SCHEMAS:
                result |= self._single(keyword, value)
            elif keyword in _PLAIN:
                result[keyword] = value
            elif keyword == "description":
                # an author's is quoted and bounded already
                result[keyword] = value
            elif keyword not in _ANNOTATIONS:
                self.is_complete = False
        types = result.get("type", ())
        if "items" not in result and "array" in ([types] if isinstance(types, str) else types):
            # OpenAI refuses an array without items
            result["items"] = {}
        return result

    def _single(self, keyword: str, value: Any) -> dict[str, Any]:
        if value is False and keyword == "items":
            self.is_complete = False
            return {}
        return {keyword: value if isinstance(value, bool) else self.convert(value)}
