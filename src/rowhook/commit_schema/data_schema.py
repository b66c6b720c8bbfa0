"""Derives the requirements of an output: maps its schema back through its template to `data.*`.

If the template writes a value unchanged, the schema at that position of the body is the schema of
the value. Other parts of the schema are not enforced, and are listed with a reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from rowhook.commit_schema import EACH, Keys, RequirementSet, Scope, pointer_of_keys
from rowhook.commit_schema.body_skeleton import Loop as BodyLoop
from rowhook.commit_schema.body_skeleton import Node, Text, Unknown, Value, read_skeleton
from rowhook.commit_schema.inline_references import (
    NotSelfContained,
    constraints,
    expanded,
    resolved,
)
from rowhook.commit_schema.schema_conjunction import conjunction
from rowhook.render.configuration import Configuration
from rowhook.render.webhook_compiler import Webhook
from rowhook.schema.budget import pointer_to
from rowhook.schema.schema_compiler import compile_schema
from rowhook.template.compiler import PathUse, Template
from rowhook.template.static_text import NO_DEFAULT, Block, Loop, Placeholder, read_parts

# The schema of a value in a URL or a header.
_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_HEADER = {**_SCALAR, "pattern": "^[ -~]*$"}
# A loop goes over the items of a list or the keys of an object, which have no members.
_LIST = {"type": "array"}
_LIST_OR_KEYS = {"type": ["array", "object"]}
_DATA = Value(Placeholder(root="data", description="data"))
_SET_BY_ROWHOOK = Unknown(reason="The value is set by Rowhook.")
_PAYLOAD = {
    **dict.fromkeys(("timestamp", "commit_id", "committed_at"), _SET_BY_ROWHOOK),
    **dict.fromkeys(("goal", "template", "session", "interview"), _SET_BY_ROWHOOK),
    "data": _DATA,
}
_BEFORE_PATH = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?")
_INTO_OBJECTS = frozenset(
    (
        "type",
        "properties",
        "required",
        "additionalProperties",
        "allOf",
        "minProperties",
        "maxProperties",
    )
)
_INTO_LISTS = frozenset(("type", "items", "prefixItems", "allOf", "minItems", "maxItems"))
_OF_STRINGS = frozenset(("type", "minLength", "maxLength", "pattern", "format"))
# No number and no JSON text of a list or an object has one of these formats.
_NEVER_JSON = frozenset(
    ("email", "idn-email", "uuid", "date", "date-time", "uri", "iri", "ipv4", "ipv6", "duration")
)
_OTHER_TYPES = ["number", "boolean", "null", "array", "object"]


def body_of(configuration: Configuration) -> Node:
    """Returns the tree of the JSON body of a commit's delivery."""
    if configuration.raw_payload:
        return _DATA
    return (
        _PAYLOAD
        if configuration.body_template is None
        else read_skeleton(configuration.body_template)
    )


def derive_requirements(configuration: Configuration, webhook: Webhook) -> RequirementSet:
    """Returns the requirements of an output for the data of a commit and its session's context."""
    requirements = RequirementSet(condition=configuration.condition or "")
    _add_paths(webhook, requirements)
    requirements.is_conditional = webhook.condition is not None
    _add_loops(webhook, requirements)
    _add_url_and_headers(webhook, requirements)
    if webhook.sends_body and webhook.is_json and configuration.schema is not None:
        walk = SchemaWalk(configuration.schema, requirements)
        walk.visit(body_of(configuration), configuration.schema, (), Scope())
    if webhook.condition is not None:
        reason = (
            "The condition decides whether the output is sent. The requirements of the output are "
            "not part of the schema."
        )
        requirements.skip("/condition", reason)
    return requirements


def _add_paths(webhook: Webhook, requirements: RequirementSet) -> None:
    for location, part in parts_of(webhook):
        requirements.is_conditional = webhook.condition is not None and location != "/condition"
        for use in part:
            path = use.root, _without_numbers(use.path)
            requirements.add(path, location, required=use.required)


def parts_of(webhook: Webhook) -> Iterator[tuple[str, tuple[PathUse, ...]]]:
    """Yields the JSON pointer of each part of an output, with the paths that the part reads."""
    if webhook.condition is not None:
        yield "/condition", webhook.condition.paths
    for location, template in templates_of(webhook):
        yield location, template.paths


def templates_of(webhook: Webhook) -> Iterator[tuple[str, Template]]:
    """Yields the JSON pointer of each template of an output, and the template."""
    named: list[tuple[str, Template | None]] = [
        ("/body_template", webhook.body),
        ("/url", webhook.url),
        *((f"/headers{pointer_to([name])}", template) for name, template in webhook.headers),
    ]
    for location, template in named:
        if template is not None:
            yield location, template


