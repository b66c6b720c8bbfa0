"""Derives the requirements of an output: maps its schema back through its template to `data.*`.

If the template writes a value unchanged, the schema at that position of the body is the schema of
the value. Other parts of the schema are not enforced, and are listed with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rowhook.commit_schema.body_skeleton import Node, Text, Unknown, Value, read_skeleton
from rowhook.commit_schema.inline_references import (
    NotSelfContained,
    constraints,
    expanded,
    resolved,
)
from rowhook.render.configuration import Configuration
from rowhook.render.webhook_compiler import Webhook
from rowhook.schema.budget import pointer_to
from rowhook.schema.schema_compiler import compile_schema
from rowhook.template.compiler import PathUse, Template
from rowhook.template.static_text import NO_DEFAULT, Placeholder, read_parts

Keys = tuple[str | int, ...]
# The schema of a value in a URL or a header.
_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_HEADER = {**_SCALAR, "pattern": "^[ -~]*$"}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A requirement: the path must exist if `required`, and match `schema` (None: any value)."""

    root: str
    keys: Keys
    required: bool
    schema: Any = None
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEnforced:
    """A part of an output that cannot be expressed as a requirement, with the reason."""

    location: str
    reason: str


@dataclass(slots=True)
class RequirementSet:
    """The requirements of one output, and the parts that are not enforced."""

    items: list[Requirement] = field(default_factory=list)
    not_enforced: list[NotEnforced] = field(default_factory=list)


def body_of(configuration: Configuration) -> Node:
    """Return the tree of the JSON body of a commit's delivery."""
    if configuration.raw_payload:
        return _DATA
    return (
        _PAYLOAD
        if configuration.body_template is None
        else read_skeleton(configuration.body_template)
    )


def derive_requirements(configuration: Configuration, webhook: Webhook) -> RequirementSet:
    """Return what an output requires of the data of a commit and the context of its session."""
    requirements = RequirementSet()
    _add_paths(webhook, requirements)
    _add_url_and_headers(webhook, requirements)
    if webhook.sends_body and webhook.is_json:
        node = body_of(configuration)
        if configuration.schema is not None:
            _Walk(configuration.schema, requirements).visit(node, configuration.schema, ())
    if webhook.condition is not None:
        reason = (
            "The condition decides whether the output is sent. The requirements assume that it is."
        )
        requirements.not_enforced.append(NotEnforced(location="/condition", reason=reason))
    return requirements


def _add_paths(webhook: Webhook, requirements: RequirementSet) -> None:
    for location, part in parts_of(webhook):
        for use in part:
            requirements.items.append(
                Requirement(
                    root=use.root,
                    keys=_without_numbers(use.path),
                    required=use.required,
                    location=location,
                )
            )


def parts_of(webhook: Webhook) -> Iterator[tuple[str, tuple[PathUse, ...]]]:
    """Yield the JSON pointer of each part of an output, with the paths that the part reads."""
    named: list[tuple[str, Any]] = [
        ("/condition", webhook.condition),
        ("/body_template", webhook.body),
        ("/url", webhook.url),
    ]
    named += [(f"/headers{pointer_to([name])}", template) for name, template in webhook.headers]
    for location, part in named:
        if part is not None:
            yield location, part.paths


def _without_numbers(path: tuple[str, ...]) -> Keys:
    """Return a path up to its first number, which may be an index or a key."""
    for index, key in enumerate(path):
        if key.lstrip("-").isdecimal():
            return path[:index]
    return path


def _add_url_and_headers(webhook: Webhook, requirements: RequirementSet) -> None:
    for name, template in webhook.headers:
        _add_scalars(requirements, template, f"/headers{pointer_to([name])}", _HEADER)
    if webhook.url is not None:
        _add_scalars(requirements, webhook.url, "/url", _SCALAR)


def _add_scalars(
    requirements: RequirementSet, template: Template, location: str, schema: Any
) -> None:
    before = ""
    for piece in read_parts(template.source):
        if isinstance(piece, Placeholder) and piece.root in ("data", "context"):
            _add(requirements, piece, schema, location)
            if location == "/url" and _BEFORE_PATH.fullmatch(before):
                reason = f"{piece.description} must result in a host that is allowed."
                requirements.not_enforced.append(NotEnforced(location=location, reason=reason))
        before += piece if isinstance(piece, str) else "\0"


