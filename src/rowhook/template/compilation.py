"""The state of compiling one template: faults, used names and scopes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rowhook.template.faults import TemplateFaults
from rowhook.template.limits import MAX_FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rowhook.template.faults import TemplateFault
    from rowhook.template.output_context import OutputContext
    from rowhook.template.source import Source


class Loop(NamedTuple):
    """A `for` loop in scope: its variable and its first slot."""

    name: str
    base: int


@dataclass(slots=True, kw_only=True)
class Build:
    """The state of compiling one template."""

    source: Source
    output_context: OutputContext
    roots: frozenset[str]
    faults: list[TemplateFault] = field(default_factory=list)
    roots_used: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    uses: dict[tuple[str, tuple[str, ...]], bool] = field(default_factory=dict)
    subject_offsets: dict[str, Callable[[], int] | None] = field(default_factory=dict)
    conditional_subjects: set[str] = field(default_factory=set)
    loops: list[Loop] = field(default_factory=list)
    in_body: int = 0
    slots: int = 0
    depth: int = 0
    conditional: int = 0
    cost: int = 0

    def fault(self, offset: int, message: str) -> None:
        """Record a fault; compiling continues, so that all faults are reported together."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(self.source.fault(offset, message))

    def finish(self) -> None:
        """Raise TemplateFaults if there are faults."""
        if self.faults:
            self.faults.sort(key=lambda fault: (fault.line, fault.column))
            raise TemplateFaults(self.faults)

    def use(self, root: str, path: tuple[str, ...], *, required: bool) -> None:
        """Record that a path is read, and whether every render needs it."""
        self.roots_used.add(root)
        if path:
            needed = required and not self.conditional
            self.uses[root, path] = self.uses.get((root, path), False) or needed

    def record_position(self, where: Callable[[], int], *subjects: str) -> None:
        """Record the offset of subjects, so that the fault of a render can be located.

        A subject that is always evaluated fails at its first occurrence. For a subject that occurs
        several times, first in an optional branch, the failing occurrence is not known.
        """
        for subject in subjects:
            first = self.subject_offsets.setdefault(subject, where)
            if first is where and self.conditional:
                self.conditional_subjects.add(subject)
            elif first is not None and subject in self.conditional_subjects and first() != where():
                self.subject_offsets[subject] = None

    def positions(self) -> dict[str, tuple[int, int]]:
        """Return line and column of the subjects, computed lazily because it walks the tree."""
        offsets = self.subject_offsets.items()
        return {name: self.source.position(offset()) for name, offset in offsets if offset}

    @contextmanager
    def optional_branch(self) -> Iterator[None]:
        """Compile expressions that are not always evaluated."""
        self.conditional += 1
        yield
        self.conditional -= 1