def _without_numbers(path: tuple[str, ...]) -> tuple[str, ...]:
    """Returns a path up to its first number, which may be an index or a key."""
    for index, key in enumerate(path):
        if key.lstrip("-").isdecimal():
            return path[:index]
    return path


def _add_loops(webhook: Webhook, requirements: RequirementSet) -> None:
    for location, template in templates_of(webhook):
        if "for" in template.source:
            _add_reads(read_parts(template.source), Scope(), location, requirements)


def _add_reads(
    parts: Iterable[str | Placeholder | Block],
    scope: Scope,
    location: str,
    requirements: RequirementSet,
) -> None:
    """Adds the paths of each item that the loops among the parts read."""
    for part in parts:
        if not isinstance(part, Loop):
            continue
        path, inside = scope.read(part.items), scope.inside(part)
        reads = [] if inside is None else list(_item_reads(part, inside))
        if path is not None and part.items.root is not None:
            has_members = not part.is_filtered and any(keys[-1] is not EACH for _, keys in reads)
            schema = _LIST if has_members else _LIST_OR_KEYS
            requirements.add(path, location, required=True, schema=schema)
        if inside is None or part.is_filtered:
            continue
        for item_path in reads:
            requirements.add(item_path, location, required=item_path[1][-1] is not EACH)
        _add_reads(part.body, inside, location, requirements)


def _item_reads(loop: Loop, scope: Scope) -> Iterator[Any]:
    """Yields the paths of items that every iteration reads."""
    for part in loop.body:
        inner = part.items if isinstance(part, Loop) else part
        path = scope.read(inner) if isinstance(inner, Placeholder) else None
        if path is not None and EACH in path[1]:
            yield path


def _add_url_and_headers(webhook: Webhook, requirements: RequirementSet) -> None:
    for location, template in templates_of(webhook):
        if location == "/url":
            _add_scalars(requirements, template, location, _SCALAR)
        elif location != "/body_template":
            _add_scalars(requirements, template, location, _HEADER)


def _add_scalars(
    requirements: RequirementSet, template: Template, location: str, schema: Any
) -> None:
    before = ""
    for piece in read_parts(template.source):
        if isinstance(piece, Placeholder) and piece.root in ("data", "context"):
            is_needed = piece.default is NO_DEFAULT
            requirements.add(
                (piece.root, piece.keys),
                location,
                required=is_needed,
                schema=None if piece.to_json else schema,
            )
            if location == "/url" and _BEFORE_PATH.fullmatch(before):
                reason = f"{piece.description} must result in a host that is allowed."
                requirements.skip(location, reason)
        before += piece if isinstance(piece, str) else "\0"


