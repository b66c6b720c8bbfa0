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
from rowhook.template.compiler import compile_template
from rowhook.template.faults import RenderFault, TemplateFaults
from rowhook.template.names import LOOKUP_ERRORS, Key, path_name, read_path_name
from rowhook.template.output_context import OutputContext
from rowhook.template.source import Source, read_source, read_tokens
from rowhook.template.static_text import Block, Loop, Placeholder, read_parts

UNKNOWN: Final = object()
Path = tuple[str, tuple[Key, ...]]
_MARK = re.compile("\x01([0-9]+)(?::([0-9]*))?\x02")
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


def trace(text: str, names: Mapping[str, object]) -> list[str | Occurrence] | None:
    """Return the static texts and the expressions of a render in order; None if it fails."""
    if "\x01" in text:
        return None
    try:
        instrumented, marks = _instrument(read_source(text))
        rendered = compile_template(instrumented, OutputContext.TEXT).render(names)
    except (TemplateFaults, RenderFault):
        return None
    return list(_follow(rendered.reveal({}), marks, names))


def traced_body(text: str, names: Mapping[str, object]) -> Node | None:
    """Return the tree of a JSON body as it is rendered, with the paths of its values."""
    parts = trace(text, names)
    if parts is None:
        return None
    nodes: list[Node] = []
    marked: list[str] = []
    inside = False
    for part in parts:
        if isinstance(part, str):
            inside = quoted_after(part, quoted=inside)
            marked.append(part)
            continue
        mark = f"\x01{len(nodes)}\x02" if inside else f'"\x03{len(nodes)}\x02"'
        marked.append(mark)
        nodes.append(part.node)
    texts = [str(part.value) for part in parts if isinstance(part, Occurrence)]
    return read_marked("".join(marked), nodes, texts)


class _Mark(NamedTuple):
    """What stands at a mark: an expression, the body of a loop, or a `set`."""

    text: str
    part: Placeholder | Loop | None


def _instrument(source: Source) -> tuple[str, list[_Mark]]:
    marks: list[_Mark] = []
    pieces: list[str] = []
    at = 0
    for begin, end, kind in _tags(source):
        tag = source.flat[begin:end]
        part, written = _marked(tag, kind, len(marks))
        pieces += [source.flat[at:begin], written]
        if written != tag:
            marks.append(_Mark(tag, part))
        at = end
    return "".join([*pieces, source.flat[at:]]), marks


def _tags(source: Source) -> Iterator[tuple[int, int, str]]:
    """Yield begin, end and kind of each tag: an expression is of the kind ""."""
    begin, kind = 0, ""
    tokens = read_tokens(source)
    for index, token in enumerate(tokens):
        if token.type in {"variable_begin", "block_begin"}:
            begin = token.lineno
            kind = str(tokens[index + 1].value) if token.type == "block_begin" else ""
        elif token.type in {"variable_end", "block_end"}:
            yield begin, token.lineno + len(str(token.value)), kind


def _marked(tag: str, kind: str, number: int) -> tuple[Placeholder | Loop | None, str]:
    """Return the part that a tag is, and what replaces it."""
    if kind == "for":
        loop = _only(read_parts(f"{tag}{{% endfor %}}"))
        part = loop if isinstance(loop, Loop) else None
        return part, f"{tag}\x01{number}:{{{{ loop.index0 }}}}\x02"
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
) -> Iterator[str | Occurrence]:
    run = _Run(names)
    at = 0
    for match in _MARK.finditer(text):
        yield text[at : match.start()]
        at = match.end()
        mark = marks[int(match[1])]
        if isinstance(mark.part, Placeholder):
            yield run.occurrence(mark.text, mark.part)
        elif isinstance(mark.part, Loop):
            run.iterate(mark.text, mark.part, int(match[2]))
        else:
            run.assign(mark.text)
    yield text[at:]


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

    def iterate(self, tag: str, loop: Loop, index: int) -> None:
        pairs = _PAIRS.fullmatch(tag)
        items = _only(read_parts(f"{{{{ {pairs[3]} }}}}")) if pairs else loop.items
        base = self._bound(items)
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
    """Return the value at a path, or UNKNOWN."""
    value: Any = names.get(path[0], UNKNOWN)
    for key in path[1]:
        try:
            value = value[key]
        except LOOKUP_ERRORS:
            return UNKNOWN
    return value
