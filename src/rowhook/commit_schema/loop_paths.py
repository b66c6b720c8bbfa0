"""Paths of the variables of loops, as paths of the data."""

from __future__ import annotations

from rowhook.commit_schema.requirements import EACH, Keys
from rowhook.template.names import read_path_name
from rowhook.template.static_text import NO_DEFAULT, Loop, Placeholder

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
