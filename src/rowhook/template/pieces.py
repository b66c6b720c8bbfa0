"""The pieces of a template's text: what stands as it was written, and what is put in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from .expressions import compile_expression
from .follow import FOLLOWERS
from .names import beginning, describe, stand_at
from .outputs import make_hole, state_after, value_escape, write_hole, write_value
from .place import Place
from .url import Part, bad_character

if TYPE_CHECKING:
    from .build import Build
    from .follow import State
    from .frame import Frame, Statement

_COST = 4


def compile_text(build: Build, node: nodes.TemplateData, state: State) -> tuple[Statement, State]:
    """Compile static text. Its length is charged by the block that it stands in."""
    text = node.data
    follower = FOLLOWERS.get(build.place)
    if follower:
        glued = follower.glued(state, text)
        if glued:
            build.fault(node.lineno, glued)
        state = follower.text(state, text)
    _refuse_characters(build, node)

    def write(frame: Frame) -> None:
        frame.emit(text)

    return write, state


def _refuse_characters(build: Build, node: nodes.TemplateData) -> None:
    at = None
    message = ""
    if build.place is Place.URL:
        at = bad_character(node.data)
        message = (
            "White space, control characters and \\ are not allowed in a URL. Percent-encode them."
        )
    elif build.place is Place.HEADER:
        at = next((at for at, mark in enumerate(node.data) if not " " <= mark <= "~"), None)
        message = "A header may contain only visible ASCII characters and spaces, on one line."
    if at is not None:
        build.fault(node.lineno + at, message)


def compile_output(
    build: Build, node: nodes.Expr, state: State, part: Part
) -> tuple[Statement, State]:
    """Compile an expression whose value, or a secret, is put into the text here."""
    build.cost += _COST
    follower = FOLLOWERS.get(build.place)
    fault = follower.value(state) if follower else None
    if fault:
        build.fault(beginning(node), fault)
    escape = value_escape(build.place, state, part)
    after = state_after(build.place, state)
    secret = build.source.secrets.get(node.lineno) if isinstance(node, nodes.Name) else None
    if secret is not None:
        build.secrets.add(secret)
        return write_hole(make_hole(secret, escape)), after
    value = compile_expression(build, node)
    name = describe(node)
    stand_at(build, node, name)
    return write_value(value, name, build.place, escape), after
