"""What one output requires of the data of a commit, path by path."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from rowhook.schema.budget import pointer_to
from rowhook.template.names import path_name


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
