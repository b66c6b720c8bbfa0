"""A template's source with its positions, parsed into Jinja's syntax tree."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from rowhook.template.faults import TemplateFault, TemplateFaults
from rowhook.template.lexer import ENVIRONMENT, read_tokens
from rowhook.template.limits import MAX_SOURCE

if TYPE_CHECKING:
    from jinja2 import nodes


_SECRET = re.compile(
    r"\{\{[-+]?\s*(?P<all>secret\s*:\s*(?P<id>[A-Za-z0-9._-]{1,128})\s*)(?=-?\}\})"
)
_LONGEST = 500
_NEWLINE = re.compile(r"\r\n|\r")


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
        """Return a fault at an offset of `flat`."""
        return TemplateFault(message[:_LONGEST], *self.position(offset))

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column, both from 1, of an offset of `flat`."""
        offset = max(0, min(offset, len(self.flat) - self.shift))
        line = bisect_right(self.newlines, offset - 1)
        start = self.newlines[line - 1] + 1 if line else 0
        column = offset - start + 1 - (0 if line else self.shift)
        return line + 1, max(1, column)

    def original(self, start: int, end: int) -> str:
        """Return the original text between two offsets of `flat`, with carriage returns."""
        if self.origins is None:
            return self.flat[start:end]
        return self.text[self.origins[start] : self.origins[end]]


def read_source(text: str, *, wrapped: bool = False) -> Source:
    """Read a source. `wrapped`: the caller has put it into `{{ }}`.

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
    """Return the syntax tree; `lineno` of each node is its offset. Raises TemplateFaults."""
    parser = Parser(ENVIRONMENT, "")
    parser.stream = TokenStream(iter(read_tokens(source)), None, None)
    try:
        return parser.parse()
    except TemplateSyntaxError as error:
        raise TemplateFaults([source.fault(error.lineno, _message(error))]) from error
    except RecursionError as error:
        message = "The template is nested too deeply."
        at = parser.stream.current.lineno
        raise TemplateFaults([source.fault(at, message)]) from error


# beginnings of the parser's messages, with ours
_MESSAGES = {
    "unexpected end of template": "The template ends inside a tag. Close it.",
    "Unexpected end of template": (
        "The template ends inside an open if or for. Close it with endif or endfor."
    ),
    "Encountered unknown tag": "This tag does not belong to an open if or for.",
    "Expected an expression": "An expression is missing here.",
    "can't assign to": "This name cannot be set. Use another name.",
    "expected token 'name', got 'end of": "The name of a filter or test is missing here.",
}


def _message(error: TemplateSyntaxError) -> str:
    message = (error.message or "Invalid syntax").rstrip(".")
    for beginning, ours in _MESSAGES.items():
        if message.startswith(beginning):
            return ours
    if "got '='" in message:
        return "The operator = is not supported here. To compare write ==."
    for token in ("'end of print statement'", "'end of statement block'"):
        message = message.replace(token, "end of the tag")
    return f"{message[:1].upper()}{message[1:]}."
