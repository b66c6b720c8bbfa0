"""A template's source with its positions: its tokens, and Jinja's syntax tree.

Jinja's lexer finds the tokens, of which some are rejected. Their `lineno` is the offset in the
source, so that every node of Jinja's parser has its exact position.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, TemplateSyntaxError
from jinja2.lexer import Token, TokenStream, ignored_tokens, operators
from jinja2.parser import Parser

from rowhook.template.faults import TemplateFault, TemplateFaults, closest_match
from rowhook.template.json_values import Number
from rowhook.template.limits import (
    MAX_BLOCKS,
    MAX_BRACKETS,
    MAX_FAULTS,
    MAX_LITERAL,
    MAX_SOURCE,
    MAX_TOKENS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import nodes

_SECRET = re.compile(
    r"\{\{[-+]?\s*(?P<all>secret\s*:\s*(?P<id>[A-Za-z0-9._-]{1,128})\s*)(?=-?\}\})"
)
_LONGEST = 500
_NEWLINE = re.compile(r"\r\n|\r")
# beginnings of the parser's messages, with ours
_PARSER_MESSAGES = {
    "unexpected end of template": "The template ends inside a tag. Close it.",
    "Unexpected end of template": (
        "The template ends inside an open if or for. Close it with endif or endfor."
    ),
    "Encountered unknown tag": "This tag does not belong to an open if or for.",
    "Expected an expression": "An expression is missing here.",
    "can't assign to": "This name cannot be set. Use another name.",
    "expected token 'name', got 'end of": "The name of a filter or test is missing here.",
}
# only for its lexer and parser; nothing is rendered with it
ENVIRONMENT = Environment(keep_trailing_newline=True, autoescape=True, cache_size=0)
_TAGS = ("if", "elif", "else", "endif", "for", "endfor", "set")
_TAG_ADVICE = {
    **dict.fromkeys(("elsif", "elseif", "elif:"), "Write elif."),
    **dict.fromkeys(("end", "fi", "done"), "Write endif or endfor."),
    "unless": "Write {% if not … %}.",
    "foreach": "Write {% for item in … %}.",
    **dict.fromkeys(("switch", "case", "when"), "Write if and elif."),
    **dict.fromkeys(("include", "import", "from", "extends"), "A template is one text."),
    **dict.fromkeys(("macro", "call", "block", "filter"), "Write the text where it is needed."),
    **dict.fromkeys(("assign", "let", "var", "with"), "Write {% set name = value %}."),
    "endset": "Write {% set name = value %}, without endset.",
    "break": "Loop over a slice, data.x[:10], or write {% for item in data.x if … %}.",
    "continue": "Write {% for item in data.x if … %}.",
}
# characters and operators of other languages, with their equivalents
_CHARACTER_ADVICE = {
    "&": "Write and.",
    "?": "Write a if condition else b.",
    "!": "Write not.",
    "`": "Write quotes, ' or \".",
    "$": "Write the name without $.",
    "\\": "Write text in quotes.",
    "#": "For a loop write {% for item in data.x %}, for a condition {% if data.x %}.",
    "@": "Write the name without @.",
}
_UNSUPPORTED_PAIRS = {
    ("pipe", "pipe"): "The operator || is not supported. Write or.",
    ("eq", "assign"): "The operator === is not supported. Write ==.",
    ("lbrace", "lbrace"): "Inside a tag, write a name without {{ }}.",
}
_OPENING = {"lparen": 1, "lbracket": 1, "lbrace": 1, "rparen": -1, "rbracket": -1, "rbrace": -1}
_NESTING = {"if": 1, "for": 1, "endif": -1, "endfor": -1}
_ESCAPE = re.compile(
    r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|U(000[0-9A-Fa-f]{5}|0010[0-9A-Fa-f]{4})|([\\'\"/nrtbf]))"
)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
SECRET_RULE = (
    "A secret must be written alone as {{secret:<id>}}, without filters and outside of conditions, "  # noqa: S105  # a message
    "loops and expressions. An id has 1 to 128 characters of A-Z a-z 0-9 . _ -."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    r"""A source in the form for Jinja's lexer, with a mapping to the original text.

    `flat` has `\n` as its only newline. `masked` has the same length, with the content of each
    `{{secret:<id>}}` replaced by the name `secret`; `secrets` maps the offset of that name to the
    id. `origins` maps offsets in `flat` to `text`, or is None if they are equal.
    """

    text: str
    flat: str
    masked: str
    secrets: dict[int, str]
    origins: list[int] | None
    newlines: list[int]
    shift: int

    def fault(self, offset: int, message: str) -> TemplateFault:
        """Returns a fault at an offset of `flat`."""
        return TemplateFault(message[:_LONGEST], *self.position(offset))

    def position(self, offset: int) -> tuple[int, int]:
        """Returns line and column, both from 1, of an offset of `flat`."""
        offset = max(0, min(offset, len(self.flat) - self.shift))
        line = bisect_right(self.newlines, offset - 1)
        start = self.newlines[line - 1] + 1 if line else 0
        column = offset - start + 1 - (0 if line else self.shift)
        return line + 1, max(1, column)

    def original(self, start: int, end: int) -> str:
        """Returns the original text between two offsets of `flat`, with carriage returns."""
        if self.origins is None:
            return self.flat[start:end]
        return self.text[self.origins[start] : self.origins[end]]


def read_source(text: str, *, wrapped: bool = False) -> Source:
    """Reads a source. `wrapped`: the caller has put it into `{{ }}`.

    Raises TemplateFaults if it is too long or cannot be encoded as UTF-8.
    """
    flat = _NEWLINE.sub("\n", text)
    newlines = [match.start() for match in re.finditer("\n", flat)]
    secrets: dict[int, str] = {}

    def mask(match: re.Match[str]) -> str:
        secrets[match.start("all")] = match["id"]
        return match.group()[: match.start("all") - match.start()] + "secret".ljust(
            len(match["all"])
        )

    source = Source(
        text=text,
        flat=flat,
        masked=_SECRET.sub(mask, flat),
        secrets=secrets,
        origins=_origins(text) if len(flat) != len(text) or "\r" in text else None,
        newlines=newlines,
        shift=3 if wrapped else 0,
    )
    _check_size(source)
    return source


def _origins(text: str) -> list[int]:
    ends = {match.end() - 1 for match in re.finditer("\r\n", text)}
    return [offset for offset in range(len(text)) if offset not in ends] + [len(text)]


def _check_size(source: Source) -> None:
    try:
        size = len(source.text.encode())
    except UnicodeEncodeError as error:
        message = "The template contains a lone surrogate, which cannot be encoded as UTF-8."
        raise TemplateFaults([source.fault(error.start, message)]) from error
    if size > MAX_SOURCE:
        message = f"The template has {size} bytes. The limit is {MAX_SOURCE}."
        raise TemplateFaults([source.fault(0, message)])


def parse(source: Source) -> nodes.Template:
    """Returns the syntax tree; `lineno` of each node is its offset. Raises TemplateFaults."""
    parser = Parser(ENVIRONMENT, "")
    parser.stream = TokenStream(iter(read_tokens(source)), None, None)
    try:
        return parser.parse()
    except TemplateSyntaxError as error:
        raise TemplateFaults([source.fault(error.lineno, _parser_message(error))]) from error
    except RecursionError as error:
        message = "The template is nested too deeply."
        at = parser.stream.current.lineno
        raise TemplateFaults([source.fault(at, message)]) from error


def _parser_message(error: TemplateSyntaxError) -> str:
    message = (error.message or "Invalid syntax").rstrip(".")
    for beginning, ours in _PARSER_MESSAGES.items():
        if message.startswith(beginning):
            return ours
    if "got '='" in message:
        return "The operator = is not supported here. To compare write ==."
    for token in ("'end of print statement'", "'end of statement block'"):
        message = message.replace(token, "end of the tag")
    return f"{message[:1].upper()}{message[1:]}."


def read_tokens(source: Source) -> list[Token]:
    """Returns the tokens. Raises TemplateFaults with all unsupported ones."""
    tokens: list[Token] = []
    faults: list[TemplateFault] = []
    for token in _located(source, faults):
        tokens.append(token)
        if len(tokens) > MAX_TOKENS:
            message = f"The template has more than {MAX_TOKENS} tokens."
            raise TemplateFaults([*faults, source.fault(token.lineno, message)])
    faults += _unsupported_tokens(tokens, source)
    if faults:
        faults.sort(key=lambda fault: (fault.line, fault.column))
        raise TemplateFaults(faults[:MAX_FAULTS])
    return tokens


def _located(source: Source, faults: list[TemplateFault]) -> Iterator[Token]:
    masked = source.masked
    at = 0
    try:
        for _, name, text in ENVIRONMENT.lexer.tokeniter(masked, None):
            while not masked.startswith(text, at):
                at += 1  # the lexer has removed the white space before a `{%-`
            if name not in ignored_tokens and name not in {"raw_begin", "raw_end"}:
                yield _token(source, at, name, text, faults)
            at += len(text)
    except TemplateSyntaxError as error:
        while at < len(masked) and masked[at].isspace():
            at += 1
        raise TemplateFaults(
            [*faults, source.fault(at, _lexer_message(error, masked[at : at + 1]))]
        ) from error


def _lexer_message(error: TemplateSyntaxError, character: str) -> str:
    message = re.sub(r" at \d+$", "", error.message or "invalid syntax").rstrip(".")
    message = message[:1].upper() + message[1:]
    advice = _CHARACTER_ADVICE.get(character) if "char" in message else None
    return f"{message}. {advice or 'Check that every tag, quote and bracket is closed.'}"


def _token(source: Source, at: int, name: str, text: str, faults: list[TemplateFault]) -> Token:
    value: object = text
    if name == "data":
        value = source.original(at, at + len(text))
    elif name == "string":
        value = _unescape(source.original(at + 1, at + len(text) - 1))
    elif name == "operator":
        name = operators[text]
    elif name in {"integer", "float"}:
        value = _number(source, at, name, text, faults)
    elif name == "name" and not text.isidentifier():
        faults.append(source.fault(at, "Invalid name. Use letters, digits and _."))
    return Token(at, name, value)  # type: ignore[arg-type]  # Number keeps the digits


def _number(
    source: Source, at: int, name: str, text: str, faults: list[TemplateFault]
) -> int | Number:
    if len(text) > MAX_LITERAL:
        faults.append(source.fault(at, f"The number has more than {MAX_LITERAL} characters."))
        return 0
    digits = text.replace("_", "")
    if name == "integer":
        return int(digits, 0)
    return Number(re.sub(r"^0+(?=[0-9])", "", digits))


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _PAIR.sub(_join_surrogates, _ESCAPE.sub(_unescaped, text))


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    return chr(int(code, 16)) if code else _PLAIN.get(match[4], match[4])


def _join_surrogates(match: re.Match[str]) -> str:
    return match.group().encode("utf-16", "surrogatepass").decode("utf-16")


def _unsupported_tokens(tokens: list[Token], source: Source) -> Iterator[TemplateFault]:
    brackets = blocks = 0
    for index, token in enumerate(tokens):
        before = tokens[index - 1].type if index else "data"
        message = _unsupported(token, before, tokens[index + 1 : index + 2], source)
        brackets += _OPENING.get(token.type, 0)
        if before == "block_begin":
            blocks += _NESTING.get(token.value, 0)
            if blocks > MAX_BLOCKS:
                message = f"More than {MAX_BLOCKS} nested if and for tags."
        if brackets > MAX_BRACKETS:
            message = f"More than {MAX_BRACKETS} nested brackets."
        if message:
            yield source.fault(token.lineno, message)
        if message and (brackets > MAX_BRACKETS or blocks > MAX_BLOCKS):
            return


def _unsupported(token: Token, before: str, after: list[Token], source: Source) -> str | None:
    if token.type == "pow":
        return "The operator ** is not supported. Write x * x."
    pair = (token.type, after[0].type if after else "")
    if pair in _UNSUPPORTED_PAIRS:
        return _UNSUPPORTED_PAIRS[pair]
    if token.type == "name" and before == "block_begin":
        return _unsupported_tag(token, after)
    is_alone = source.secrets.get(token.lineno) is None or before == "variable_begin"
    has_colon = token.value == "secret" and bool(after) and after[0].type == "colon"
    if token.type == "name" and (has_colon or not is_alone):
        return SECRET_RULE
    return None


def _unsupported_tag(token: Token, after: list[Token]) -> str | None:
    if token.value == "else" and after and after[0].value == "if":
        return "else if is not supported. Write elif."
    if token.value in _TAGS:
        return None
    match = closest_match(token.value, _TAGS)
    hint = _TAG_ADVICE.get(token.value, f"Did you mean {match}?" if match else "")
    return f"Unsupported tag {token.value}. Use if, for and set. {hint}".rstrip()
