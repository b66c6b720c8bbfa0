"""Requirements of one output for the data of a commit, by path; paths of loop variables."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from rowhook.schema.budget import pointer_to
from rowhook.template.static_text import NO_DEFAULT, Loop, Placeholder
from rowhook.template.syntax_nodes import path_name, read_path_name


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
        """Add a requirement."""
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
        """Add a part that is not enforced."""
        part = NotEnforced(location=location, reason=reason)
        if part not in self.not_enforced:
            self.not_enforced.append(part)


def name_of_keys(root: str, keys: Keys) -> str:
    """Return a path in the syntax of templates; `[*]` stands for each item."""
    parts, start = [], 0
    for index, key in enumerate(keys):
        if key is EACH:
            parts.append(path_name("", _plain(keys[start:index])) + "[*]")
            start = index + 1
    return root + "".join(parts) + path_name("", _plain(keys[start:]))


def pointer_of_keys(keys: Keys) -> str:
    """Return a JSON pointer; `*` stands for each item."""
    return pointer_to("*" if isinstance(key, Each) else key for key in keys)


def _plain(keys: Keys) -> tuple[str | int, ...]:
    return tuple(key for key in keys if not isinstance(key, Each))


_LONGEST = 190
_ROOTS = frozenset(("data", "context"))
Path = tuple[str, Keys]


class Scope:
    """The loop variables at a position of a template, with the path of each."""

    def __init__(self, variables: dict[str, Path] | None = None) -> None:
        self._variables = variables or {}

    def path(self, root: str | None, keys: Keys) -> Path | None:
        """Return the path into data or context of a value, or None."""
        if root in _ROOTS:
            return str(root), keys
        base = self._variables.get(root or "")
        return None if base is None else (base[0], (*base[1], *keys))

    def written(self, placeholder: Placeholder) -> Path | None:
        """Return the path of a value that is written unchanged, or None."""
        return self.path(placeholder.root, placeholder.keys)

    def read(self, placeholder: Placeholder) -> Path | None:
        """Return a path that every render of a placeholder must find, or None."""
        name, *filters = placeholder.description.split(" | ")
        if placeholder.root is not None:
            is_needed = placeholder.default is NO_DEFAULT
            return self.written(placeholder) if is_needed else None
        path = read_path_name(name) if len(placeholder.description) < _LONGEST else None
        if path is None or not filters or {"default", "d"} & set(filters):
            return None
        return self.path(*path)

    def inside(self, loop: Loop) -> Scope | None:
        """Return the scope of the body, or None if its variable is not an item of the data."""
        path = self.written(loop.items)
        if path is None or loop.variable is None or loop.items.default is not NO_DEFAULT:
            return None
        return Scope({**self._variables, loop.variable: (path[0], (*path[1], EACH))})
