"""The structure of a JSON body template: a tree of constants and placeholders.

Parts whose structure depends on the data are Unknown, with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rowhook.template import static_text
from rowhook.template.static_text import Block, Placeholder, read_parts

_QUOTED_MARKER = re.compile("\x01([0-9]+)\x02")
_BARE_MARKER = re.compile("\x03([0-9]+)\x02")
Parts = tuple[str | Placeholder | Block, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value that is a placeholder outside quotes."""

    placeholder: Placeholder


@dataclass(frozen=True, slots=True)
class Text:
    """A string with placeholders; other parts are constant."""

    parts: tuple[str | Placeholder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Items of a list that a `for` tag writes: `items` once for each item of `tag.items`."""

    tag: static_text.Loop
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A part whose structure depends on the data.

    `block`: a tag that writes any number of items; `spreads`: or any number of members.
    """

    reason: str
    block: bool = False
    spreads: bool = False


Node = Any
"""A dict or list of nodes, Value, Text, Unknown, or a constant JSON value; in a list also Loop."""


def read_skeleton(source: str) -> Node:
    """Returns the tree of a valid JSON body template."""
    return _alone(_read(read_parts(source), "{}"))


def _read(parts: Parts, form: str) -> Node:
    """Returns the tree of a text in which `{}` of `form` is replaced by the parts."""
    dynamic = [part for part in parts if not isinstance(part, str)]
    reason = _unsupported(parts)
    if reason is not None:
        return Unknown(reason=reason)
    for with_commas in (False, True):
        text = form.replace("{}", _with_markers(parts, with_commas=with_commas))
        with suppress(ValueError, RecursionError):
            return _tree(json.loads(text, strict=False, object_pairs_hook=_object), dynamic)
    return Unknown(reason="The structure of the body depends on a tag, or the body is not JSON.")


def read_marked(text: str, nodes: list[Node], texts: list[str]) -> Node | None:
    """Returns the tree of a JSON text with marks for nodes; None if it is not JSON.

    `texts` are those of the nodes, for the keys of objects.
    """

    def with_keys(pairs: list[tuple[str, Any]]) -> Any:
        return {_QUOTED_MARKER.sub(lambda mark: texts[int(mark[1])], key): v for key, v in pairs}

    with suppress(ValueError, RecursionError):
        return _tree(json.loads(text, strict=False, object_pairs_hook=with_keys), nodes)
    return None


def _alone(node: Node) -> Node:
    """Returns a node that is not an item of a list."""
    return (
        Unknown(reason=f"{node.tag.description} decides the value.")
        if isinstance(node, Loop)
        else node
    )


def _object(pairs: list[tuple[str, Any]]) -> Any:
    if any(_QUOTED_MARKER.search(name) for name, _ in pairs):
        return Unknown(reason="A key of the object is taken from the data.")
    return dict(pairs)


def _unsupported(parts: Parts) -> str | None:
    inside = False
    for part in parts:
        if isinstance(part, str):
            if any(mark in part for mark in ("\x01", "\x03", "\\u0001", "\\u0003")):
                return "The template contains control characters."
            inside = quoted_after(part, quoted=inside)
        elif isinstance(part, Block) and not inside and not all(map(_balanced, part.texts)):
            return f"{part.description} opens or closes a bracket outside of it."
    return None


def _with_markers(parts: Parts, *, with_commas: bool) -> str:
    """Replaces each placeholder and block by a marker, so that the text is JSON.

    `with_commas`: blocks that write a comma are replaced by a marker with a comma.
    """
    text: list[str] = []
    inside, number = False, 0
    for part in parts:
        if isinstance(part, str):
            inside = quoted_after(part, quoted=inside)
            text.append(part)
            continue
        marker = f"\x01{number}\x02" if inside else f'"\x03{number}\x02"'
        if with_commas and isinstance(part, Block) and not inside:
            marker = _with_comma(part, marker)
        text.append(marker)
        number += 1
    return "".join(text)


def _with_comma(block: Block, marker: str) -> str:
    text = _outside_brackets(block.texts[0]).strip()
    if text.startswith(","):
        return "," + marker
    return marker + "," if text.endswith(",") else marker


def quoted_after(text: str, *, quoted: bool) -> bool:
    """Returns whether the end of a static text is inside quotes; `quoted` is its beginning."""
    unescaped = re.sub(r"\\.", "", text, flags=re.DOTALL)
    return quoted ^ (unescaped.count('"') % 2 == 1)


def _balanced(text: str) -> bool:
    depth = 0
    for char in _outside_quotes(text):
        depth += (char in "[{") - (char in "]}")
        if depth < 0:
            return False
    return depth == 0


def _outside_quotes(text: str) -> str:
    return re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.DOTALL)


