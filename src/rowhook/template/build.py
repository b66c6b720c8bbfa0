"""What compiling one source gathers: faults, used names, and what is in scope.

It holds state and knows no node; the compiling functions fill it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from .faults import TemplateFaults
from .limits import MAX_FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .faults import TemplateFault
    from .place import Place
    from .source import Source


class Loop(NamedTuple):
    """The names that one `for` brings: its variable, and where its slots begin."""

    name: str
    base: int


@dataclass(slots=True, kw_only=True)
class Build:
    """One source being compiled."""

    source: Source
    place: Place
    roots: frozenset[str]
    faults: list[TemplateFault] = field(default_factory=list)
    roots_used: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    uses: dict[tuple[str, tuple[str, ...]], bool] = field(default_factory=dict)
    standing: dict[str, Callable[[], int] | None] = field(default_factory=dict)
    seldom: set[str] = field(default_factory=set)
    loops: list[Loop] = field(default_factory=list)
    in_body: int = 0
    slots: int = 0
    depth: int = 0
    conditional: int = 0
    cost: int = 0

    def fault(self, offset: int, message: str) -> None:
        """Note a fault; compiling goes on, so that one answer lists them all."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(self.source.fault(offset, message))

    def finish(self) -> None:
        """Raise TemplateFaults if anything was noted."""
        if self.faults:
            self.faults.sort(key=lambda fault: (fault.line, fault.column))
            raise TemplateFaults(self.faults)

    def use(self, root: str, path: tuple[str, ...], *, required: bool) -> None:
        """Note that a path is read, and whether a render always needs it."""
        self.roots_used.add(root)
        if path:
            needed = required and not self.conditional
            self.uses[root, path] = self.uses.get((root, path), False) or needed

    def stand(self, where: Callable[[], int], *subjects: str) -> None:
        """Note where these stand: what a fault of a render names is looked up there.

        What always is evaluated fails where it stands first. Of what stands in several places,
        the first not always evaluated, nobody knows which one failed.
        """
        for subject in subjects:
            first = self.standing.setdefault(subject, where)
            if first is where and self.conditional:
                self.seldom.add(subject)
            elif first is not None and subject in self.seldom and first() != where():
                self.standing[subject] = None

    def positions(self) -> dict[str, tuple[int, int]]:
        """Line and column of each, once nothing is refused: a deep tree is long to walk."""
        known = ((one, where) for one, where in self.standing.items() if where is not None)
        return {one: self.source.position(where()) for one, where in known}

    @contextmanager
    def perhaps(self) -> Iterator[None]:
        """Mark what is compiled inside as not always evaluated."""
        self.conditional += 1
        yield
        self.conditional -= 1
