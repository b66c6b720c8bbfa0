"""The state of compiling one template: its output context, faults, names and scopes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from rowhook.template.body_lexers import (
    FORM_LEXER,
    HEADER_LEXER,
    JSON_LEXER,
    URL_LEXER,
    XML_LEXER,
    TextLexer,
)
from rowhook.template.faults import TemplateFaults
from rowhook.template.limits import MAX_FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rowhook.template.faults import TemplateFault
    from rowhook.template.source import Source

_JSON_LINES = frozenset(
    f"application/{name}" for name in ("x-ndjson", "ndjson", "jsonl", "x-jsonl", "jsonlines")
)


class OutputContext(Enum):
    """The use of the output of a template."""

    JSON = "json"
    XML = "xml"
    FORM = "form"
    TEXT = "text"
    URL = "url"
    HEADER = "header"
    CONDITION = "condition"


_EXACT = {
    "application/json": OutputContext.JSON,
    "text/json": OutputContext.JSON,
    "application/xml": OutputContext.XML,
    "text/xml": OutputContext.XML,
    "text/html": OutputContext.XML,
    "application/x-www-form-urlencoded": OutputContext.FORM,
}


def body_context(content_type: str | None) -> OutputContext:
    """Returns the context of a body by its Content-Type, which is JSON if None or empty."""
    media = _media_type(content_type)
    if not media or media.endswith("+json") or media in _JSON_LINES:
        return OutputContext.JSON
    if media.endswith("+xml"):
        return OutputContext.XML
    return _EXACT.get(media, OutputContext.TEXT)


def is_json_lines(content_type: str | None) -> bool:
    """Returns whether each line of a body is a JSON value, by its Content-Type."""
    return _media_type(content_type) in _JSON_LINES


def _media_type(content_type: str | None) -> str:
    return (content_type or "").split(";", 1)[0].strip().lower()


LEXERS: dict[OutputContext, TextLexer] = {
    OutputContext.JSON: JSON_LEXER,
    OutputContext.XML: XML_LEXER,
    OutputContext.FORM: FORM_LEXER,
    OutputContext.URL: URL_LEXER,
    OutputContext.HEADER: HEADER_LEXER,
}


class Loop(NamedTuple):
    """The slots of the attributes of `loop`."""

    index_slot: int
    count_slot: int


class Variable(NamedTuple):
    """A variable of a loop or of `set`: its slot."""

    slot: int
    is_set: bool


@dataclass(slots=True)
class Scope:
    """The variables of the template or of one loop: all of them, and those visible here."""

    variables: dict[str, Variable] = field(default_factory=dict)
    visible: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Build:
    """The state of compiling one template.

    `literals` are the ids of constant nodes that are not escaped; `blanks` those of an inline
    `if` without `else` that writes nothing.
    """

    source: Source
    output_context: OutputContext
    roots: frozenset[str]
    faults: list[TemplateFault] = field(default_factory=list)
    roots_used: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    uses: dict[tuple[str, tuple[str, ...]], bool] = field(default_factory=dict)
    subject_offsets: dict[str, Callable[[], int] | None] = field(default_factory=dict)
    conditional_subjects: set[str] = field(default_factory=set)
    platform_paths: dict[tuple[str, tuple[str | int, ...]], int] = field(default_factory=dict)
    scopes: list[Scope] = field(default_factory=lambda: [Scope()])
    loops: list[Loop] = field(default_factory=list)
    literals: set[int] = field(default_factory=set)
    blanks: set[int] = field(default_factory=set)
    in_body: int = 0
    slots: int = 0
    depth: int = 0
    conditional: int = 0
    cost: int = 0

    def fault(self, offset: int, message: str) -> None:
        """Records a fault; compiling continues, so that all faults are reported together."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(self.source.fault(offset, message))

    def finish(self) -> None:
        """Raises TemplateFaults if there are faults."""
        if self.faults:
            self.faults.sort(key=lambda fault: (fault.line, fault.column))
            raise TemplateFaults(self.faults)

    def allocate(self) -> int:
        """Returns a new slot."""
        self.slots += 1
        return self.slots - 1

    def declare(self, name: str, *, is_set: bool) -> Variable:
        """Makes a variable visible in the innermost scope."""
        scope = self.scopes[-1]
        if name not in scope.variables:
            scope.variables[name] = Variable(self.allocate(), is_set)
        scope.visible.add(name)
        return scope.variables[name]

    def variable(self, name: str) -> Variable | None:
        """Returns the innermost visible variable of this name, or None."""
        for scope in reversed(self.scopes):
            if name in scope.visible:
                return scope.variables[name]
        return None

    def visible_names(self) -> set[str]:
        """Returns the names of all visible variables."""
        return set().union(*(scope.visible for scope in self.scopes))

    def use(self, root: str, path: tuple[str, ...], *, required: bool) -> None:
        """Records that a path is read, and whether every render needs it."""
        self.roots_used.add(root)
        if path:
            needed = required and not self.conditional
            self.uses[root, path] = self.uses.get((root, path), False) or needed

    def record_position(self, where: Callable[[], int], *subjects: str) -> None:
        """Records the offset of subjects, so that the fault of a render can be located.

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
        """Returns line and column of the subjects, computed lazily because it walks the tree."""
        offsets = self.subject_offsets.items()
        return {name: self.source.position(offset()) for name, offset in offsets if offset}

    def platform_positions(self) -> dict[tuple[str, tuple[str | int, ...]], tuple[int, int]]:
        """Returns line and column of the paths that are not of data or context."""
        return {path: self.source.position(at) for path, at in self.platform_paths.items()}

    @contextmanager
    def optional_branch(self) -> Iterator[None]:
        """Compiles expressions that are not always evaluated."""
        self.conditional += 1
        yield
        self.conditional -= 1
