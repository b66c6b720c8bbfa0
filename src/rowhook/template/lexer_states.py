"""The state of a lexer: the constructs that enclose a position of the static text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


OUTSIDE, INSIDE = "outside quotes", "inside quotes"
# outside the quotes of a text that is not JSON, but has its strings: GraphQL
CODE = "in code"
# a text that is not JSON; one that may still begin a JSON text; one that may have begun it
PLAIN, START, OPENED = "in a text", "at the start of a text", "after an opening bracket"
NAME, FORM_VALUE = "in a name", "in a value"
# the last character of the text before: of a value, or unknown
VALUE, UNKNOWN = "\0value", "\0unknown"
HALF_ESCAPE = "An expression is not allowed inside a \\ escape."


class LexerState(NamedTuple):
    """The enclosing construct, and the end of the text that matters for what follows.

    `inner` is the state of the text inside a JSON string or a form value, which may be JSON itself.
    `depth` is the number of open brackets of a JSON text or code inside another text. `is_code`
    inside quotes of code.
    """

    where: str
    tail: str = ""
    inner: LexerState | None = None
    depth: int = 0
    is_code: bool = False


class TextLexer(NamedTuple):
    """The lexer of one kind of body, of URLs, or of header values.

    `text` returns the state after a text. The others return an error message or None: `text_fault`
    for a text in this state, `value_fault` for a value, `end_fault` for the end of the template.
    """

    start: LexerState
    text: Callable[[LexerState, str], LexerState]
    text_fault: Callable[[LexerState, str], str | None]
    value_fault: Callable[[LexerState], str | None]
    end_fault: Callable[[LexerState], str | None]


def merge(first: LexerState, second: LexerState) -> LexerState | None:
    """Return the state after two branches, or None if they end in different states."""
    if first == second:
        return first
    if first.where == second.where == OUTSIDE:
        return LexerState(OUTSIDE, UNKNOWN, depth=max(first.depth, second.depth))
    if {first.where, second.where} <= {PLAIN, START, OPENED}:
        return max(first, second, key=lambda state: (PLAIN, START, OPENED).index(state.where))
    if {first.where, second.where} == {NAME, FORM_VALUE}:
        return _merge_form(first, second)
    # half an escape sequence at the end of a branch would absorb the beginning of a value
    if first._replace(inner=None, depth=0) != second._replace(inner=None, depth=0):
        return None
    return _merge_inner(first, second)


def _merge_form(first: LexerState, second: LexerState) -> LexerState | None:
    value = first if first.where == FORM_VALUE else second
    is_json = value.inner is not None and value.inner.where in {OUTSIDE, INSIDE}
    return None if is_json or first.tail != second.tail else LexerState(NAME, first.tail)


def _merge_inner(first: LexerState, second: LexerState) -> LexerState | None:
    inner = first.inner
    if first.inner != second.inner:
        inner = merge(first.inner, second.inner) if first.inner and second.inner else None
        if inner is None:
            return None
    return first._replace(inner=inner, depth=max(first.depth, second.depth))


def innermost(state: LexerState) -> LexerState:
    """Return the state of the innermost JSON text, or of the outermost text."""
    while state.inner is not None and state.inner.where in {OUTSIDE, INSIDE}:
        state = state.inner
    return state
