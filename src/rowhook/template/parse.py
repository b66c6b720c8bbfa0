"""A source becomes Jinja's syntax tree. Jinja never compiles or renders anything here."""

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
    """Return the tree; each node's `lineno` is its offset. Raises TemplateFaults."""
    parser = Parser(ENVIRONMENT, "")
    parser.stream = TokenStream(iter(read_tokens(source)), None, None)
    try:
        return parser.parse()
    except TemplateSyntaxError as error:
        raise TemplateFaults([source.fault(error.lineno, _reworded(error))]) from error
    except RecursionError as error:
        message = "nested too deeply: write it flatter"
        at = parser.stream.current.lineno
        raise TemplateFaults([source.fault(at, message)]) from error


def _reworded(error: TemplateSyntaxError) -> str:
    message = (error.message or "not understood").rstrip(".")
    if message.startswith("unexpected end of template"):
        return "the template ends inside a tag: close it"
    if message.startswith("Unexpected end of template"):
        return "the template ends inside an open if or for: close it with endif or endfor"
    if message.startswith("Encountered unknown tag"):
        return "this tag closes or continues nothing that is open here: check if, for and their end"
    if message.startswith("Expected an expression"):
        return "an expression is missing here"
    return message.replace("'end of print statement'", "the end of the tag").replace(
        "'end of statement block'", "the end of the tag"
    )
