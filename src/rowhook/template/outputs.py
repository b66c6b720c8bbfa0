"""Where a value leaves the template: it is escaped for its place, and counted.

A secret leaves a hole instead, which is filled after rendering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .escapes import form_text, header_text, percent_encoded, plain_text, xml_text
from .faults import Misfit, RenderFault
from .follow import INSIDE, VALUE
from .frame import overflowing
from .json_text import any_json, json_inner, json_string
from .place import Place
from .texts import text_of
from .url import PART_ESCAPES, Part
from .values import Encoded, Json, scalar_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from .follow import State
    from .frame import Expression, Frame, Statement

    Escape = Callable[[str], str]

_BODIES: dict[Place, Escape] = {
    Place.XML: xml_text,
    Place.FORM: form_text,
    Place.TEXT: plain_text,
    Place.HEADER: header_text,
}
# a percent-encoded text may take much longer than others: what one step stands for
_SLOW = frozenset({form_text, percent_encoded})


class Hole(str):
    """What people may see of a secret, where the secret will stand."""

    __slots__ = ("escape", "id")
    id: str
    escape: Escape


def make_hole(secret: str, escape: Escape) -> Hole:
    """Return the hole of a secret."""
    hole = Hole(f"[secret:{secret}]")
    hole.id, hole.escape = secret, escape
    return hole


def value_escape(place: Place, state: State, part: Part) -> Escape:
    """Return how a text is escaped where it stands: the whole of what a secret needs."""
    if place is Place.URL:
        return PART_ESCAPES[part]
    if place is Place.JSON:
        return json_inner if state[0] == INSIDE else json_string
    return _BODIES[place]


def state_after(place: Place, state: State) -> State:
    """Return what a value leaves behind for the text that follows it."""
    return (state[0], "" if state[0] == INSIDE else VALUE) if place is Place.JSON else state


def write_hole(hole: Hole) -> Statement:
    """Return the statement that leaves a hole. What fills it is counted when it is filled."""

    def write(frame: Frame) -> None:
        frame.room -= len(hole)
        if frame.room < 0:
            raise overflowing()
        frame.emit(hole)

    return write


def write_value(value: Expression, name: str, place: Place, escape: Escape) -> Statement:
    """Return the statement that writes a value with this escape."""
    if place is Place.JSON and escape is json_string:
        return _write_json(value, name)
    if place in {Place.URL, Place.HEADER}:
        return _write_text(value, name, escape, lambda found, _: scalar_text(found))
    return _write_text(value, name, escape, text_of)


def _write_json(value: Expression, name: str) -> Statement:
    def write(frame: Frame) -> None:
        found = value(frame)
        try:
            text = found if type(found) is Json else any_json(found, frame)
        except Misfit as error:
            raise RenderFault(f"{name} {error}", name) from error
        frame.room -= len(text)
        if frame.room < 0:
            raise overflowing()
        frame.emit(text)

    return write


def _write_text(
    value: Expression, name: str, escape: Escape, read: Callable[[object, Frame], str]
) -> Statement:
    slow = escape in _SLOW

    def write(frame: Frame) -> None:
        found = value(frame)
        try:
            text = found if type(found) is str else read(found, frame)
            if len(text) > frame.room:  # escaping never shortens
                raise overflowing()
            if slow:
                frame.spend(len(text) // 2)
            if type(text) is not Encoded or not slow:
                text = escape(text)
        except Misfit as error:
            raise RenderFault(f"{name} {error}", name) from error
        frame.room -= len(text)
        if frame.room < 0:
            raise overflowing()
        frame.emit(text)

    return write
