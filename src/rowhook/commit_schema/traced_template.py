"""Follows the tags of a template through the data, to find the path of each value it writes.

The template is rendered with a mark instead of each expression, and with the number of each
iteration. Conditions and loops are those of the real render.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from rowhook.commit_schema.body_skeleton import Node, Text, Value, quoted_after, read_marked
from rowhook.template.compilation import OutputContext
from rowhook.template.compiler import compile_template
from rowhook.template.faults import RenderFault, TemplateFaults
from rowhook.template.source import Source, read_source, read_tokens
from rowhook.template.static_text import Block, Loop, Placeholder, read_parts
from rowhook.template.syntax_nodes import LOOKUP_ERRORS, Key, path_name, read_path_name

UNKNOWN: Final = object()
Path = tuple[str, tuple[Key, ...]]
_MARK = re.compile("\x01([0-9]+)(?::([0-9]*))?\x02")
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_SET = re.compile(r"\{%[-+]?\s*set\s+(\w+)\s*=(.*?)[-+]?%\}\s*", re.DOTALL)
_PAIRS = re.compile(
    r"\{%[-+]?\s*for\s+(\w+)\s*,\s*(\w+)\s+in\s+(.*?)(?:\.items\(\)|\|\s*items)\s*[-+]?%\}\s*",
    re.DOTALL,
)


class Bound(NamedTuple):
    """A variable at a moment of the render: its path into the data and its value."""

    path: Path | None
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """An expression at a moment of the render, with its variables.

    `path` is that of its value, or of the value that its filters began with. `value` is UNKNOWN
    with filters.
    """

    expression: str
    placeholder: Placeholder
    path: Path | None
    value: object
    variables: dict[str, Bound]

    @property
    def node(self) -> Node:
        """The expression as a part of the body."""
        root, keys = self.path or (None, ())
        description = path_name(root, keys) if root else self.placeholder.description
        placeholder = Placeholder(root=root, keys=keys, description=description)
        return Value(placeholder) if self.placeholder.root else Text((placeholder,))


@dataclass(frozen=True, slots=True)
class LoopStart:
    """The start of a loop, with the path of the list or object that it iterates."""

    path: Path | None


class LoopList(list[Node]):
    """A list of the body whose items are written by loops; `sources` are the iterated values."""

    sources: tuple[Placeholder, ...] = ()


class LoopObject(dict[str, Node]):
    """An object of the body whose members are written by loops; `sources` as of LoopList."""

    sources: tuple[Placeholder, ...] = ()


def trace(text: str, names: Mapping[str, object]) -> list[str | Occurrence | LoopStart] | None:
    """Returns static texts, expressions and starts of loops in order; None if the render fails."""
    if "\x01" in text:
        return None
    try:
        instrumented, marks = _instrument(read_source(text))
        rendered = compile_template(instrumented, OutputContext.TEXT).render(names)
    except (TemplateFaults, RenderFault):
        return None
    return list(_follow(rendered.reveal({}), marks, names))


def traced_body(text: str, names: Mapping[str, object]) -> Node | None:
    """Returns the tree of a JSON body as it is rendered, with the paths of its values."""
    parts = trace(text, names)
    if parts is None:
        return None
    nodes: list[Node] = []
    marked: list[str] = []
    containers = _Containers()
    inside = False
    for part in parts:
        if isinstance(part, str):
            containers.read(part, inside=inside)
            inside = quoted_after(part, quoted=inside)
            marked.append(part)
            continue
        if isinstance(part, LoopStart):
            if not inside:
                containers.add_source(part)
            continue
        mark = f"\x01{len(nodes)}\x02" if inside else f'"\x03{len(nodes)}\x02"'
        marked.append(mark)
        nodes.append(part.node)
    texts = [str(part.value) for part in parts if isinstance(part, Occurrence)]
    return containers.with_sources(read_marked("".join(marked), nodes, texts))


class _Containers:
    """The lists and objects of a body, numbered in the order of their opening brackets."""

    def __init__(self) -> None:
        self._count = 0
        self._open: list[int] = []
        self._sources: dict[int, list[Placeholder]] = {}

    def read(self, text: str, *, inside: bool) -> None:
        """Reads a static text; `inside`: it begins inside quotes."""
        for match in _BRACKET.finditer(f'"{text}' if inside else text):
            if match[0] in "[{":
                self._open.append(self._count)
                self._count += 1
            elif match[0] in "]}" and self._open:
                self._open.pop()

    def add_source(self, loop: LoopStart) -> None:
        """Records the value that a loop iterates. It writes into the innermost open container."""
        if loop.path is None or not self._open:
            return
        root, keys = loop.path
        source = Placeholder(root=root, keys=keys, description=path_name(root, keys))
        sources = self._sources.setdefault(self._open[-1], [])
        if source not in sources:
            sources.append(source)

    def with_sources(self, node: Node) -> Node:
        """Returns the tree with the sources of its lists and objects."""
        self._count, total = 0, self._count
        tree = self._copy(node)
        # members with the same name are one in the tree, so that the numbers differ
        return tree if self._count == total else node

    def _copy(self, node: Node) -> Node:
        if not isinstance(node, list | dict):
            return node
        sources = self._sources.get(self._count)
        self._count += 1
        copy: LoopList | LoopObject
        if isinstance(node, list):
            copy = LoopList(map(self._copy, node))
        else:
            copy = LoopObject((name, self._copy(child)) for name, child in node.items())
        copy.sources = tuple(sources or ())
        return copy


class _Mark(NamedTuple):
    """The node at a mark: an expression, the body of a loop, or a `set`."""

    text: str
    part: Placeholder | Loop | None


def _instrument(source: Source) -> tuple[str, list[_Mark]]:
    marks: list[_Mark] = []
    pieces: list[str] = []
    at = 0
    for begin, end, kind in _tags(source):
        tag = source.flat[begin:end]
        part, replacement = _marked(tag, kind, len(marks))
        pieces += [source.flat[at:begin], replacement]
        if replacement != tag:
            marks.append(_Mark(tag, part))
        at = end
    return "".join([*pieces, source.flat[at:]]), marks


def _tags(source: Source) -> Iterator[tuple[int, int, str]]:
    """Yields begin, end and kind of each tag: an expression is of the kind ""."""
    begin, kind = 0, ""
    tokens = read_tokens(source)
    for index, token in enumerate(tokens):
        if token.type in {"variable_begin", "block_begin"}:
            begin = token.lineno
            kind = str(tokens[index + 1].value) if token.type == "block_begin" else ""
        elif token.type in {"variable_end", "block_end"}:
            yield begin, token.lineno + len(str(token.value)), kind


def _marked(tag: str, kind: str, number: int) -> tuple[Placeholder | Loop | None, str]:
    """Returns the part of a tag, and its replacement."""
    if kind == "for":
        loop = _only(read_parts(f"{tag}{{% endfor %}}"))
        part = loop if isinstance(loop, Loop) else None
        return part, f"\x01{number}\x02{tag}\x01{number}:{{{{ loop.index0 }}}}\x02"
    if kind == "set":
        return None, f"{tag}\x01{number}:\x02"
    if kind:
        return None, tag
    expression = _only(read_parts(tag))
    if isinstance(expression, Placeholder):
        return expression, f"\x01{number}\x02"
    return None, tag


def _only(parts: tuple[str | Placeholder | Block, ...]) -> str | Placeholder | Block:
    return next((part for part in parts if not isinstance(part, str)), "")


def _follow(
    text: str, marks: list[_Mark], names: Mapping[str, object]
) -> Iterator[str | Occurrence | LoopStart]:
    run = _Run(names)
    at = 0
    for match in _MARK.finditer(text):
        yield text[at : match.start()]
        at = match.end()
        mark = marks[int(match[1])]
        if isinstance(mark.part, Placeholder):
            yield run.occurrence(mark.text, mark.part)
        elif isinstance(mark.part, Loop) and match[2] is None:
            yield LoopStart(run.path_of_items(mark.text, mark.part))
        elif isinstance(mark.part, Loop):
            run.iterate(mark.text, mark.part, int(match[2]))
        else:
            run.assign(mark.text)
    yield text[at:]


def _items_of(tag: str, loop: Loop) -> str | Placeholder | Block:
    pairs = _PAIRS.fullmatch(tag)
    return _only(read_parts(f"{{{{ {pairs[3]} }}}}")) if pairs else loop.items


class _Run:
    """The variables during a render."""

    def __init__(self, names: Mapping[str, object]) -> None:
        self._names = names
        self._variables: dict[str, Bound] = {}

    def occurrence(self, expression: str, placeholder: Placeholder) -> Occurrence:
        bound = self._bound(placeholder)
        return Occurrence(
            expression=expression,
            placeholder=placeholder,
            path=bound.path,
            value=bound.value,
            variables=dict(self._variables),
        )

    def path_of_items(self, tag: str, loop: Loop) -> Path | None:
        """Returns the path of the value that a loop iterates."""
        return self._bound(_items_of(tag, loop)).path

    def iterate(self, tag: str, loop: Loop, index: int) -> None:
        pairs = _PAIRS.fullmatch(tag)
        base = self._bound(_items_of(tag, loop))
        values = base.value if isinstance(base.value, list | dict) else []
        counts = {"index": index + 1, "index0": index, "first": index == 0, "length": len(values)}
        self._variables["loop"] = Bound(None, {**counts, "last": index + 1 == len(values)})
        if loop.is_filtered or index >= len(values) or base.path is None:
            item = Bound(base.path, UNKNOWN)
            self._variables["loop"] = Bound(None, UNKNOWN)
        else:
            keys: list[Key] = [*range(len(values))] if isinstance(values, list) else [*values]
            path = base.path[0], (*base.path[1], keys[index])
            inner = list(values.values()) if isinstance(values, dict) else values
            item = Bound(path, (inner if pairs or isinstance(values, list) else keys)[index])
        if pairs:
            name = item.path[1][-1] if item.path and item.value is not UNKNOWN else UNKNOWN
            self._variables |= {pairs[1]: Bound(item.path, name), pairs[2]: item}
        elif loop.variable is not None:
            self._variables[loop.variable] = item

    def assign(self, tag: str) -> None:
        match = _SET.fullmatch(tag)
        if match is not None:
            self._variables[match[1]] = self._bound(_only(read_parts(f"{{{{ {match[2]} }}}}")))

    def _bound(self, part: str | Placeholder | Block) -> Bound:
        if not isinstance(part, Placeholder):
            return Bound(None, UNKNOWN)
        bound = self._variables.get(part.root or "")
        if bound is not None and not part.keys:
            return bound
        path = self._path(part)
        if path is None or part.root is None:
            return Bound(path, UNKNOWN)
        return Bound(path, value_at(self._names, path))

    def _path(self, placeholder: Placeholder) -> Path | None:
        path: Any = (placeholder.root, placeholder.keys)
        if placeholder.root is None:
            path = read_path_name(placeholder.description.partition(" | ")[0])
        if path is None:
            return None
        root, keys = path
        bound = self._variables.get(root)
        if bound is None:
            return (root, keys) if root in self._names else None
        if bound.path is None:
            return None
        return bound.path if bound.value is UNKNOWN else (bound.path[0], (*bound.path[1], *keys))


def value_at(names: Mapping[str, object], path: Path) -> object:
    """Returns the value at a path, or UNKNOWN."""
    value: Any = names.get(path[0], UNKNOWN)
    for key in path[1]:
        try:
            value = value[key]
        except LOOKUP_ERRORS:
            return UNKNOWN
    return value
