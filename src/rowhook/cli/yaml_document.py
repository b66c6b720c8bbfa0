"""YAML of configuration files: read with the position of each value, and written."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml

from rowhook import json_pointer

_TAG = "tag:yaml.org,2002:"
# Plain scalars as in JSON, so that `no`, `on` and dates are texts.
_PLAIN = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"-?(?:0|[1-9][0-9]*)", list("-0123456789")),
    (
        "float",
        r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?",
        list("-0123456789"),
    ),
)
_MAX_WIDTH = 1_000_000_000
# Lines that a literal block keeps as they are.
_BLOCK_LINE = re.compile(r"(?:[ -~\u00a1-\u167f]*[!-~\u00a1-\u167f])?")


class Position(NamedTuple):
    """Line and column in a file, both from 1."""

    line: int
    column: int


class YamlRejected(ValueError):
    """The text is not YAML that Rowhook reads; `position` may be unknown."""

    def __init__(self, message: str, position: Position | None) -> None:
        super().__init__(message)
        self.position = position


class _Loader(yaml.SafeLoader):
    """Resolves plain scalars as JSON does."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # as PyYAML declares it


class _Dumper(yaml.SafeDumper):
    """Quotes texts that the loader would read as another type."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # as PyYAML declares it

    def ignore_aliases(self, data: Any) -> bool:
        """Writes equal values twice."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002  # as in the class above
        """Indents lists below their key."""
        super().increase_indent(flow, False)  # noqa: FBT003


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    lines = text.split("\n")
    starts_plain = lines[0][:1] not in ("", " ")
    is_block = len(lines) > 1 and starts_plain and all(map(_BLOCK_LINE.fullmatch, lines))
    return dumper.represent_scalar(f"{_TAG}str", text, style="|" if is_block else None)


_Dumper.add_representer(str, _text)
for _name, _pattern, _first in _PLAIN:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"{_TAG}{_name}", re.compile(f"(?:{_pattern})$"), _first)


def dump(document: Any) -> str:
    """Writes a JSON value as YAML that `load` reads as the same value."""
    return yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_MAX_WIDTH
    )


def load(text: str) -> tuple[Any, dict[str, Position]]:
    """Reads a JSON value, and the positions of its values by JSON pointer. Raises YamlRejected."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlRejected(
            f"Not valid YAML: {error.problem or error.context}.",
            None if mark is None else _position(mark),
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlRejected(f"Not valid YAML: {error}", None) from error
    if node is None:
        raise YamlRejected("The file is empty.", None)
    reader = _Reader()
    return reader.value(node, ()), reader.positions


def _position(mark: yaml.Mark) -> Position:
    return Position(mark.line + 1, mark.column + 1)


class _Reader:
    """Converts nodes, and collects their positions."""

    def __init__(self) -> None:
        self.positions: dict[str, Position] = {}
        self._seen = set[int]()

    def value(self, node: yaml.Node, path: tuple[str, ...]) -> Any:
        position = _position(node.start_mark)
        self.positions.setdefault(json_pointer.join(path), position)
        if id(node) in self._seen:
            raise YamlRejected(
                "Aliases (*name) are not supported. Write the value again.", position
            )
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.value(item, (*path, str(index))) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node, position)
        raise YamlRejected(f"Tags such as {node.tag} are not supported. Remove it.", position)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            position = _position(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                raise YamlRejected("A key must be a text.", position)
            name = str(key.value)
            if name in values:
                raise YamlRejected(f"The key {name} occurs twice. Remove one of them.", position)
            # Errors are shown at the key, which begins the line.
            self.positions[json_pointer.join((*path, name))] = position
            values[name] = self.value(value, (*path, name))
        return values


def _scalar(node: yaml.ScalarNode, position: Position) -> Any:
    kind, text = node.tag.removeprefix(_TAG), str(node.value)
    try:
        match kind:
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text)
            case "float" if abs(number := float(text)) != float("inf"):
                return number
    except ValueError:
        pass
    if kind in ("int", "float", "bool"):
        raise YamlRejected(f"{text[:40]} is not a number that can be stored.", position)
    raise YamlRejected(f"Tags such as {node.tag} are not supported. Remove it.", position)
