"""Requirements of outputs for the data of a commit, merged into one JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NamedTuple

from rowhook.commit_schema.schema_conjunction import conjunction
from rowhook.schema.budget import pointer_to
from rowhook.template.static_text import NO_DEFAULT, Loop, Placeholder
from rowhook.template.syntax_nodes import path_name, read_path_name

_LONGEST = 190
_ROOTS = frozenset(("data", "context"))
_CONDITION_CHARACTERS = 120
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_CHARACTERS = 80
_LIST_CHARACTERS = 400


class Each(Enum):
    """The step from a list to each of its items."""

    ITEM = "*"


EACH: Final = Each.ITEM
Keys = tuple[str | int | Each, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A requirement: the path must exist if `required`, and match `schema` (None: any value).

    `is_conditional`: it applies only if the condition of the output is true.
    """

    root: str
    keys: Keys
    required: bool
    schema: Any = None
    location: str
    is_conditional: bool = False


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
    condition: str = ""
    is_conditional: bool = False

    def add(
        self, path: tuple[str, Keys], location: str, *, required: bool, schema: Any = None
    ) -> None:
        """Adds a requirement."""
        root, keys = path
        self.items.append(
            Requirement(
                root=root,
                keys=keys,
                required=required,
                schema=schema,
                location=location,
                is_conditional=self.is_conditional,
            )
        )

    def skip(self, location: str, reason: str) -> None:
        """Adds a part that is not enforced."""
        part = NotEnforced(location=location, reason=reason)
        if part not in self.not_enforced:
            self.not_enforced.append(part)


def name_of_keys(root: str, keys: Keys) -> str:
    """Returns a path in the syntax of templates; `[*]` stands for each item."""
    parts, start = [], 0
    for index, key in enumerate(keys):
        if key is EACH:
            parts.append(path_name("", _plain(keys[start:index])) + "[*]")
            start = index + 1
    return root + "".join(parts) + path_name("", _plain(keys[start:]))


def pointer_of_keys(keys: Keys) -> str:
    """Returns a JSON pointer; `*` stands for each item."""
    return pointer_to("*" if isinstance(key, Each) else key for key in keys)


def _plain(keys: Keys) -> tuple[str | int, ...]:
    return tuple(key for key in keys if not isinstance(key, Each))


Path = tuple[str, Keys]


class Scope:
    """The loop variables at a position of a template, with the path of each."""

    def __init__(self, variables: dict[str, Path] | None = None) -> None:
        self._variables = variables or {}

    def path(self, root: str | None, keys: Keys) -> Path | None:
        """Returns the path into data or context of a value, or None."""
        if root in _ROOTS:
            return str(root), keys
        base = self._variables.get(root or "")
        return None if base is None else (base[0], (*base[1], *keys))

    def unchanged(self, placeholder: Placeholder) -> Path | None:
        """Returns the path of a value that is written unchanged, or None."""
        return self.path(placeholder.root, placeholder.keys)

    def read(self, placeholder: Placeholder) -> Path | None:
        """Returns a path that every render of a placeholder must find, or None."""
        name, *filters = placeholder.description.split(" | ")
        if placeholder.root is not None:
            is_needed = placeholder.default is NO_DEFAULT
            return self.unchanged(placeholder) if is_needed else None
        path = read_path_name(name) if len(placeholder.description) < _LONGEST else None
        if path is None or not filters or {"default", "d"} & set(filters):
            return None
        return self.path(*path)

    def inside(self, loop: Loop) -> Scope | None:
        """Returns the scope of the body, or None if its variable is not an item of the data."""
        path = self.unchanged(loop.items)
        if path is None or loop.variable is None or loop.items.default is not NO_DEFAULT:
            return None
        return Scope({**self._variables, loop.variable: (path[0], (*path[1], EACH))})


class Output(NamedTuple):
    """An output of a goal, with its requirements."""

    webhook_id: str
    name: str
    requirements: RequirementSet


@dataclass(slots=True)
class _Node:
    """A position in the data, with its requirements and its children."""

    required: bool = False
    schemas: list[Any] = field(default_factory=list)
    members: dict[str, _Node] = field(default_factory=dict)
    items: dict[int, _Node] = field(default_factory=dict)
    each: dict[Each, _Node] = field(default_factory=dict)
    outputs: dict[str, None] = field(default_factory=dict)
    conditional: dict[str, str] = field(default_factory=dict)


def commit_schema(goal: str, outputs: Iterable[Output]) -> dict[str, Any]:
    """Returns the schema of `commit.data` for a goal.

    `x-rowhook` lists the requirements of each output, those on the session's context, and the
    parts that the schema does not enforce: data that matches the schema may still fail there.
    """
    output_list = list(outputs)
    root = _Node()
    for output in output_list:
        for requirement in output.requirements.items:
            if requirement.root == "data":
                _add(root, requirement, output)
    return {
        "$schema": DIALECT,
        "title": f"Commit for {quoted(goal)}",
        **_to_schema(root),
        "x-rowhook": {
            "goal_id": goal,
            "outputs": [
                {"webhook_id": output.webhook_id, "name": output.name} for output in output_list
            ],
            "requirements": list(_requirements(output_list)),
            "not_enforced": list(_not_enforced(output_list)),
        },
    }


