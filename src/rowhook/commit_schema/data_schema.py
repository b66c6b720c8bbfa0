"""Derives the requirements of an output: maps its schema back through its template to `data.*`.

If the template writes a value unchanged, the schema at that position of the body is the schema of
the value. Other parts of the schema are not enforced, and are listed with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from rowhook.commit_schema.body_skeleton import Node, Unknown, Value, read_skeleton
from rowhook.commit_schema.requirements import EACH, RequirementSet, Scope
from rowhook.commit_schema.schema_walk import SchemaWalk
from rowhook.render.configuration import Configuration
from rowhook.render.webhook_compiler import Webhook
from rowhook.schema.budget import pointer_to
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
    """Yield the JSON pointer of each part of an output, with the paths that the part reads."""
    if webhook.condition is not None:
        yield "/condition", webhook.condition.paths
    for location, template in templates_of(webhook):
        yield location, template.paths


def templates_of(webhook: Webhook) -> Iterator[tuple[str, Template]]:
    """Yield the JSON pointer of each template of an output, and the template."""
    named: list[tuple[str, Template | None]] = [
        ("/body_template", webhook.body),
        ("/url", webhook.url),
        *((f"/headers{pointer_to([name])}", template) for name, template in webhook.headers),
    ]
    for location, template in named:
        if template is not None:
            yield location, template


def _without_numbers(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return a path up to its first number, which may be an index or a key."""
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
    """Add what the loops among the parts read of each item."""
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
        for read in reads:
            requirements.add(read, location, required=read[1][-1] is not EACH)
        _add_reads(part.body, inside, location, requirements)


def _item_reads(loop: Loop, scope: Scope) -> Iterator[Any]:
    """Yield the paths of items that every iteration reads."""
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
