"""Writes a JSON body as its structure alone: values are placeholders, conditions are chosen.

The variants show whether a body is JSON for all data, for some or for none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import nodes

from rowhook.template.body_lexers import INSIDE, JSON_LEXER, OUTSIDE
from rowhook.template.json_values import json_inner
from rowhook.template.outputs import json_texts, outcomes
from rowhook.template.source import parse, read_source
from rowhook.template.syntax_nodes import (
    UNKNOWN,
    Names,
    constant_value,
    describe,
    length_name,
    looped_value,
    start_offset,
)

if TYPE_CHECKING:
    from rowhook.template.body_lexers import LexerState
    from rowhook.template.source import Source

# placeholders for a value of the data, and for one inside a text
MARK, TEXT_MARK = "\ue000", "\ue001"
_MOST_VARIANTS = 60
_MOST_PIECES = 4_000
_MOST_CHARACTERS = 400_000
_COUNTS = (2, 0, 1, 3)
_NEGATIONS = {"ne": "eq", "lteq": "gt", "gteq": "lt", "notin": "in"}
_SIGNS = {"eq": "==", "gt": ">", "lt": "<"}


class _TooLong(Exception):
    """A variant has too many pieces to be checked."""


class Piece(NamedTuple):
    """A text of a variant, and its offset in the source. Only static text has inner offsets."""

    text: str
    offset: int
    is_static: bool


@dataclass(slots=True)
class Choices:
    """The decisions of one variant, and those that it met, by the repr of the expression.

    `equal` is the constant that an expression equals, so that it equals no other.
    """

    truths: dict[str, bool] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    is_true: bool = True
    met_truths: dict[str, str] = field(default_factory=dict)
    met_counts: dict[str, str] = field(default_factory=dict)
    equal: dict[str, object] = field(default_factory=dict)


class Variant(NamedTuple):
    """One structure of a body. `reason` says for which data it is written."""

    pieces: list[Piece]
    reason: str

    @property
    def text(self) -> str:
        """The text of the variant."""
        return "".join(piece.text for piece in self.pieces)

    def offset(self, at: int) -> int:
        """Returns the offset in the source of a position of the text."""
        last = 0
        for piece in self.pieces:
            last = piece.offset
            if at < len(piece.text):
                return piece.offset + (at if piece.is_static else 0)
            at -= len(piece.text)
            last += len(piece.text) if piece.is_static else 0
        return last


class Variants(NamedTuple):
    """The variants of a body, each with one decision changed.

    `decisions` is the number of conditions and loops; `is_complete` if each was varied.
    """

    source: Source
    items: list[Variant]
    decisions: int
    is_complete: bool


def body_variants(text: str) -> Variants:
    """Returns the variants of a valid JSON body template."""
    source = read_source(text)
    tree = parse(source)
    variants: list[Variant] = []
    waiting: list[tuple[Choices, str]] = [(Choices(), "")]
    last = [(Choices(is_true=False), "")]
    seen: set[str] = set()
    is_complete = True
    characters = 0
    while waiting and len(variants) < _MOST_VARIANTS and characters < _MOST_CHARACTERS:
        choices, reason = waiting.pop(0)
        try:
            pieces = _Writer(choices, source, tree).write(tree.body)
        except (_TooLong, RecursionError):
            is_complete = False  # an expression may have thousands of operands
            continue
        variants.append(Variant(pieces, reason))
        characters += sum(len(piece.text) for piece in pieces) + len(text)
        waiting += _others(choices, seen)
        if not waiting and last:
            waiting.append(last.pop())
    return Variants(source, variants, len(seen), is_complete and not waiting and not last)


def _others(choices: Choices, seen: set[str]) -> list[tuple[Choices, str]]:
    """Returns the variants that differ in one decision which was not varied before."""
    result: list[tuple[Choices, str]] = []
    for key, name in choices.met_truths.items():
        if key not in seen:
            seen.add(key)
            result.append((Choices(truths={key: False}), f"If {name} is false, "))
    for key, name in choices.met_counts.items():
        if key not in seen:
            seen.add(key)
            result += [
                (Choices(counts={key: count}), f"If {name} has {count or 'no'} {_items(count)}, ")
                for count in _COUNTS[1:]
            ]
    return result


def _items(count: int) -> str:
    return "item" if count == 1 else "items"


class _Writer:
    """Writes one variant."""

    def __init__(self, choices: Choices, source: Source, tree: nodes.Template) -> None:
        self._choices = choices
        self._source = source
        self._pieces: list[Piece] = []
        self._state: LexerState = JSON_LEXER.start
        # a list is true, and has a length, as the loops over it have items
        self._names: Names = {
            length_name(loop.iter): self._count(loop.iter) for loop in tree.find_all(nodes.For)
        }

    def write(self, body: list[nodes.Node]) -> list[Piece]:
        for node in body:
            for inner in node.nodes if isinstance(node, nodes.Output) else [node]:
                self._node(inner)
        return self._pieces

    def _node(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.TemplateData):
            self._emit(str(node.data), node.lineno, is_static=True)
        elif isinstance(node, nodes.If):
            self._if(node)
        elif isinstance(node, nodes.For):
            self._for(node)
        elif isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
            self._names[node.target.name] = constant_value(node.node, self._names, self._truth)
        elif isinstance(node, nodes.Expr):
            self._value(node)

    def _emit(self, text: str, offset: int, *, is_static: bool = False) -> None:
        if len(self._pieces) >= _MOST_PIECES:
            raise _TooLong
        self._pieces.append(Piece(text, offset, is_static))
        self._state = JSON_LEXER.text(self._state, text)

    def _if(self, node: nodes.If) -> None:
        for branch in (node, *node.elif_):
            if self._truth(branch.test):
                self.write(branch.body)
                return
        self.write(node.else_)

    def _for(self, node: nodes.For) -> None:
        count = self._count(node.iter)
        outer = dict(self._names)
        for index in range(count):
            self._names = dict(outer)
            for target in node.target.find_all(nodes.Name):
                self._names[target.name] = UNKNOWN
            self._names.update(_loop_names(index, count))
            self.write(node.body)
        self._names = outer
        if not count:
            self.write(node.else_)

    def _count(self, node: nodes.Node) -> int:
        """Returns the number of items of a loop."""
        if isinstance(node, nodes.List):
            return len(node.items)
        base = looped_value(node)
        key = repr(base)
        name = describe(base)
        self._choices.met_counts.setdefault(key, name if name != "an expression" else "the list")
        return self._choices.counts.get(key, _COUNTS[0] if self._choices.is_true else 1)

    def _truth(self, node: nodes.Node) -> bool:
        """Returns whether a condition holds: evaluated if it is known, else chosen."""
        if isinstance(node, nodes.Not):
            return not self._truth(node.node)
        if isinstance(node, nodes.And):
            return self._truth(node.left) and self._truth(node.right)
        if isinstance(node, nodes.Or):
            return self._truth(node.left) or self._truth(node.right)
        value = constant_value(node, self._names, self._truth)
        if value is not UNKNOWN:
            return bool(value)
        if isinstance(node, nodes.Compare) and len(node.ops) == 1:
            return self._compared(node.expr, node.ops[0])
        count = self._names.get(length_name(node))
        return self._chosen(repr(node), describe(node)) if count is None else count > 0

    def _compared(self, left: nodes.Node, operand: nodes.Operand) -> bool:
        """Decides a comparison, so that an expression equals at most one constant."""
        name, right = repr(left), operand.expr
        negated = operand.op in _NEGATIONS
        sign = _NEGATIONS.get(operand.op, operand.op)
        label = f"{describe(left)} {_SIGNS.get(sign, sign)} {_constant_text(right)}"
        if sign == "eq" and isinstance(right, nodes.Const):
            present = self._choices.equal.get(name, UNKNOWN)
            if present is not UNKNOWN:
                return (present == right.value) is not negated
            if self._chosen(f"{name}=={right.value!r}", label):
                self._choices.equal[name] = right.value
                return not negated
            return negated
        return self._chosen(f"{name} {sign} {right!r}", label) is not negated

    def _chosen(self, key: str, name: str) -> bool:
        self._choices.met_truths.setdefault(key, name if name != "an expression" else "a condition")
        return self._choices.truths.get(key, self._choices.is_true)

    def _value(self, node: nodes.Expr) -> None:
        offset = start_offset(node)
        value = constant_value(node, self._names, self._truth)
        place = self._state
        while place.where == INSIDE and place.inner and place.inner.where in {INSIDE, OUTSIDE}:
            place = place.inner
        if place.where == OUTSIDE:
            results = outcomes(node)
            written = json_texts({str(leaf.value) for leaf in results.literals}, results)
            text = _outside(value, written)
        else:
            text = (
                TEXT_MARK if value is UNKNOWN else json_inner("" if value is None else str(value))
            )
        if place is not self._state:
            text = json_inner(text)
        self._emit(text, offset)


def _constant_text(node: nodes.Node) -> str:
    return repr(node.value) if isinstance(node, nodes.Const) else describe(node)


def _outside(value: object, written: dict[str, str]) -> str:
    if isinstance(value, str):
        return written.get(value, f'"{MARK}"')
    if value is None:
        return written.get("", "null")
    return f'"{MARK}"' if value is UNKNOWN else "0"


def _loop_names(index: int, count: int) -> Names:
    return {
        "loop.index": index + 1,
        "loop.index0": index,
        "loop.first": index == 0,
        "loop.last": index + 1 == count,
        "loop.length": count,
    }
