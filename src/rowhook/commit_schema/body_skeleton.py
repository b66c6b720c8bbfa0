"""The structure of a JSON body template: a tree of constants and placeholders.

Parts whose structure depends on the data are Unknown, with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rowhook.template.static_text import Block, Placeholder, read_parts

_QUOTED_MARKER = re.compile("\x01([0-9]+)\x02")
_BARE_MARKER = re.compile("\x03([0-9]+)\x02")


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value that is a placeholder outside quotes."""

    placeholder: Placeholder


@dataclass(frozen=True, slots=True)
class Text:
    """A string with placeholders; other parts are constant."""

    parts: tuple[str | Placeholder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A part whose structure depends on the data.

    `block`: a tag that writes any number of items; `spreads`: or any number of members.
    """

    reason: str
    block: bool = False
    spreads: bool = False


Node = Any
"""A dict or list of nodes, Value, Text, Unknown, or a constant JSON value."""


def read_skeleton(source: str) -> Node:
    """Return the tree of a valid JSON body template."""
    parts = read_parts(source)
    dynamic = [part for part in parts if not isinstance(part, str)]
    reason = _unsupported(parts)
    if reason is not None:
        return Unknown(reason=reason)
    for with_commas in (False, True):
        text = _with_markers(parts, with_commas=with_commas)
        with suppress(ValueError, RecursionError):
            return _tree(json.loads(text, strict=False, object_pairs_hook=_object), dynamic)
    return Unknown(reason="The structure of the body depends on a tag, or the body is not JSON.")


def _object(pairs: list[tuple[str, Any]]) -> Any:
    if any(_QUOTED_MARKER.search(name) for name, _ in pairs):
        return Unknown(reason="A key of the object is taken from the data.")
    return dict(pairs)


def _unsupported(parts: tuple[str | Placeholder | Block, ...]) -> str | None:
    inside = False
    for part in parts:
        if isinstance(part, str):
            if any(mark in part for mark in ("\x01", "\x03", "\\u0001", "\\u0003")):
                return "The template contains control characters."
            inside = _quoted_after(part, quoted=inside)
        elif isinstance(part, Block) and not inside and not all(map(_balanced, part.texts)):
            return f"{part.description} opens or closes a bracket outside of it."
    return None


def _with_markers(parts: tuple[str | Placeholder | Block, ...], *, with_commas: bool) -> str:
    """Replace each placeholder and block by a marker, so that the text is JSON.

    `with_commas`: blocks that write a comma are replaced by a marker with a comma.
    """
    text: list[str] = []
    inside, number = False, 0
    for part in parts:
        if isinstance(part, str):
            inside = _quoted_after(part, quoted=inside)
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


def _quoted_after(text: str, *, quoted: bool) -> bool:
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


def _tree(node: Any, dynamic: list[Placeholder | Block]) -> Node:
    if isinstance(node, dict):
        members = {name: _tree(child, dynamic) for name, child in node.items()}
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


def _leaf(text: str, dynamic: list[Placeholder | Block]) -> Node:
    bare = _BARE_MARKER.fullmatch(text)
    if bare is not None:
        part = dynamic[int(bare[1])]
        if isinstance(part, Placeholder):
            return Value(part)
        spreads = any("," in _outside_brackets(text) for text in part.texts)
        return Unknown(reason=f"{part.description} decides the value.", block=True, spreads=spreads)
    if _QUOTED_MARKER.search(text) is None:
        return text
    parts: list[str | Placeholder] = []
    for index, piece in enumerate(_QUOTED_MARKER.split(text)):
        if index % 2 == 0:
            parts += [piece] if piece else []
            continue
        part = dynamic[int(piece)]
        if isinstance(part, Block):
            return Unknown(reason=f"{part.description} writes the string.")
        parts.append(part)
    return Text(tuple(parts))


def _outside_brackets(text: str) -> str:
    """Return the text outside of quotes and brackets."""
    depth, result = 0, []
    for char in _outside_quotes(text):
        depth += char in "[{"
        if not depth:
            result.append(char)
        depth -= char in "]}"
    return "".join(result)