def _tree(node: Any, dynamic: Sequence[Any]) -> Node:
    if isinstance(node, dict):
        members = {name: _alone(_tree(child, dynamic)) for name, child in node.items()}
        return _unless_unknown(members, members.values(), "spreads", "members")
    if isinstance(node, list):
        items = [_tree(child, dynamic) for child in node]
        return _unless_unknown(items, items, "block", "items")
    return _leaf(node, dynamic) if isinstance(node, str) else node


def _unless_unknown(container: Node, children: Iterable[Node], flag: str, kind: str) -> Node:
    for child in children:
        if isinstance(child, Unknown) and getattr(child, flag):
            return Unknown(reason=f"{child.reason} It also decides the {kind}.")
    return container


def _bare(part: Any) -> Node:
    """Returns the node of a part outside quotes."""
    if isinstance(part, Value | Text):
        return part
    if isinstance(part, Placeholder):
        return Value(part)
    if isinstance(part, static_text.Loop) and (items := _loop_items(part)):
        return Loop(tag=part, items=items)
    spreads = any("," in _outside_brackets(text) for text in part.texts)
    return Unknown(reason=f"{part.description} decides the value.", block=True, spreads=spreads)


def _leaf(text: str, dynamic: Sequence[Any]) -> Node:
    bare = _BARE_MARKER.fullmatch(text)
    if bare is not None:
        return _bare(dynamic[int(bare[1])])
    if _QUOTED_MARKER.search(text) is None:
        return text
    parts: list[str | Placeholder] = []
    for index, piece in enumerate(_QUOTED_MARKER.split(text)):
        if index % 2 == 0:
            parts += [piece] if piece else []
            continue
        part = dynamic[int(piece)]
        if isinstance(part, Value | Text):
            parts += [part.placeholder] if isinstance(part, Value) else part.parts
            continue
        if isinstance(part, Block):
            return Unknown(reason=f"{part.description} writes the string.")
        parts.append(part)
    return Text(tuple(parts))


def _loop_items(tag: static_text.Loop) -> tuple[Node, ...]:
    """Returns the items of a list that one iteration writes; none if they depend on the data."""
    body = [part for part in tag.body if not _writes_comma(part)]
    first, last = body[0] if body else "", body[-1] if body else ""
    if isinstance(first, str) and first.lstrip().startswith(","):
        body[0] = first.lstrip()[1:]
    elif isinstance(last, str) and last.rstrip().endswith(","):
        body[-1] = last.rstrip()[:-1]
    node = _read(tuple(body), "[{}]")
    return tuple(node) if isinstance(node, list) else ()


def _writes_comma(part: str | Placeholder | Block) -> bool:
    return isinstance(part, Block) and {text.strip() for text in part.texts} <= {"", ","}


def _outside_brackets(text: str) -> str:
    """Returns the text outside of quotes and brackets."""
    depth, result = 0, []
    for char in _outside_quotes(text):
        depth += char in "[{"
        if not depth:
            result.append(char)
        depth -= char in "]}"
    return "".join(result)
