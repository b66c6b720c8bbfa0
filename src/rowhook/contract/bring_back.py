"""What one output asks of the data: its schema brought back through its template to `data.*`.

Where the body writes a value as it is, the value's schema is the body's at that place. What cannot
be brought back is Lost, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rowhook.compose import Configuration, Webhook
from rowhook.contract.expand import Bound, constraints, expanded, resolved
from rowhook.contract.skeleton import Node, Text, Unknown, Value, read_skeleton
from rowhook.schema import compile_schema, pointer_to
from rowhook.template import NO_DEFAULT, PathUse, Placeholder, Template, read_parts

Keys = tuple[str | int, ...]
# What a value that stands in a URL or a header may be.
_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_HEADER = {**_SCALAR, "pattern": "^[ -~]*$"}
_DATA = Value(Placeholder(root="data", description="data"))
_OURS = Unknown(reason="The value is set by Rowhook.")
_PAYLOAD = {
    **dict.fromkeys(("timestamp", "commit_id", "committed_at"), _OURS),
    **dict.fromkeys(("goal", "template", "session", "interview"), _OURS),
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
class Ask:
    """That a path be there (`required`), or meet `schema` if it is (None: whatever it holds)."""

    root: str
    keys: Keys
    required: bool
    schema: Any = None
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A part of an output that says nothing about data: where it stands, and why."""

    place: str
    reason: str


@dataclass(slots=True)
class Asked:
    """All that one output asks, and what of it could not be brought back."""

    asks: list[Ask] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)


def body_of(given: Configuration) -> Node:
    """The tree of the JSON body that a commit's delivery has."""
    if given.raw_payload:
        return _DATA
    return _PAYLOAD if given.body_template is None else read_skeleton(given.body_template)


def derive_requirements(given: Configuration, webhook: Webhook) -> Asked:
    """What an output asks of a commit's data and its session's context."""
    asked = Asked()
    _ask_for_paths(webhook, asked)
    _ask_beside_the_body(webhook, asked)
    if webhook.sends_body and webhook.is_json:
        node = body_of(given)
        if given.schema is not None:
            _Walk(given.schema, asked).into(node, given.schema, ())
    if webhook.condition is not None:
        reason = (
            "The condition decides whether the output is sent. The requirements assume that it is."
        )
        asked.lost.append(Lost(place="/condition", reason=reason))
    return asked


def _ask_for_paths(webhook: Webhook, asked: Asked) -> None:
    for place, part in parts_of(webhook):
        for use in part:
            asked.asks.append(
                Ask(root=use.root, keys=_sure(use.path), required=use.required, place=place)
            )


def parts_of(webhook: Webhook) -> Iterator[tuple[str, tuple[PathUse, ...]]]:
    """The paths that each part of an output reads, with the pointer of that part."""
    named: list[tuple[str, Any]] = [
        ("/condition", webhook.condition),
        ("/body_template", webhook.body),
        ("/url", webhook.url),
    ]
    named += [(f"/headers{pointer_to([name])}", template) for name, template in webhook.headers]
    for place, part in named:
        if part is not None:
            yield place, part.paths


def _sure(path: tuple[str, ...]) -> Keys:
    """A path up to its first number: that may be a position or a key."""
    for index, key in enumerate(path):
        if key.lstrip("-").isdecimal():
            return path[:index]
    return path


def _ask_beside_the_body(webhook: Webhook, asked: Asked) -> None:
    for name, template in webhook.headers:
        _ask_scalars(asked, template, f"/headers{pointer_to([name])}", _HEADER)
    if webhook.url is not None:
        _ask_scalars(asked, webhook.url, "/url", _SCALAR)


def _ask_scalars(asked: Asked, template: Template, place: str, schema: Any) -> None:
    before = ""
    for piece in read_parts(template.source):
        if isinstance(piece, Placeholder) and piece.root in ("data", "context"):
            _ask(asked, piece, schema, place)
            if place == "/url" and _BEFORE_PATH.fullmatch(before):
                reason = f"{piece.description} must result in a host that is allowed."
                asked.lost.append(Lost(place=place, reason=reason))
        before += piece if isinstance(piece, str) else "\0"


