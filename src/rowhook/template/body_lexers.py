"""The lexers of JSON, form and XML bodies: which construct encloses a position of the text."""

from __future__ import annotations

import re
import string
from html import unescape
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_plus

from rowhook.template.limits import MAX_LAYERS

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
    """The enclosing construct, and the end of the text, which the following text may continue.

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
    """Returns the state after two branches, or None if they end in different states."""
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
    """Returns the state of the innermost JSON text, or of the outermost text."""
    while state.inner is not None and state.inner.where in {OUTSIDE, INSIDE}:
        state = state.inner
    return state


# characters that a value must not follow or precede: `1` and `{{ x }}` would be one number
ADJACENT = frozenset(string.ascii_letters + string.digits + '_+."-\\')
TWO_VALUES = "Two values outside quotes must be separated. Quote them, or put a comma between them."
_REST = re.compile(r'(?:[^"\\]|\\u[0-9A-Fa-f]{4}|\\[^u])*', re.DOTALL)
_HALF_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{0,3})?")
_HALF_PERCENT = re.compile(r"%[0-9A-Fa-f]?\Z")
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_BETWEEN = frozenset(" \t\r\n,:0123456789.+-")
_SPACE = frozenset(" \t\r\n")
# A GraphQL operation or fragment, or a shorthand query: `{` and a name.
_CODE_START = re.compile(
    r"\s*(?:(?:query|mutation|subscription|fragment)\b[^\"{}]*\{|\{(?=\s*[A-Za-z_]))"
)
_AMPERSAND = re.compile("&")
# the path ends before the first pair, the query before the fragment
_IN_URL = re.compile("[?&#]")
_AT_START = LexerState(START)


def _json_text(state: LexerState, text: str, layer: int = 0) -> LexerState:
    """Returns the state after a text; of a JSON text inside another, PLAIN after its end."""
    at = 0
    if state.where == INSIDE:
        text = state.tail + text
    while at < len(text) or state.where == INSIDE:
        if state.where in {OUTSIDE, CODE}:
            state, at = _outside(state, text, at, layer)
        elif state.where == INSIDE:
            state, at = _inside(state, text, at, layer)
            if state.where == INSIDE:
                return state
        else:
            return inner_text(state, text[at:], layer)
    return state


def _outside(state: LexerState, text: str, at: int, layer: int) -> tuple[LexerState, int]:
    quote = text.find('"', at)
    end = len(text) if quote < 0 else quote
    depth = state.depth
    if layer:
        for index in range(at, end):
            depth += (text[index] in "[{") - (text[index] in "]}")
            if not depth:
                return LexerState(START if state.where == CODE else PLAIN), index + 1
    if state.where == CODE:
        in_quotes = LexerState(INSIDE, depth=depth, is_code=True)
        return (state._replace(depth=depth), end) if quote < 0 else (in_quotes, quote + 1)
    if quote < 0:
        return LexerState(OUTSIDE, text[-1:] or state.tail, depth=depth), end
    return LexerState(INSIDE, inner=_AT_START, depth=depth), quote + 1


def _inside(state: LexerState, text: str, at: int, layer: int) -> tuple[LexerState, int]:
    begin = at
    while True:
        match = _REST.match(text, at)
        at = match.end() if match else at
        if at == len(text) or text[at] == '"' or _HALF_ESCAPE.fullmatch(text, at):
            break
        at += 1
    if at < len(text) and text[at] == '"':
        after = LexerState(CODE) if state.is_code else LexerState(OUTSIDE, '"')
        return after._replace(depth=state.depth), at + 1
    inner = inner_text(state.inner, text[begin:at], layer + 1, _json_decoded)
    return state._replace(tail=text[at:], inner=inner), len(text)


def _json_decoded(text: str) -> str:
    return _JSON_ESCAPE.sub(
        lambda match: chr(int(match[1], 16)) if match[1] else _CONTROLS.get(match[2], match[2]),
        text,
    )


def inner_text(
    state: LexerState | None,
    text: str,
    layer: int,
    decode: Callable[[str], str] = lambda text: text,
) -> LexerState:
    """Returns the state after a text inside a string; `decode` removes the escapes of the string.

    A text is JSON if it begins with brackets and a quote, as `{"a": …` and `[{"a": …`. It is code
    if it begins as GraphQL does, as `mutation { …` and `{ items …`.
    """
    if state is None or state.where == PLAIN or layer > MAX_LAYERS:
        return LexerState(PLAIN)
    text = decode(text)
    if state.where in {OUTSIDE, INSIDE, CODE}:
        return _json_text(state, text, layer)
    if state.where == START and (code := _CODE_START.match(text)):
        return _json_text(LexerState(CODE, depth=1), text[code.end() :], layer)
    return _beginning(state, text, layer)


def _beginning(state: LexerState, text: str, layer: int) -> LexerState:
    """Returns the state after a text that may begin a JSON text."""
    depth = state.depth
    for index, character in enumerate(text):
        if character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        elif character == '"' and depth > 0:
            inside = LexerState(INSIDE, inner=_AT_START, depth=depth)
            return _json_text(inside, text[index + 1 :], layer)
        elif character not in (_BETWEEN if depth else _SPACE):
            return LexerState(PLAIN)
        if depth <= 0 and character not in _SPACE:
            return LexerState(PLAIN)
    return LexerState(OPENED if depth else START, depth=depth)


def text_fault(state: LexerState, text: str) -> str | None:
    """Returns the fault of a text that continues a value outside quotes, or None."""
    place = innermost(state)
    if place.where == OUTSIDE and place.tail == VALUE and text[:1] in ADJACENT:
        return "A value outside quotes must be followed by a comma, colon, bracket or space."
    return None


def value_fault(state: LexerState) -> str | None:
    """Returns the fault of a value at this place of a JSON text, or None."""
    place: LexerState | None = state
    while place is not None and place.where == INSIDE:
        if place.tail:
            return HALF_ESCAPE
        place = place.inner
    is_outside = place is not None and place.where == OUTSIDE
    if is_outside and place is not None and (place.tail == VALUE or place.tail in ADJACENT):
        return TWO_VALUES
    return None


def _json_end_fault(state: LexerState) -> str | None:
    return "The body ends inside quotes. Close them." if state.where == INSIDE else None


def after_value(state: LexerState) -> LexerState:
    """Returns the state after a value that is written in this state."""
    if state.where == OUTSIDE:
        return LexerState(OUTSIDE, VALUE, depth=state.depth)
    if state.inner is not None and state.inner.where in {OUTSIDE, INSIDE}:
        return state._replace(inner=after_value(state.inner))
    return state


JSON_LEXER = TextLexer(
    start=LexerState(OUTSIDE),
    text=_json_text,
    text_fault=text_fault,
    value_fault=value_fault,
    end_fault=_json_end_fault,
)


def _form_text(
    state: LexerState, text: str, separators: re.Pattern[str] = _AMPERSAND
) -> LexerState:
    """Returns the state in a form body or URL, whose names and values are separated by & and =."""
    text = state.tail + text
    half = _HALF_PERCENT.search(text)
    tail = half[0] if half else ""
    for index, part in enumerate(separators.split(text[: len(text) - len(tail)])):
        if index:
            state = LexerState(NAME)
        if state.where == NAME:
            _, sign, part = part.partition("=")  # noqa: PLW2901  # the value of the pair
            if not sign:
                continue
            state = LexerState(FORM_VALUE, inner=_AT_START)
        state = LexerState(FORM_VALUE, inner=inner_text(state.inner, part, 1, unquote_plus))
    return state._replace(tail=tail)


def _form_value_fault(state: LexerState) -> str | None:
    if state.tail:
        return "An expression is not allowed inside a % escape."
    return None if state.inner is None else value_fault(state.inner)


FORM_LEXER = TextLexer(
    start=LexerState(NAME),
    text=_form_text,
    text_fault=text_fault,
    value_fault=_form_value_fault,
    end_fault=lambda _: None,
)
URL_LEXER = FORM_LEXER._replace(text=lambda state, text: _form_text(state, text, _IN_URL))


def _header_text(state: LexerState, text: str) -> LexerState:
    """Returns the state in the value of a header, which may be a JSON text as a whole."""
    return state._replace(inner=inner_text(state.inner, text, 1))


HEADER_LEXER = FORM_LEXER._replace(start=LexerState(FORM_VALUE, inner=_AT_START), text=_header_text)


COMMENT = "a comment"
_XML_TEXT, _XML_TAG = "text", "a tag"
_XML_OPEN = {"<!--": COMMENT, "<![CDATA[": "CDATA", "<?": "an instruction"}
_XML_ENDS = {COMMENT: "-->", "CDATA": "]]>", "an instruction": "?>"}
_QUOTES = frozenset("\"'")
_IN_XML_TAG = re.compile("[>\"']")
_WITHOUT_VALUES = frozenset({_XML_TAG, "CDATA", "an instruction"})


def _at_start(where: str) -> LexerState:
    return LexerState(where, inner=LexerState(START))


_AT_TEXT = _at_start(_XML_TEXT)


def _xml_text(lexer_state: LexerState, text: str) -> LexerState:
    at = 0
    while at < len(text):
        where = lexer_state.where
        if where == _XML_TEXT:
            lexer_state, at = _content(lexer_state, text, at)
        elif where == _XML_TAG:
            match = _IN_XML_TAG.search(text, at)
            at = match.end() if match else len(text)
            if match:
                lexer_state = _AT_TEXT if match.group() == ">" else _at_start(match.group())
        elif where in _QUOTES:
            end = text.find(where, at)
            value = text[at:] if end < 0 else text[at:end]
            lexer_state = _with_text(lexer_state, value) if end < 0 else LexerState(_XML_TAG)
            at = len(text) if end < 0 else end + 1
        else:
            end = text.find(_XML_ENDS[where], at)
            lexer_state = lexer_state if end < 0 else _AT_TEXT
            at = len(text) if end < 0 else end + len(_XML_ENDS[where])
    return lexer_state


def _content(lexer_state: LexerState, text: str, at: int) -> tuple[LexerState, int]:
    """Returns the state after the text of an element, up to the next markup."""
    start = text.find("<", at)
    if start < 0:
        return _with_text(lexer_state, text[at:]), len(text)
    for delimiter, where in _XML_OPEN.items():
        if text.startswith(delimiter, start):
            return LexerState(where), start + len(delimiter)
    return LexerState(_XML_TAG), start + 1


def _with_text(lexer_state: LexerState, text: str) -> LexerState:
    """Returns the state after a text of an element or attribute, which may be a JSON text."""
    return lexer_state._replace(inner=inner_text(lexer_state.inner, text, 1, unescape))


def _xml_value_fault(lexer_state: LexerState) -> str | None:
    if lexer_state.where not in _WITHOUT_VALUES:
        return None if lexer_state.inner is None else value_fault(lexer_state.inner)
    advice = (
        "Remove the CDATA." if lexer_state.where == "CDATA" else "Put it in quotes or between tags."
    )
    return f"A value cannot be escaped inside {lexer_state.where}. {advice}"


XML_LEXER = TextLexer(
    start=_AT_TEXT,
    text=_xml_text,
    text_fault=text_fault,
    value_fault=_xml_value_fault,
    end_fault=lambda _: None,
)
