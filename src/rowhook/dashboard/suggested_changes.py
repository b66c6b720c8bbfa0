"""Suggests changes to a draft that remove the faults of its held deliveries."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rowhook.dashboard.editor_form import Fields
from rowhook.dashboard.fault_positions import field_of, locate_faults
from rowhook.dashboard.schema_relaxations import SchemaText, offset_of
from rowhook.render.configuration import Fault
from rowhook.services.held_deliveries import HeldPreview

_UNDEFINED = re.compile(
    r"(?P<name>\S.*?) is not defined(?:; did you mean (?P<match>.+)\?$|[:.])", re.DOTALL
)
_UNKNOWN_FILTER = re.compile(r"Unknown filter (?P<name>\w+)\. Did you mean (?P<match>\w+)\?")
_STEP = r"""\s*\.\s*\w+|\s*\[\s*(?:-?\d+|"[^"\\]*"|'[^'\\]*')\s*\]"""
_PATH = re.compile(rf"[A-Za-z_]\w*(?:{_STEP})*")
_STEPS = re.compile(_STEP)
_MOST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedChange:
    """A replacement of a part of a field's text, from `start` to `end`."""

    field: str
    start: int
    end: int
    text: str
    summary: str

    @property
    def key(self) -> str:
        """Identifies the change in the form of this draft."""
        change = f"{self.field}:{self.start}:{self.end}:{self.text}"
        return hashlib.sha256(change.encode()).hexdigest()[:12]

    def apply(self, fields: Fields) -> Fields:
        """Return the fields with the change."""
        before = str(fields[self.field])
        return fields | {self.field: before[: self.start] + self.text + before[self.end :]}


def suggested_changes(
    fields: Fields, items: Iterable[HeldPreview], faults: Iterable[Fault] = ()
) -> list[SuggestedChange]:
    """Return changes for the faults of a draft and of its previews, each once."""
    found: dict[str, SuggestedChange] = {}
    for change in _changes(fields, items, faults):
        found.setdefault(change.key, change)
        if len(found) == _MOST:
            break
    return list(found.values())


def _changes(
    fields: Fields, items: Iterable[HeldPreview], faults: Iterable[Fault]
) -> Iterator[SuggestedChange]:
    for fault in faults:
        yield from _template_changes(fields, fault)
    schema = SchemaText(str(fields["schema"]))
    for item in items:
        body = item.request.body if item.request is not None else None
        for shown in item.faults:
            if shown.at == "body" and body is not None:
                for start, end, text, summary in schema.relaxations(shown.pointer, body):
                    yield SuggestedChange(
                        field="schema", start=start, end=end, text=text, summary=summary
                    )
            elif shown.at == "configuration":
                place = Fault(
                    pointer=shown.pointer,
                    message=shown.message,
                    line=shown.line,
                    column=shown.column,
                )
                yield from _template_changes(fields, place)


def _template_changes(fields: Fields, fault: Fault) -> Iterator[SuggestedChange]:
    """Yield changes for an undefined variable, or an unknown filter, at its place."""
    field = field_of(fault.pointer)
    if fault.line is None or field not in fields:
        return
    text = str(fields[field])
    (located,) = locate_faults([fault], field, text)
    if located["column"] is None:
        return
    start = offset_of(text, located["line"], located["column"])
    place = f"Line {located['line']}, column {located['column']}"
    if undefined := _UNDEFINED.match(fault.message):
        for end, new in _for_undefined(text, start, undefined["name"], undefined["match"]):
            yield _replacement(field, text, start, end, new, place)
    elif unknown := _UNKNOWN_FILTER.search(fault.message):
        used = re.compile(rf"\|\s*({re.escape(unknown['name'])})\b").search(text, start)
        if used is not None:
            yield _replacement(field, text, used.start(1), used.end(1), unknown["match"], place)


def _replacement(
    field: str, text: str, start: int, end: int, new: str, place: str
) -> SuggestedChange:
    summary = f"{place} of {_LABELS.get(field, field)}: {text[start:end]} becomes {new}"
    return SuggestedChange(field=field, start=start, end=end, text=new, summary=summary)


_LABELS = {"body_template": "the body template", "url": "the URL", "headers": "the headers"} | {
    "condition": "the condition"
}


def _for_undefined(
    text: str, start: int, name: str, match: str | None
) -> Iterator[tuple[int, str]]:
    """Yield the end and the replacement of the path at `start`: the similar name, a default."""
    path = _PATH.match(text, start)
    root = re.match(r"\w+", name)
    if path is None or root is None or not path[0].startswith(root[0]):
        return
    if match is not None and (wrong := _last_step(path, name)) is not None:
        yield path.end(), text[start : wrong[0]] + _last_of(match) + text[wrong[1] : path.end()]
    value = "[]" if re.search(r"\bin\s+$", text[:start]) else '""'
    default = f"{path[0]} | default({value})"
    is_followed = text[path.end() : path.end() + 1] in ("[", "(", ".")
    yield path.end(), f"({default})" if is_followed else default


def _last_step(path: re.Match[str], name: str) -> tuple[int, int] | None:
    """Return the range of the step that a fault names, which others may follow."""
    steps = list(_STEPS.finditer(path.string, path.start(), path.end()))
    count = len(_STEPS.findall(name))
    return steps[count - 1].span() if 0 < count <= len(steps) else None


def _last_of(name: str) -> str:
    return _STEPS.findall(name)[-1] if _STEPS.search(name) else f".{name}"
