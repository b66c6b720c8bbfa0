"""The JSON that a body template writes, as a tree: what is fixed, and where data comes in.

What cannot be told without data is Unknown and says why; nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rowhook.template import Block, Placeholder, read_parts

_MARK = re.compile("\x01([0-9]+)\x02")
_BARE = re.compile("\x03([0-9]+)\x02")


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value that is one placeholder, outside quotes."""

    placeholder: Placeholder


@dataclass(frozen=True, slots=True)
class Text:
    """A text in quotes with placeholders in it; other parts are fixed."""

    parts: tuple[str | Placeholder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A part whose shape only data decides.

    `block`: an `if` or `for` stands here, for any number of items; `spreads`: or of members.
    """

    reason: str
    block: bool = False
    spreads: bool = False


Node = Any
"""dict and list of nodes, Value, Text, Unknown, or a fixed JSON value."""


def read_skeleton(source: str) -> Node:
    """The tree of a JSON body template that compiles."""
    pieces = read_parts(source)
    placeholders = [one for one in pieces if not isinstance(one, str)]
    reason = _unreadable(pieces)
    if reason is not None:
        return Unknown(reason=reason)
    for with_commas in (False, True):
        text = _marked(pieces, with_commas=with_commas)
        with suppress(ValueError, RecursionError):
            return _tree(json.loads(text, strict=False, object_pairs_hook=_object), placeholders)
    return Unknown(reason="The structure of the body depends on a tag, or the body is not JSON.")


def _object(pairs: list[tuple[str, Any]]) -> Any:
    if any(_MARK.search(name) for name, _ in pairs):
        return Unknown(reason="A key of the object is taken from the data.")
    return dict(pairs)


def _unreadable(pieces: tuple[str | Placeholder | Block, ...]) -> str | None:
    inside = False
    for piece in pieces:
        if isinstance(piece, str):
            if any(mark in piece for mark in ("\x01", "\x03", "\\u0001", "\\u0003")):
                return "The template contains control characters."
            inside = _quoted_after(piece, quoted=inside)
        elif isinstance(piece, Block) and not inside and not all(map(_balanced, piece.texts)):
            return f"{piece.description} opens or closes a bracket outside of it."
    return None


def _marked(pieces: tuple[str | Placeholder | Block, ...], *, with_commas: bool) -> str:
    """The text with a mark for each placeholder, in quotes where there are none.

    A block may bring the comma that stands between it and what is beside it.
    """
    text: list[str] = []
    inside, number = False, 0
    for piece in pieces:
        if isinstance(piece, str):
            inside = _quoted_after(piece, quoted=inside)
            text.append(piece)
            continue
        mark = f"\x01{number}\x02" if inside else f'"\x03{number}\x02"'
        if with_commas and isinstance(piece, Block) and not inside:
            mark = _beside(piece, "," + mark, mark + ",", mark)
        text.append(mark)
        number += 1
    return "".join(text)


def _beside(block: Block, first: str, last: str, alone: str) -> str:
    flat = _flat(block.texts[0]).strip()
    return first if flat.startswith(",") else last if flat.endswith(",") else alone


def _quoted_after(text: str, *, quoted: bool) -> bool:
    unescaped = re.sub(r"\\.", "", text, flags=re.DOTALL)
    return quoted ^ (unescaped.count('"') % 2 == 1)


def _balanced(text: str) -> bool:
    depth = 0
    for one in _outside_quotes(text):
        depth += (one in "[{") - (one in "]}")
        if depth < 0:
            return False
    return depth == 0


def _outside_quotes(text: str) -> str:
    return re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.DOTALL)


def _tree(node: Any, placeholders: list[Placeholder | Block]) -> Node:
    if isinstance(node, dict):
        members = {name: _tree(one, placeholders) for name, one in node.items()}
        return _unless(members, members.values(), "spreads", "members")
    if isinstance(node, list):
        items = [_tree(one, placeholders) for one in node]
        return _unless(items, items, "block", "items")
    return _leaf(node, placeholders) if isinstance(node, str) else node


def _unless(made: Node, inner: Iterable[Node], flag: str, what: str) -> Node:
    for one in inner:
        if isinstance(one, Unknown) and getattr(one, flag):
            return Unknown(reason=f"{one.reason} It also decides the {what}.")
    return made


def _leaf(text: str, placeholders: list[Placeholder | Block]) -> Node:
    bare = _BARE.fullmatch(text)
    if bare is not None:
        placeholder = placeholders[int(bare[1])]
        if isinstance(placeholder, Placeholder):
            return Value(placeholder)
        spreads = any("," in _flat(one) for one in placeholder.texts)
        return Unknown(
            reason=f"{placeholder.description} decides the value.", block=True, spreads=spreads
        )
    if _MARK.search(text) is None:
        return text
    parts: list[str | Placeholder] = []
    for index, one in enumerate(_MARK.split(text)):
        if index % 2 == 0:
            parts += [one] if one else []
            continue
        placeholder = placeholders[int(one)]
        if isinstance(placeholder, Block):
            return Unknown(reason=f"{placeholder.description} writes the string.")
        parts.append(placeholder)
    return Text(tuple(parts))


def _flat(text: str) -> str:
    """What stands outside quotes and outside every bracket."""
    depth, kept = 0, []
    for one in _outside_quotes(text):
        depth += one in "[{"
        if not depth:
            kept.append(one)
        depth -= one in "]}"
    return "".join(kept)
