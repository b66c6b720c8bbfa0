"""The rules of the APIs of models for tool definitions, as their documentation states them.

Anthropic: Messages API, tool use. OpenAI: function calling, and Structured Outputs for `strict`.
MCP: specification 2025-11-25, tools. Some rules are known from the text of the 400 alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rowhook.schema.schema_compiler import compile_schema

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_NOT_AT_TOP = ("allOf", "anyOf", "oneOf", "enum", "not")
_STRICT_KEYWORDS = {
    *("type", "properties", "required", "additionalProperties", "items", "enum", "const"),
    *("anyOf", "description", "pattern", "format", "multipleOf", "minimum", "maximum"),
    *("exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems"),
}
_STRICT_FORMATS = {
    *("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"),
}
_MAX_DESCRIPTION = 1024
_KEYS = {"anthropic": "input_schema", "openai": "parameters", "mcp": "inputSchema"}


def input_of(tool: dict[str, Any], form: str) -> dict[str, Any]:
    """Returns the schema of a tool's input."""
    schema: dict[str, Any] = tool.get("function", tool)[_KEYS[form]]
    return schema


def broken_rules(tool: dict[str, Any], form: str, *, strict: bool = False) -> list[str]:
    """Returns the rules of an API that a tool definition breaks."""
    keys = {"name", "description", _KEYS[form], *(["strict"] if strict else [])}
    outer = [] if form != "openai" or tool.keys() == {"type", "function"} else ["members"]
    function = tool.get("function", tool)
    faults = [*outer, *([] if function.keys() == keys else [f"members {function.keys()}"])]
    if not _NAME.fullmatch(function["name"]):
        faults.append(f"name {function['name']}")
    faults += _text_faults(function["description"])
    schema = input_of(tool, form)
    faults += _top_faults(schema)
    for part in parts(schema):
        faults += _part_faults(part)
    if strict:
        faults += _strict_faults(schema)
    compile_schema(schema)
    return faults


def _text_faults(text: str) -> Iterator[str]:
    if len(text) > _MAX_DESCRIPTION:
        yield f"description of {len(text)} characters"
    if not text.isprintable():
        yield f"description with control characters: {text!r}"


def _top_faults(schema: dict[str, Any]) -> Iterator[str]:
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        yield "no object at the top"
    for keyword in _NOT_AT_TOP:
        if keyword in schema:
            yield f"{keyword} at the top"


def _part_faults(part: dict[str, Any]) -> Iterator[str]:
    for name in part.get("properties", {}):
        if not _PROPERTY.fullmatch(name):
            yield f"property {name!r}"
    if "array" in _types(part) and not isinstance(part.get("items"), dict):
        yield "array schema missing items"
    for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
        if keyword in part:
            yield keyword
    yield from _text_faults(part.get("description", ""))


def _strict_faults(schema: dict[str, Any]) -> Iterator[str]:
    names = 0
    for part in parts(schema):
        names += len(part.get("properties", {}))
        for keyword in part.keys() - _STRICT_KEYWORDS:
            yield f"{keyword} in strict"
        if not {"type", "anyOf"} & part.keys():
            yield f"neither type nor anyOf: {part}"
        if part.get("format", "email") not in _STRICT_FORMATS:
            yield f"format {part['format']}"
        if "object" in _types(part) and part.get("additionalProperties") is not False:
            yield "an open object"
        if set(part.get("required", ())) != set(part.get("properties", {})):
            yield "a member that is not required"
    if names > 5_000:
        yield f"{names} properties"
    if _depth(schema) > 10:
        yield "more than 10 levels"


def _types(part: dict[str, Any]) -> list[str]:
    types = part.get("type", [])
    return [types] if isinstance(types, str) else types


def _depth(schema: Any) -> int:
    if not isinstance(schema, dict):
        return 0
    inner = [
        *schema.get("properties", {}).values(),
        *([schema["items"]] if "items" in schema else []),
    ]
    return max([1 + max(map(_depth, inner), default=0), *map(_depth, schema.get("anyOf", ()))])


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Yields a schema and its subschemas."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword in ("properties", "patternProperties", "dependentSchemas"):
        for inner in schema.get(keyword, {}).values():
            yield from parts(inner)
    for keyword in ("allOf", "anyOf", "oneOf", "prefixItems"):
        for inner in schema.get(keyword, ()):
            yield from parts(inner)
    for keyword in ("items", "additionalProperties", "not", "if", "then", "else", "contains"):
        yield from parts(schema.get(keyword))


def arguments_of(data: Any, schema: dict[str, Any]) -> Any:
    """Returns the arguments of a tool for data; values of JSON texts are not encoded."""
    names = schema["properties"]
    if not isinstance(data, dict):
        return {"data": data} if "data" in names else data
    if not names.get("data", {}).get("description", "").startswith("JSON text"):
        return data
    others = {name: value for name, value in data.items() if name not in names or name == "data"}
    rest = {name: value for name, value in data.items() if name not in others}
    return {**rest, "data": "{}"} if others else rest