def _add(root: _Node, requirement: Requirement, output: Output) -> None:
    node, nodes = root, [root]
    for key in requirement.keys:
        if isinstance(key, int) and key < 0:
            break
        node = _children(node, key).setdefault(key, _Node())
        # an item must have its members only if it is there
        nodes = [] if key is EACH else [*nodes, node]
    if requirement.is_conditional:
        node.conditional[output.name] = output.requirements.condition
        return
    node.outputs[output.name] = None
    if requirement.required:
        for visited in nodes:
            visited.required = True
    is_complete = not any(isinstance(key, int) and key < 0 for key in requirement.keys)
    if is_complete and requirement.schema is not None and requirement.schema not in node.schemas:
        node.schemas.append(requirement.schema)


def _children(node: _Node, key: str | int | Each) -> dict[Any, _Node]:
    if isinstance(key, Each):
        return node.each
    return node.items if isinstance(key, int) else node.members


def _to_schema(node: _Node) -> dict[str, Any]:
    items = {"items": _to_schema(node.each[EACH])} if node.each else {}
    schema = conjunction([_members(node), _positions(node), items, *node.schemas])
    if schema is False:
        return {"not": {}}
    return dict(schema) if isinstance(schema, dict) else {}


def _members(node: _Node) -> dict[str, Any]:
    if not node.members:
        return {}
    properties = {name: _described(child) for name, child in node.members.items()}
    required = [name for name, child in node.members.items() if child.required]
    shape: dict[str, Any] = {"properties": properties}
    return {"type": "object", **shape, "required": required} if required else shape


def _positions(node: _Node) -> dict[str, Any]:
    if not node.items:
        return {}
    first = [_to_schema(node.items.get(n, _Node())) for n in range(max(node.items) + 1)]
    required = [n for n, child in node.items.items() if child.required]
    if not required:
        return {"prefixItems": first}
    # a position of a string is a character
    shape: dict[str, Any] = {"type": ["array", "string"], "prefixItems": first}
    return {**shape, "minItems": max(required) + 1, "minLength": max(required) + 1}


def _described(node: _Node) -> dict[str, Any]:
    schema = _to_schema(node)
    if "description" in schema:
        return schema
    uses = []
    if node.outputs:
        uses.append(f"Used by {quoted_list(list(node.outputs))}.")
    conditional = [name for name in node.conditional if name not in node.outputs]
    if conditional:
        condition = quoted(node.conditional[conditional[0]], _CONDITION_CHARACTERS)
        when = (
            f"its condition {condition} is true"
            if len(conditional) == 1
            else "their conditions are true"
        )
        uses.append(f"Used by {quoted_list(conditional)} if {when}.")
    return {**schema, "description": " ".join(uses)} if uses else schema


def _requirements(outputs: list[Output]) -> Iterator[dict[str, Any]]:
    """Yields an entry per path: the outputs that use it, and whether it is required."""
    paths: dict[tuple[str, Keys], list[tuple[Output, Requirement]]] = {}
    for output in outputs:
        for requirement in output.requirements.items:
            paths.setdefault((requirement.root, requirement.keys), []).append((output, requirement))
    for (root, keys), uses in sorted(paths.items(), key=lambda item: str(item[0])):
        yield {
            "path": name_of_keys(root, keys),
            "in": root,
            "pointer": pointer_of_keys(keys),
            "required": any(
                requirement.required and not requirement.is_conditional for _, requirement in uses
            ),
            "used_by": list(_used_by(uses)),
        }


def _used_by(uses: list[tuple[Output, Requirement]]) -> Iterator[dict[str, Any]]:
    by_output: dict[str, tuple[Output, list[Requirement]]] = {}
    for output, requirement in uses:
        by_output.setdefault(output.webhook_id, (output, []))[1].append(requirement)
    for output, requirements in by_output.values():
        yield {
            "webhook_id": output.webhook_id,
            "name": output.name,
            "locations": sorted({requirement.location for requirement in requirements}),
            "required": any(requirement.required for requirement in requirements),
            "conditional": all(requirement.is_conditional for requirement in requirements),
            "constrained": any(
                requirement.schema not in (None, {}, True) for requirement in requirements
            ),
        }


def _not_enforced(outputs: list[Output]) -> Iterator[dict[str, Any]]:
    for output in outputs:
        for part in output.requirements.not_enforced:
            yield {
                "webhook_id": output.webhook_id,
                "name": output.name,
                "location": part.location,
                "reason": part.reason,
            }


def quoted(text: str, characters: int = _CHARACTERS) -> str:
    """Returns a text in double quotes, on one line and bounded."""
    one_line = " ".join(text.split())
    printable = "".join(char for char in one_line if char.isprintable())
    if len(printable) > characters:
        printable = printable[: characters - 1] + "…"
    return json.dumps(printable, ensure_ascii=False)


def quoted_list(names: Sequence[str]) -> str:
    """Returns quoted names, as many as fit."""
    listed: list[str] = []
    for name in map(quoted, names):
        if sum(map(len, listed)) + len(name) > _LIST_CHARACTERS:
            return f"{', '.join(listed)} and {len(names) - len(listed)} more"
        listed.append(name)
    return ", ".join(listed)