def _ask(asked: Asked, placeholder: Placeholder, schema: Any, place: str) -> None:
    required = placeholder.default is NO_DEFAULT
    asked.asks.append(
        Ask(
            root=str(placeholder.root),
            keys=placeholder.keys,
            required=required,
            schema=schema,
            place=place,
        )
    )


class _Walk:
    """Down a body and its schema at once."""

    def __init__(self, document: Any, asked: Asked) -> None:
        self._document = document
        self._asked = asked

    def into(self, node: Node, schema: Any, path: Keys) -> None:
        try:
            schema = resolved(schema, self._document)
            if not constraints(schema):
                return
            if isinstance(node, Value):
                self._value(node.placeholder, schema, path)
            elif isinstance(node, Text):
                self._text(node, schema, path)
            elif isinstance(node, Unknown):
                self._lose(path, node.reason)
            elif isinstance(node, dict | list):
                self._inner(node, schema, path)
        except (Bound, RecursionError) as bound:
            self._lose(path, str(bound))

    def _lose(self, path: Keys, reason: str) -> None:
        self._asked.lost.append(Lost(place=f"body{pointer_to(path)}", reason=reason))

    def _value(self, placeholder: Placeholder, schema: Any, path: Keys) -> None:
        if placeholder.root not in ("data", "context"):
            self._lose(path, f"Not a plain path into the data: {placeholder.description}.")
            return
        alone = expanded(schema, self._document)
        if placeholder.default is not NO_DEFAULT and compile_schema(alone).faults(
            placeholder.default
        ):
            self._lose(path, f"The default of {placeholder.description} does not match the schema.")
            return
        _ask(self._asked, placeholder, alone, f"body{pointer_to(path)}")

    def _text(self, node: Text, schema: Any, path: Keys) -> None:
        types = schema.get("type", "string") if isinstance(schema, dict) else "string"
        if "string" not in ([types] if isinstance(types, str) else types):
            self._lose(path, "The template writes a string, which the schema does not allow.")
        elif (
            len(node.parts) == 1
            and isinstance(node.parts[0], Placeholder)
            and not node.parts[0].to_json
        ):
            alone = expanded(schema, self._document)
            self._value(node.parts[0], {**alone, "type": "string"}, path)
        elif set(constraints(schema)) - {"type"}:
            said = ", ".join(one.description for one in node.parts if isinstance(one, Placeholder))
            self._lose(path, f"The string is composed of {said}.")

    def _inner(self, node: Any, schema: Any, path: Keys) -> None:
        readable = _INTO_OBJECTS if isinstance(node, dict) else _INTO_LISTS
        for word in constraints(schema):
            if word not in readable and _has_holes(node):
                self._lose(path, f"{word} applies to more than one value.")
        for one in schema.get("allOf", ()):
            self.into(node, one, path)
        if isinstance(node, dict):
            self._members(node, schema, path)
        else:
            self._items(node, schema, path)

    def _members(self, node: dict[str, Node], schema: Any, path: Keys) -> None:
        named, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
        for name in schema.get("required", ()):
            if name not in node:
                self._lose(
                    (*path, name),
                    "The schema requires the property, but the template does not write it.",
                )
        for name, one in node.items():
            if name in named:
                self.into(one, named[name], (*path, name))
            elif rest is False and "patternProperties" not in schema:
                self._lose(
                    (*path, name),
                    "The template writes the property, but the schema does not allow it.",
                )
            elif "patternProperties" not in schema:
                self.into(one, rest, (*path, name))

    def _items(self, node: list[Node], schema: Any, path: Keys) -> None:
        first = schema.get("prefixItems", [])
        items = schema.get("items", True)
        if isinstance(items, list):
            raise Bound("items has the form of an older draft.")
        for index, one in enumerate(node):
            self.into(one, first[index] if index < len(first) else items, (*path, index))


def _has_holes(node: Node) -> bool:
    if isinstance(node, dict | list):
        return any(map(_has_holes, node.values() if isinstance(node, dict) else node))
    return isinstance(node, Value | Text | Unknown)
