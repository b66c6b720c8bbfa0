"""Texts that the author wrote in an output expression, which stand as written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import nodes

from rowhook.template.json_lexer import after_value
from rowhook.template.json_text import json_string
from rowhook.template.lexer_states import INSIDE, OUTSIDE, innermost, merge
from rowhook.template.output_context import LEXERS, OutputContext
from rowhook.template.url_parts import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rowhook.template.lexer_states import LexerState


_PUNCTUATION = re.compile(r"[\s,:\[\]{}]+")
_SCALAR = re.compile(
    r"\s*(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
    r'|"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*")\s*'
)


class Outcomes(NamedTuple):
    """What an output expression can result in: constant texts, nothing, or a value of the data.

    `blanks` are the inline `if`s without `else`, which write nothing if they are false.
    """

    literals: tuple[nodes.Const, ...]
    blanks: tuple[nodes.CondExpr, ...]
    has_value: bool


def outcomes(node: nodes.Node) -> Outcomes:
    """Return what an output expression can result in."""
    leaves = list(_leaves(node))
    literals = tuple(
        leaf for leaf in leaves if isinstance(leaf, nodes.Const) and isinstance(leaf.value, str)
    )
    blanks = tuple(leaf for leaf in leaves if isinstance(leaf, nodes.CondExpr))
    return Outcomes(literals, blanks, len(literals) + len(blanks) < len(leaves))


def _leaves(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the expressions that may be the result; a CondExpr stands for its missing `else`."""
    # without recursion, because operators may be nested deeply; True: under `default` or `or`
    rest: list[tuple[nodes.Node, bool]] = [(node, False)]
    while rest:
        node, is_default = rest.pop()
        if isinstance(node, nodes.CondExpr):
            rest.append((node.expr1, is_default))
            if node.expr2 is not None:
                rest.append((node.expr2, is_default))
            elif not is_default:
                yield node
        elif isinstance(node, nodes.Or | nodes.And):
            rest.append((node.left, is_default or isinstance(node, nodes.Or)))
            rest.append((node.right, is_default))
        elif isinstance(node, nodes.Filter) and node.name in {"default", "d"} and node.node:
            rest.append((node.node, True))
            others = [*node.args[:1], *(pair.value for pair in node.kwargs)]
            rest += [(other, is_default) for other in others]
        else:
            yield node


def literal_texts(
    found: Outcomes, output_context: OutputContext, state: LexerState, part: Part
) -> dict[str, str] | None:
    """Return what each constant text is written as; None if they are escaped as values are.

    The empty text stands for a missing `else` as well.
    """
    if not found.literals or output_context is OutputContext.TEXT:
        return None
    texts = {str(node.value) for node in found.literals}
    place = innermost(state)
    if place.where == OUTSIDE:
        return json_texts(texts, found)
    if place.where == INSIDE or output_context is OutputContext.HEADER:
        return None
    if output_context is OutputContext.URL and part is not Part.REST:
        return None
    return {text: text for text in texts | {""}}


def json_texts(texts: set[str], found: Outcomes) -> dict[str, str]:
    """Return the texts outside quotes: scalars and punctuation as written, others as strings.

    Beside punctuation, nothing is written for "" and a missing `else`; otherwise "" and null.
    """
    written = {
        text: text if _SCALAR.fullmatch(text) or _PUNCTUATION.fullmatch(text) else json_string(text)
        for text in texts
    }
    if any(_PUNCTUATION.fullmatch(text) for text in texts):
        written[""] = ""
    elif found.blanks and "" not in texts:
        written[""] = "null"
    return written


def writes_value(
    found: Outcomes, written: dict[str, str] | None, output_context: OutputContext
) -> bool:
    """Return whether an output may write more than punctuation and markup."""
    if found.has_value or written is None:
        return True
    return output_context is not OutputContext.XML and not all(
        _PUNCTUATION.fullmatch(text or ",") for text in written
    )


def state_after(
    found: Outcomes,
    written: dict[str, str] | None,
    output_context: OutputContext,
    state: LexerState,
) -> LexerState | None:
    """Return the lexer state after an output; None if the results end in different states."""
    lexer = LEXERS.get(output_context)
    value_state = after_value(state)
    if lexer is None or written is None:
        return value_state
    texts = set(written)
    if not found.blanks and "" not in {str(node.value) for node in found.literals}:
        texts.discard("")
    states = [_after_text(lexer.text, state, written[text]) for text in sorted(texts)]
    if found.has_value:
        states.append(value_state)
    merged: LexerState | None = states[0]
    for other in states[1:]:
        merged = merge(merged, other) if merged else None
    return merged


def _after_text(
    text_state: Callable[[LexerState, str], LexerState], state: LexerState, text: str
) -> LexerState:
    if not text:
        return state
    place = innermost(state)
    if place.where == OUTSIDE and not _PUNCTUATION.fullmatch(text):
        return after_value(state)
    return _in_layer(state, text, text_state)


def _in_layer(
    state: LexerState, text: str, text_state: Callable[[LexerState, str], LexerState]
) -> LexerState:
    """Return the state after a text that is written into the innermost JSON text."""
    if state.inner is not None and state.inner.where in {OUTSIDE, INSIDE}:
        return state._replace(inner=_in_layer(state.inner, text, text_state))
    if state.where == OUTSIDE:
        return state._replace(tail=text[-1])
    return text_state(state, text)
