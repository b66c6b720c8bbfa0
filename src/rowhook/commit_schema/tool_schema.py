"""A JSON Schema in the forms that the APIs of models accept in tool definitions.

The plain form leaves out the keywords that they refuse, so it accepts all that the original does.
OpenAI's strict form, the subset of its Structured Outputs, closes every object and requires every
member; an optional member may be null. It refuses more than the goal does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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
_FORMATS = frozenset(
    (
        *("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6"),
        "uuid",
    )
)
_SCALARS = ("string", "number", "boolean", "null")
_KEPT = {
    "string": frozenset(("pattern", "format")),
    **dict.fromkeys(
        ("number", "integer"),
        frozenset(("multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum")),
    ),
    "array": frozenset(("minItems", "maxItems")),
}
_MAX_PROPERTIES, _MAX_DEPTH, _MAX_ENUM_VALUES, _MAX_CHARACTERS = 5_000, 10, 1_000, 120_000
_LARGE_ENUM, _MAX_ENUM_CHARACTERS = 250, 15_000


@dataclass(frozen=True, slots=True)
class PlainSchema:
    """A schema for a tool. `is_complete`: it refuses all that the original refuses."""

    schema: dict[str, Any]
    is_complete: bool


def plain_schema(schema: dict[str, Any]) -> PlainSchema:
    """Returns a schema in the form for tools."""
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


class StrictForm:
    """Converts one schema. `is_open`: a part allows members that the schema does not name."""

    def __init__(self) -> None:
        self.is_open = False

    @staticmethod
    def cannot_express(schema: Any) -> bool:
        """Returns whether the strict form of a schema would lose members."""
        form = StrictForm()
        form.convert(schema)
        return form.is_open

    def convert(self, schema: Any) -> dict[str, Any]:
        """Returns a schema in the strict form."""
        if not isinstance(schema, dict):
            schema = {}
        note = {"description": schema["description"]} if "description" in schema else {}
        values = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if values is not None:
            return {**_enum(values), **note}
        options = schema.get("anyOf", schema.get("oneOf"))
        if options and "properties" not in schema and "items" not in schema:
            return {"anyOf": [self.convert(option) for option in options], **note}
        types = _types(schema)
        if len(types) == 1:
            return {**self._typed(types[0], schema), **note}
        if all(name in (*_SCALARS, "integer") for name in types):
            kept = frozenset().union(*(_KEPT.get(name, frozenset()) for name in types))
            return {"type": types, **_kept(schema, kept), **note}
        return {"anyOf": [self._typed(name, schema) for name in types], **note}

    def _typed(self, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        if name == "object":
            return self._object(schema)
        result: dict[str, Any] = {"type": name, **_kept(schema, _KEPT.get(name, frozenset()))}
        if name == "array":
            first = schema.get("prefixItems", [])
            items = [self.convert(item) for item in (*first, schema.get("items", {}))]
            result["items"] = {"anyOf": items} if first else items[0]
        return result

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        properties = schema.get("properties", {})
        if not properties and schema.get("additionalProperties") is not False:
            self.is_open = True
        required = schema.get("required", ())
        members = {name: self.convert(member) for name, member in properties.items()}
        return {
            "type": "object",
            "properties": {
                name: member if name in required else _nullable(member)
                for name, member in members.items()
            },
            "required": list(members),
            "additionalProperties": False,
        }


def limits_exceeded(schema: dict[str, Any]) -> bool:
    """Returns whether a schema in the strict form exceeds OpenAI's limits."""
    parts = list(_parts(schema, 1))
    names = [name for part, _ in parts for name in part.get("properties", ())]
    enums = [part["enum"] for part, _ in parts if "enum" in part]
    values = [len(str(value)) for enum in enums for value in enum]
    return (
        len(names) > _MAX_PROPERTIES
        or max(depth for _, depth in parts) > _MAX_DEPTH
        or len(values) > _MAX_ENUM_VALUES
        or sum(map(len, names)) + sum(values) > _MAX_CHARACTERS
        or any(
            len(enum) > _LARGE_ENUM and len("".join(map(str, enum))) > _MAX_ENUM_CHARACTERS
            for enum in enums
        )
    )


def _parts(schema: dict[str, Any], depth: int) -> Iterator[tuple[dict[str, Any], int]]:
    yield schema, depth
    for member in schema.get("properties", {}).values():
        yield from _parts(member, depth + 1)
    for option in schema.get("anyOf", ()):
        yield from _parts(option, depth)
    if "items" in schema:
        yield from _parts(schema["items"], depth + 1)


def _types(schema: dict[str, Any]) -> list[str]:
    if "type" in schema:
        types = [schema["type"]] if isinstance(schema["type"], str) else list(schema["type"])
        # a loop goes over objects too, which the strict form cannot have without names
        is_list = "array" in types and "properties" not in schema
        return [name for name in types if name != "object"] if is_list else types
    if "properties" in schema:
        return ["object"]
    if "items" in schema or "prefixItems" in schema:
        return ["array"]
    return list(_SCALARS)


def _kept(schema: dict[str, Any], keywords: frozenset[str]) -> dict[str, Any]:
    kept = {keyword: value for keyword, value in schema.items() if keyword in keywords}
    if kept.get("format") not in _FORMATS:
        kept.pop("format", None)
    return kept


def _enum(values: list[Any]) -> dict[str, Any]:
    scalars = [value for value in values if not isinstance(value, dict | list)]
    return {"type": list(dict.fromkeys(map(_type_name, scalars))), "enum": scalars}


def _type_name(value: Any) -> str:
    text = json.dumps(value, default=str)
    if text in {"true", "false"}:
        return "boolean"
    if text == "null":
        return text
    return "string" if isinstance(value, str) else "number"


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if "null" in types:
        return schema
    if "object" in types or "array" in types:
        note = {key: value for key, value in schema.items() if key == "description"}
        rest = {key: value for key, value in schema.items() if key != "description"}
        return {"anyOf": [rest, {"type": "null"}], **note}
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [*types, "null"], **enum}