class SchemaWalk:
    """Walks down a body and its schema together, and adds a requirement for each value."""

    def __init__(self, document: Any, requirements: RequirementSet) -> None:
        self._document = document
        self._requirements = requirements

    def visit(self, node: Node, schema: Any, path: Keys, scope: Scope) -> None:
        """Adds the requirements of a part of the body."""
        try:
            schema = resolved(schema, self._document)
            if not constraints(schema):
                return
            if schema is False:
                self._skip(path, "The schema allows no value here.")
                return
            if isinstance(node, Value):
                self._value(node.placeholder, schema, path, scope)
            elif isinstance(node, Text):
                self._text(node, schema, path, scope)
            elif isinstance(node, Unknown):
                self._skip(path, node.reason)
            elif isinstance(node, dict | list):
                self._inner(node, schema, path, scope)
        except (NotSelfContained, RecursionError) as error:
            self._skip(path, str(error))

    def _skip(self, path: Keys, reason: str) -> None:
        self._requirements.skip(f"body{pointer_of_keys(path)}", reason)

    def _expanded(self, schema: Any, path: Keys) -> Any:
        result, losses = expanded(schema, self._document)
        for reason in losses:
            self._skip(path, reason)
        return conjunction([result])

    def _value(self, placeholder: Placeholder, schema: Any, path: Keys, scope: Scope) -> None:
        target = scope.unchanged(placeholder)
        if target is None:
            self._skip(path, f"Not a plain path into the data: {placeholder.description}.")
            return
        expanded_schema = self._expanded(schema, path)
        has_default = placeholder.default is not NO_DEFAULT
        if has_default and compile_schema(expanded_schema).faults(placeholder.default):
            self._skip(path, f"The default of {placeholder.description} does not match the schema.")
            return
        self._requirements.add(
            target,
            f"body{pointer_of_keys(path)}",
            required=not has_default,
            schema=expanded_schema,
        )

    def _text(self, node: Text, schema: Any, path: Keys, scope: Scope) -> None:
        types = schema.get("type", "string") if isinstance(schema, dict) else "string"
        first = node.parts[0]
        if "string" not in ([types] if isinstance(types, str) else types):
            self._skip(path, "The template writes a string, which the schema does not allow.")
        elif len(node.parts) == 1 and isinstance(first, Placeholder) and not first.to_json:
            self._value(first, self._of_text(schema, path), path, scope)
        elif set(constraints(schema)) - {"type"}:
            sources = ", ".join(
                part.description for part in node.parts if isinstance(part, Placeholder)
            )
            self._skip(path, f"The string is composed of {sources}.")

    def _of_text(self, schema: Any, path: Keys) -> Any:
        """Returns the schema of a value that is written as a text, from that of the text."""
        expanded_schema = {**self._expanded(schema, path), "type": "string"}
        if _refuses_other_types(expanded_schema):
            return expanded_schema
        rest = {key: value for key, value in expanded_schema.items() if key != "type"}
        if constraints(rest):
            self._skip(path, "A value that is not a string must match as the text written for it.")
        if constraints(expanded_schema).keys() <= _OF_STRINGS:
            return rest
        return {"anyOf": [expanded_schema, {"type": _OTHER_TYPES}]}

    def _inner(self, node: Any, schema: Any, path: Keys, scope: Scope) -> None:
        supported = _INTO_OBJECTS if isinstance(node, dict) else _INTO_LISTS
        for keyword in constraints(schema):
            if keyword not in supported and _has_placeholders(node):
                self._skip(path, f"{keyword} applies to more than one value.")
        for subschema in schema.get("allOf", ()):
            self.visit(node, subschema, path, scope)
        if isinstance(node, dict):
            self._members(node, schema, path, scope)
        else:
            self._items(node, schema, path, scope)

    def _members(self, node: dict[str, Node], schema: Any, path: Keys, scope: Scope) -> None:
        named, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
        for name in schema.get("required", ()):
            if name not in node:
                self._skip(
                    (*path, name),
                    "The schema requires the property, but the template does not write it.",
                )
        for name, member in node.items():
            if name in named:
                self.visit(member, named[name], (*path, name), scope)
            elif rest is False and "patternProperties" not in schema:
                self._skip(
                    (*path, name),
                    "The template writes the property, but the schema does not allow it.",
                )
            elif "patternProperties" not in schema:
                self.visit(member, rest, (*path, name), scope)

    def _items(self, node: list[Node], schema: Any, path: Keys, scope: Scope) -> None:
        first, items = schema.get("prefixItems", []), schema.get("items", True)
        counts = {key: schema[key] for key in ("minItems", "maxItems") if key in schema}
        if counts and any(isinstance(item, BodyLoop) for item in node):
            self._counts(node, counts, path, scope)
        for index, item in enumerate(node):
            if isinstance(item, BodyLoop) and len(first) > index:
                self._skip(path, "The number of items before each position depends on the data.")
                return
            if isinstance(item, BodyLoop):
                self._loop(item, items, (*path, EACH), scope)
            else:
                inner = first[index] if index < len(first) else items
                self.visit(item, inner, (*path, index), scope)

    def _counts(self, node: list[Node], counts: dict[str, Any], path: Keys, scope: Scope) -> None:
        """Maps the number of items back, if the list has one for each item of the data."""
        loop = node[0]
        is_alone = len(node) == 1 and isinstance(loop, BodyLoop) and len(loop.items) == 1
        if is_alone and not loop.tag.is_filtered and scope.inside(loop.tag) is not None:
            target = scope.unchanged(loop.tag.items)
            if target is not None:
                location = f"body{pointer_of_keys(path)}"
                self._requirements.add(target, location, required=True, schema=counts)
                return
        self._skip(path, f"{' and '.join(counts)}: the data decides the number of items.")

    def _loop(self, loop: BodyLoop, schema: Any, path: Keys, scope: Scope) -> None:
        inside = None if loop.tag.is_filtered else scope.inside(loop.tag)
        for item in loop.items:
            self.visit(item, schema, path, inside or Scope())


def _refuses_other_types(schema: dict[str, Any]) -> bool:
    """Returns whether the text of no number, boolean, null, list or object matches."""
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if values is None:
        return schema.get("format") in _NEVER_JSON and bool(compile_schema(schema).faults(""))
    return not any(_is_text_of_another(value) for value in values)


def _is_text_of_another(text: Any) -> bool:
    if text == "":
        return True
    with suppress(ValueError, TypeError):
        return not isinstance(json.loads(text), str)
    return False


def _has_placeholders(node: Node) -> bool:
    if isinstance(node, dict | list):
        return any(map(_has_placeholders, node.values() if isinstance(node, dict) else node))
    return isinstance(node, Value | Text | Unknown | BodyLoop)
