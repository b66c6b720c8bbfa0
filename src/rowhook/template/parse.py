"""Parses a source into Jinja's syntax tree. Jinja compiles and renders nothing here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from .faults import TemplateFaults
from .tokens import ENVIRONMENT, read_tokens

if TYPE_CHECKING:
    from jinja2 import nodes

    from .source import Source


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


def _message(error: TemplateSyntaxError) -> str:
    message = (error.message or "Invalid syntax").rstrip(".")
    if message.startswith("unexpected end of template"):
        return "The template ends inside a tag. Close it."
    if message.startswith("Unexpected end of template"):
        return "The template ends inside an open if or for. Close it with endif or endfor."
    if message.startswith("Encountered unknown tag"):
        return "This tag does not belong to an open if or for."
    if message.startswith("Expected an expression"):
        return "An expression is missing here."
    for token in ("'end of print statement'", "'end of statement block'"):
        message = message.replace(token, "end of the tag")
    return f"{message[:1].upper()}{message[1:]}."