def _add(
    requirements: RequirementSet, placeholder: Placeholder, schema: Any, location: str
) -> None:
    required = placeholder.default is NO_DEFAULT
    requirements.items.append(
        Requirement(
            root=str(placeholder.root),
            keys=placeholder.keys,
            required=required,
            schema=schema,
            location=location,
        )
    )


class _Walk:
    """Walks down a body and its schema together."""

    def __init__(self, document: Any, requirements: RequirementSet) -> None:
        self._document = document
        self._requirements = requirements

    def visit(self, node: Node, schema: Any, path: Keys) -> None:
        try:
            schema = resolved(schema, self._document)
            if not constraints(schema):
                return
            if isinstance(node, Value):
                self._value(node.placeholder, schema, path)
            elif isinstance(node, Text):
                self._text(node, schema, path)
            elif isinstance(node, Unknown):
                self._not_enforced(path, node.reason)
            elif isinstance(node, dict | list):
                self._inner(node, schema, path)
        except (NotSelfContained, RecursionError) as error:
            self._not_enforced(path, str(error))

    def _not_enforced(self, path: Keys, reason: str) -> None:
        self._requirements.not_enforced.append(
            NotEnforced(location=f"body{pointer_to(path)}", reason=reason)
        )

    def _value(self, placeholder: Placeholder, schema: Any, path: Keys) -> None:
        if placeholder.root not in ("data", "context"):
            self._not_enforced(path, f"Not a plain path into the data: {placeholder.description}.")
            return
        expanded_schema = expanded(schema, self._document)
        if placeholder.default is not NO_DEFAULT and compile_schema(expanded_schema).faults(
            placeholder.default
        ):
            self._not_enforced(
                path, f"The default of {placeholder.description} does not match the schema."
            )
            return
        _add(self._requirements, placeholder, expanded_schema, f"body{pointer_to(path)}")

    def _text(self, node: Text, schema: Any, path: Keys) -> None:
        types = schema.get("type", "string") if isinstance(schema, dict) else "string"
        if "string" not in ([types] if isinstance(types, str) else types):
            self._not_enforced(
                path, "The template writes a string, which the schema does not allow."
            )
        elif (
            len(node.parts) == 1
            and isinstance(node.parts[0], Placeholder)
            and not node.parts[0].to_json
        ):
            expanded_schema = expanded(schema, self._document)
            self._value(node.parts[0], {**expanded_schema, "type": "string"}, path)
        elif set(constraints(schema)) - {"type"}:
            sources = ", ".join(
                part.description for part in node.parts if isinstance(part, Placeholder)
            )
            self._not_enforced(path, f"The string is composed of {sources}.")

    def _inner(self, node: Any, schema: Any, path: Keys) -> None:
        supported = _INTO_OBJECTS if isinstance(node, dict) else _INTO_LISTS
        for keyword in constraints(schema):
            if keyword not in supported and _has_placeholders(node):
                self._not_enforced(path, f"{keyword} applies to more than one value.")
        for subschema in schema.get("allOf", ()):
            self.visit(node, subschema, path)
        if isinstance(node, dict):
            self._members(node, schema, path)
        else:
            self._items(node, schema, path)

    def _members(self, node: dict[str, Node], schema: Any, path: Keys) -> None:
        named, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
        for name in schema.get("required", ()):
            if name not in node:
                self._not_enforced(
                    (*path, name),
                    "The schema requires the property, but the template does not write it.",
                )
        for name, member in node.items():
            if name in named:
                self.visit(member, named[name], (*path, name))
            elif rest is False and "patternProperties" not in schema:
                self._not_enforced(
                    (*path, name),
                    "The template writes the property, but the schema does not allow it.",
                )
            elif "patternProperties" not in schema:
                self.visit(member, rest, (*path, name))

    def _items(self, node: list[Node], schema: Any, path: Keys) -> None:
        first = schema.get("prefixItems", [])
        items = schema.get("items", True)
        if isinstance(items, list):
            raise NotSelfContained("items has the form of an older draft.")
        for index, item in enumerate(node):
            self.visit(item, first[index] if index < len(first) else items, (*path, index))


def _has_placeholders(node: Node) -> bool:
    if isinstance(node, dict | list):
        return any(map(_has_placeholders, node.values() if isinstance(node, dict) else node))
    return isinstance(node, Value | Text | Unknown)
